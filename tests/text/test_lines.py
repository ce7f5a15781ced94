"""Lines of a stream: the same however it was cut, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.text import lines as module
from anaphora.text.lines import LONGEST, lines, whole_lines


def flat(chunks: list[str]) -> list[str]:
    return [line for group in lines(chunks) for line in group]


@given(st.lists(st.text(alphabet="ab \n\r\u2028", max_size=9), max_size=9))
def test_lines_do_not_depend_on_the_cuts(chunks: list[str]) -> None:
    whole = "".join(chunks)
    assert flat(chunks) == flat([whole])
    assert flat(chunks) == [line for line in whole.replace("\n", "\n\0").split("\0") if line]


def test_long_lines_come_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 8)
    text = "one two three four\nfive six\nabcdefghijklmnopqrstuvwxyz\nend"
    expected = ["one two", " three", " four\n", "five", " six\n", "abcdefgh", "ijklmnop", "qrstuvwx", "yz\n", "end"]
    assert flat([text]) == expected
    assert flat(list(text)) == expected, "one character at a time"


def test_a_line_without_end_is_not_held() -> None:
    longest = max(len(line) for group in lines("x" * 10_000 for _ in range(100)) for line in group)
    assert longest == LONGEST


@given(st.lists(st.text("ab\n\r\u2028", max_size=5)))
def test_whole_lines_are_cut_at_newlines_only(chunks: list[str]) -> None:
    found = [line for group in whole_lines(chunks) for line in group]
    assert found == [line for line in "".join(chunks).replace("\n", "\n\0").split("\0") if line]


def test_whole_lines_come_as_soon_as_they_are_complete() -> None:
    assert list(whole_lines(["a\nb", "b", "b\n\nc", "c"])) == [["a\n"], ["bbb\n", "\n"], ["cc"]]
