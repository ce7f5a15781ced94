"""A byte for a float: exact where there are few values, close where there are many, special values always exact."""

import numpy as np

from anaphora.models.ngram.quantize import LEVELS, quantize


def test_few_values_are_exact() -> None:
    values = np.repeat(np.linspace(-9, -1, 200, dtype=np.float32), 3)[::-1]
    codes, levels = quantize(values)
    np.testing.assert_array_equal(levels[codes], values)
    assert len(levels) == LEVELS


def test_many_values_are_close_and_keep_their_order() -> None:
    values = -np.random.default_rng(1).exponential(2.0, 10_000).astype(np.float32)
    codes, levels = quantize(values)
    assert np.abs(levels[codes] - values).mean() < 0.03
    assert (np.diff(levels[codes[np.argsort(values)]]) >= 0).all()


def test_zero_and_the_impossible_stay_exact_among_many() -> None:
    values = -np.random.default_rng(1).exponential(2.0, 10_000).astype(np.float32)
    values[::7], values[::11] = 0.0, -np.inf
    codes, levels = quantize(values)
    np.testing.assert_array_equal(levels[codes][::77], values[::77])
    assert (levels[codes][np.isneginf(values)] == -np.inf).all()
    assert (levels[codes][values == 0] == 0).all()


def test_nothing_is_nothing() -> None:
    assert len(quantize(np.empty(0, np.float32))[0]) == 0
