"""Signals worked out by hand, character by character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.lab.units.signals import SIGNALS, TITLES, signal


def digits(name: str, text: str) -> str:
    """Return the signal as a string of digits, one for each character."""
    return "".join(str(int(value)) for value in signal(name, text))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("line_position", "abc\n\nde", "1230012"),
        ("quotes", 'a "b" c', "0011000"),
        ("quotes", "“a” „b“ «c» 「d」", "110011001100110"),
        ("quotes", '“a "b" c” d', "11111111000"),
        ("quotes", "it's", "0000"),
        ("quotes", '"open\n\nnext', "11111100000"),
        ("indentation", "a\n  b c\nd", "001222200"),
        ("indentation", "\tx\n   \ty", "88012388"),
        ("brackets", "f(x[1]) + )(", "011221000001"),
        ("brackets", "（【】）", "1210"),
        ("brackets", ":(\n \nok", "0111000"),
    ],
)
def test_by_hand(name: str, text: str, expected: str) -> None:
    assert digits(name, text) == expected


@given(st.text(alphabet='ab "“”()[\t\n'))
def test_signals_follow_the_text(text: str) -> None:
    for name in SIGNALS:
        values = signal(name, text)
        assert len(values) == len(text)
        assert (values >= 0).all()
    assert [value == 0 for value in signal("line_position", text)] == [char == "\n" for char in text]


@given(st.text(alphabet='ab "()\t\n'), st.text(alphabet='ab "()\t\n'))
def test_signals_do_not_see_the_future(text: str, more: str) -> None:
    for name in SIGNALS:
        assert signal(name, text + more)[: len(text)].tolist() == signal(name, text).tolist()


def test_every_signal_has_a_title() -> None:
    assert SIGNALS.keys() == TITLES.keys()
