"""Arithmetic worked out by hand."""

import math

import pytest

from anaphora.evaluation.metrics import bits_per, finite_or_none, perplexity


def test_perplexity_is_the_exponential_of_nats() -> None:
    assert perplexity(0.0) == 1.0
    assert perplexity(math.log(80)) == pytest.approx(80.0, rel=1e-12)


def test_perplexity_beyond_a_float_is_infinite() -> None:
    assert perplexity(709.0) < math.inf
    assert perplexity(710.0) == math.inf


def test_bits_per_unit() -> None:
    assert bits_per(8 * math.log(2.0), 4) == 2.0  # eight bits over four characters
    assert bits_per(0.0, 3) == 0.0


@pytest.mark.parametrize(("value", "expected"), [(1.5, 1.5), (math.inf, None), (-math.inf, None), (math.nan, None)])
def test_json_has_no_infinity(value: float, expected: float | None) -> None:
    assert finite_or_none(value) == expected
