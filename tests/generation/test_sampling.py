"""Each filter by hand on one small distribution, and the draw against the distribution it draws from."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from anaphora.generation import sampling

P = torch.tensor([[0.1, 0.4, 0.2, 0.3]])
SCORES = P.log()


def kept(scores: Tensor) -> list[int]:
    """Return the tokens that are still possible in the first row."""
    return torch.nonzero(scores[0] > -math.inf).flatten().tolist()


def test_forbid() -> None:
    assert kept(sampling.forbid(SCORES, torch.tensor([1, 3]))) == [0, 2]
    assert sampling.forbid(SCORES, torch.tensor([], dtype=torch.int64)) is SCORES
    assert kept(SCORES) == [0, 1, 2, 3]  # the input is left alone


@pytest.mark.parametrize(("k", "expected"), [(1, [1]), (2, [1, 3]), (4, [0, 1, 2, 3])])
def test_top_k(k: int, expected: list[int]) -> None:
    assert kept(sampling.keep_top_k(SCORES, k)) == expected


def test_top_k_keeps_k_of_equals() -> None:
    assert len(kept(sampling.keep_top_k(torch.zeros(1, 9), 4))) == 4


@pytest.mark.parametrize(
    ("p", "expected"),
    [(1e-9, [1]), (0.39, [1]), (0.41, [1, 3]), (0.69, [1, 3]), (0.71, [1, 2, 3]), (1.0, [0, 1, 2, 3])],
)
def test_top_p_is_the_smallest_set_that_reaches_p(p: float, expected: list[int]) -> None:
    assert kept(sampling.keep_top_p(SCORES, p)) == expected


def test_top_p_counts_what_other_filters_left() -> None:
    """Without token 1 the others have 1/6, 1/3 and 1/2."""
    left = sampling.forbid(SCORES, torch.tensor([1]))
    assert kept(sampling.keep_top_p(left, 0.45)) == [3]
    assert kept(sampling.keep_top_p(left, 0.8)) == [2, 3]
    assert kept(sampling.keep_top_p(left, 1.0)) == [0, 2, 3]


@pytest.mark.parametrize(("p", "expected"), [(0.0, [0, 1, 2, 3]), (0.49, [1, 2, 3]), (0.51, [1, 3]), (1.0, [1])])
def test_min_p_is_a_share_of_the_best(p: float, expected: list[int]) -> None:
    assert kept(sampling.keep_min_p(SCORES, p)) == expected


def test_temperature_divides() -> None:
    """Probabilities squared and normalised is temperature 1/2: 1, 16, 4, 9 out of 30."""
    half = sampling.apply_temperature(SCORES, 0.5).softmax(1)
    torch.testing.assert_close(half.float(), torch.tensor([[1, 16, 4, 9]]) / 30)


@pytest.mark.parametrize("temperature", [1e-30, 1e-300, 1e30])
def test_extreme_temperatures_stay_numbers(temperature: float) -> None:
    probabilities = sampling.apply_temperature(SCORES, temperature).softmax(1)
    assert probabilities.isfinite().all()
    assert probabilities[0, 1] == pytest.approx(1.0 if temperature < 1 else 0.25)


def test_repetition_penalty_is_a_power() -> None:
    seen = torch.tensor([[False, True, False, False]])
    penalized = sampling.penalize_repetition(SCORES, seen, 2.0).exp()
    torch.testing.assert_close(penalized, torch.tensor([[0.1, 0.16, 0.2, 0.3]]))


@pytest.mark.parametrize(
    ("uniform", "token"), [(0.0, 0), (0.0999, 0), (0.1001, 1), (0.4999, 1), (0.5001, 2), (0.99, 3)]
)
def test_draw_inverts_the_distribution(uniform: float, token: int) -> None:
    assert sampling.draw(SCORES, torch.tensor([uniform], dtype=torch.float64)).tolist() == [token]


@given(
    st.lists(st.floats(-200, 200, width=32), min_size=1, max_size=12),
    st.sets(st.integers(0, 11)),
    st.floats(0, 1, exclude_max=True) | st.sampled_from([0.0, 1 - 2**-53]),
)
def test_the_impossible_is_never_drawn(logits: list[float], forbidden: set[int], uniform: float) -> None:
    banned = sorted(token for token in forbidden if token < len(logits))[: len(logits) - 1]
    scores = sampling.forbid(torch.tensor([logits]), torch.tensor(banned, dtype=torch.int64))
    (token,) = sampling.draw(scores, torch.tensor([uniform], dtype=torch.float64)).tolist()
    assert 0 <= token < len(logits)
    assert token not in banned


def test_draws_have_the_probabilities() -> None:
    """A grid of uniform numbers draws each token exactly as often as its probability says."""
    grid = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    drawn = sampling.draw(SCORES.expand(1000, -1), grid)
    assert torch.bincount(drawn).tolist() == [100, 400, 200, 300]


def test_streams_depend_on_seed_and_number_only() -> None:
    few, many = sampling.UniformStreams(5, 2), sampling.UniformStreams(5, 7)
    for _ in range(600):  # more than two blocks
        assert few.next([1]).tolist() == many.next([0, 1, 6])[1:2].tolist()
    assert sampling.UniformStreams(6, 1).next([0]) != sampling.UniformStreams(5, 1).next([0])
    assert sampling.UniformStreams(None, 1).next([0]) != sampling.UniformStreams(None, 1).next([0])


def test_streams_stay_what_they_are() -> None:
    """A seed in a recipe must mean the same text in years: NumPy's PCG64, seeded by (seed, spawn_key=(i,))."""
    assert sampling.UniformStreams(1, 2).next([0, 1]).tolist() == [0.6990345474368357, 0.4757645185899906]
