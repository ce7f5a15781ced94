"""Edit distances against the table of the textbooks, and the rates made from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.evaluation.edits import count_errors, count_units, edit_distance


def by_table(found: str, expected: str) -> int:
    """Levenshtein's distance cell by cell: the plain twin."""
    row = list(range(len(expected) + 1))
    for i, one in enumerate(found, start=1):
        above, row = row, [i]
        for j, other in enumerate(expected, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (one != other)))
    return row[-1]


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_it_is_the_tables_answer(found: str, expected: str) -> None:
    assert edit_distance(found, expected) == by_table(found, expected)


def test_longer_than_a_machine_word() -> None:
    assert edit_distance("kitten" * 40, "sitting" * 40) == by_table("kitten" * 40, "sitting" * 40)


@pytest.mark.parametrize(
    ("metric", "text", "references", "errors", "units"),
    [
        ("wer", "wreck a nice beach", ["recognize speech"], 4, 2),
        ("wer", "the  cat sat", ["the cat", "the cat sat"], 0, 2.5),
        ("cer", "你走先", ["你先走"], 2, 3),
        ("cer", "a b", ["ab c"], 1, 3),
        ("ser", "the cat", ["the hat"], 1, 1),
        ("ser", " the cat", ["a", "the cat "], 0, 1),
    ],
)
def test_errors_by_hand(metric: str, text: str, references: list[str], errors: int, units: float) -> None:
    assert count_errors(metric, text, references) == errors
    assert count_units(metric, references) == units
