"""The computed shuffle: every item once, another order for each seed, and no pattern that one would notice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.data.shuffle import Shuffle


@given(st.integers(1, 2000), st.tuples(st.integers(0, 2**40), st.integers(0, 100)))
def test_every_item_comes_once(count: int, seed: tuple[int, int]) -> None:
    order = Shuffle(count, seed)(np.arange(count))
    assert sorted(order.tolist()) == list(range(count))


@pytest.mark.parametrize("count", [99_991, 2**40 + 7])
def test_one_at_a_time_equals_all_at_once(count: int) -> None:
    order = Shuffle(count, (3, 1))
    places = np.linspace(0, count - 1, 50).astype(np.int64)
    together = order(places)
    assert together.tolist() == [int(order(places[i : i + 1])[0]) for i in range(50)]
    assert ((together >= 0) & (together < count)).all()
    assert len(set(together.tolist())) == 50


def test_seeds_give_different_orders() -> None:
    places = np.arange(1000)
    orders = {tuple(Shuffle(1000, seed)(places).tolist()) for seed in [(0, 0), (0, 1), (1, 0), (1, 1)]}
    assert len(orders) == 4
    assert Shuffle(1000, (0, 1))(places).tolist() == Shuffle(1000, (0, 1))(places).tolist()


def test_it_looks_shuffled() -> None:
    """Few neighbours stay neighbours (two expected), and place says nothing about item."""
    count = 50_000
    order = Shuffle(count, (0, 0))(np.arange(count))
    assert (np.abs(np.diff(order)) == 1).sum() < 20
    assert abs(np.corrcoef(order, np.arange(count))[0, 1]) < 0.02
    halves = order[: count // 2] < count // 2
    assert 0.48 < halves.mean() < 0.52
