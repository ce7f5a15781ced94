"""Characters stand in rows of 88 columns; words stay whole where they can, and wide characters take two columns."""

from anaphora.lab.text_grid import COLUMNS, cells


def rows_of(text: str) -> list[str]:
    rows: dict[int, str] = {}
    for position, row, _, _ in cells(text):
        rows[row] = rows.get(row, "") + text[position]
    return list(rows.values())


def test_a_word_that_does_not_fit_opens_a_row() -> None:
    assert rows_of("a" * 80 + " " + "b" * 10) == ["a" * 80 + " ", "b" * 10]


def test_a_word_longer_than_a_row_is_folded() -> None:
    assert rows_of("x " + "b" * 100) == ["x " + "b" * (COLUMNS - 2), "b" * (100 - COLUMNS + 2)]


def test_a_line_end_ends_a_row() -> None:
    assert rows_of("a\n\nb") == ["a\n", "\n", "b"]


def test_white_space_that_does_not_fit_is_left_out() -> None:
    full = "a" * COLUMNS
    assert rows_of(f"{full} b") == [full, "b"]
    assert rows_of(f"{full}\nb") == [full, "b"]


def test_wide_characters_take_two_columns() -> None:
    assert [(column, width) for _, _, column, width in cells("a先b")] == [(0, 1), (1, 2), (3, 1)]
    assert len(rows_of("先" * 45)) == 2
