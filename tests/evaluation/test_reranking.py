"""The search for weights: its envelope is exact, and what it finds is never worse than where it began."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.evaluation.reranking import Choices, tune, upper_envelope


def lines(count: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=1, max_size=count)


@given(lines(8), st.floats(-20, 20))
def test_the_envelope_is_the_highest_line_everywhere(pairs: list[tuple[int, int]], t: float) -> None:
    heights, slopes = np.array(pairs, dtype=np.float64).T
    envelope = upper_envelope(heights, slopes)
    assert envelope[0][0] == -np.inf
    assert [begin for begin, _ in envelope] == sorted({begin for begin, _ in envelope})
    place = [place for begin, place in envelope if begin <= t][-1]
    assert heights[place] + slopes[place] * t == pytest.approx((heights + slopes * t).max(), abs=1e-9)


def by_hand() -> Choices:
    """Two inputs: the right candidate wins with a second weight between 1 and 3 only."""
    return Choices(
        groups=[np.array([0, 1]), np.array([2, 3])],
        features=np.array([[1.0, 0.0], [0.0, 1.0], [3.0, 0.0], [0.0, 1.0]]),
        errors=np.array([1, 0, 0, 1]),
    )


def test_a_case_by_hand() -> None:
    choices = by_hand()
    assert [choices.errors_with(np.array([1.0, weight])) for weight in (0.5, 2.0, 4.0)] == [1, 0, 1]
    found = tune(choices, np.array([1.0, 0.0]), [1], restarts=0, seed=1)
    assert found == pytest.approx([1.0, 2.0]), "the middle of the interval"
    assert choices.fewest_errors() == 0


def test_what_cannot_become_better_stays() -> None:
    weights = np.array([1.0, 1.5])
    assert tune(by_hand(), weights, [1], restarts=3, seed=1) is weights


@given(st.integers(0, 10_000))
def test_errors_never_rise_and_are_no_more_than_a_grid_finds(seed: int) -> None:
    chance = np.random.default_rng(seed)
    choices = Choices(
        groups=np.split(np.arange(40), 10),
        features=chance.normal(size=(40, 2)),
        errors=chance.integers(0, 5, 40),
    )
    start = np.array([1.0, 0.3])
    found = tune(choices, start, [1], restarts=2, seed=seed)
    assert found[0] == 1.0
    grid = min(choices.errors_with(np.array([1.0, weight])) for weight in np.linspace(-4, 4, 81))
    assert choices.errors_with(found) <= min(grid, choices.errors_with(start))


def test_the_same_seed_finds_the_same() -> None:
    chance = np.random.default_rng(3)
    choices = Choices(
        groups=np.split(np.arange(60), 12), features=chance.normal(size=(60, 4)), errors=chance.integers(0, 5, 60)
    )
    first, second = (tune(choices, np.array([1.0, 1.0, 0.0, 0.0]), [1, 2, 3], restarts=3, seed=5) for _ in range(2))
    assert (first == second).all()
    assert choices.errors_with(first) < choices.errors_with(np.array([1.0, 1.0, 0.0, 0.0]))
