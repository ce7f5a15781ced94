"""Stratified division: each label's share, the bounds, and one outcome for one seed."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anaphora.text.splits import take_groups, take_stratified

LABELS = [("a",)] * 60 + [("b",)] * 30 + [("c",)] * 10


def of(chosen: np.ndarray) -> Counter[str]:
    return Counter(labels[0] for labels, takes in zip(LABELS, chosen, strict=True) if takes)


def test_each_label_has_its_share() -> None:
    chosen = take_stratified(LABELS, 20, seed=1)
    assert of(chosen) == {"a": 12, "b": 6, "c": 2}
    assert (chosen == take_stratified(LABELS, 20, seed=1)).all()
    assert (chosen != take_stratified(LABELS, 20, seed=2)).any()


def test_bounds_hold() -> None:
    assert of(take_stratified(LABELS, 4, seed=1, least=1)) == {"a": 2, "b": 1, "c": 1}
    assert of(take_stratified(LABELS, 100, seed=1, leave=3)) == {"a": 57, "b": 27, "c": 7}
    assert of(take_stratified(LABELS, 0, seed=1, least=20)) == {"a": 20, "b": 20, "c": 10}


def test_documents_with_several_labels_count_for_the_rarest() -> None:
    labels = [("a", "rare")] * 10 + [("a",)] * 30 + [()] * 20
    chosen = take_stratified(labels, 30, seed=3)
    assert [int(part.sum()) for part in np.split(chosen, [10, 40])] == [5, 15, 10]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(0, 40), st.integers(0, 3))
def test_the_count_is_met_where_the_bounds_allow(numbers: list[int], count: int, leave: int) -> None:
    labels = [(str(number),) for number in numbers]
    sizes = Counter(numbers)
    room = sum(max(size - leave, 0) for size in sizes.values())
    chosen = take_stratified(labels, count, seed=0, leave=leave)
    assert chosen.sum() == min(count, room)
    for number, size in sizes.items():
        assert sum(chosen[i] for i, own in enumerate(numbers) if own == number) <= max(size - leave, 0)


def test_groups_stay_whole_and_each_label_has_about_its_share() -> None:
    labels = [("a",), ("a",), ("b",)] * 100
    groups = [f"film {number // 6}" for number in range(300)]
    chosen = take_groups(labels, groups, 60, seed=1)
    assert (
        Counter(name for name, takes in zip(groups, chosen, strict=True) if takes)
        .keys()
        .isdisjoint(name for name, takes in zip(groups, chosen, strict=True) if not takes)
    )
    of_a, of_b = (sum(chosen[i] for i in range(300) if labels[i] == (label,)) for label in "ab")
    assert (of_a, of_b) == (40, 20)
    assert (chosen == take_groups(labels, groups, 60, seed=1)).all()
    assert (chosen != take_groups(labels, groups, 60, seed=2)).any()


def test_no_group_is_taken_that_is_too_large_or_holds_all_of_a_label() -> None:
    assert not take_groups([("a",), ("b",)] * 20, ["all"] * 40, 4, seed=1, leave=1).any()
    labels = [("a",)] * 30 + [("b",)] * 3
    groups = [str(number) for number in range(30)] + ["b"] * 3
    assert not take_groups(labels, groups, 15, seed=1, leave=1)[30:].any()
