"""The bootstrap on cases whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.evaluation import compare as module
from anaphora.evaluation.compare import largest, paired_bootstrap


def test_figures_by_hand() -> None:
    """Costs 6 and 9 over 3 units: 2 and 3. Every line is one unit cheaper for the first, so every draw says -1."""
    found = paired_bootstrap(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0]), np.ones(3), draws=99)
    assert (found.first, found.second, found.difference) == (2.0, 3.0, -1.0)
    assert (found.low, found.high, found.share_first_better) == (-1.0, -1.0, 1.0)
    assert found.p == pytest.approx(2 / 100), "the least that 99 draws can show"
    assert (found.draws, found.lines) == (99, 3)


def test_a_model_beside_itself_is_not_better() -> None:
    costs = np.array([1.0, 5.0, 2.0])
    found = paired_bootstrap(costs, costs, np.ones(3))
    assert (found.difference, found.low, found.high, found.p, found.share_first_better) == (0.0, 0.0, 0.0, 1.0, 0.0)


def test_interval_and_p_are_those_of_the_normal_distribution_where_it_holds() -> None:
    """1,000 lines whose differences have mean 0.05 and deviation 1: the mean's deviation is 0.0316."""
    chance = np.random.default_rng(2)
    costs = chance.normal(size=1000)
    costs = (costs - costs.mean()) / costs.std() + 0.05
    found = paired_bootstrap(costs, np.zeros(1000), np.ones(1000), draws=4000)
    assert found.low == pytest.approx(0.05 - 1.96 * 0.0316, abs=0.006)
    assert found.high == pytest.approx(0.05 + 1.96 * 0.0316, abs=0.006)
    assert found.p == pytest.approx(0.114, abs=0.03)


@given(st.integers(0, 1000), st.integers(1, 30))
def test_sides_are_symmetric_and_the_seed_decides(seed: int, lines: int) -> None:
    chance = np.random.default_rng(seed)
    first, second, units = chance.random(lines), chance.random(lines), chance.integers(1, 9, lines).astype(np.float64)
    one = paired_bootstrap(first, second, units, draws=50, seed=seed)
    other = paired_bootstrap(second, first, units, draws=50, seed=seed)
    assert one.p == other.p
    assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low))
    assert one == paired_bootstrap(first, second, units, draws=50, seed=seed)


def test_blocks_of_draws_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(0)
    first, second = chance.random(20), chance.random(20)
    whole = paired_bootstrap(first, second, np.ones(20), draws=50)
    monkeypatch.setattr(module, "_DRAWN_AT_ONCE", 60)
    assert paired_bootstrap(first, second, np.ones(20), draws=50) == whole


def test_the_largest_on_each_side() -> None:
    assert largest(np.array([0.5, -2.0, 0.0, 3.0, -1.0]), 2) == ([1, 4], [3, 0])
    assert largest(np.array([0.5, 0.0]), 5) == ([], [0])
    assert largest(np.array([0.5]), 0) == ([], [])
