"""Pieces: cutting, finding and taking stretches gives what the whole string would give."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from anaphora.text.pieces import find, regroup, starts_afresh, stretch

texts = st.lists(st.text("ab \n", max_size=6))
scripts = st.text(st.sampled_from("aé\n e\u0301\u0323각\u1100\u1161\u11a8\u0928\u093f"), max_size=40)


@given(texts, st.integers(0, 30), st.none() | st.integers(0, 30))
def test_a_stretch_is_a_slice(pieces: list[str], start: int, stop: int | None) -> None:
    assert "".join(stretch(pieces, start, stop)) == "".join(pieces)[start:stop]


@given(texts, st.text("ab", min_size=1, max_size=4), st.integers(0, 10))
def test_find_is_str_find(pieces: list[str], wanted: str, start: int) -> None:
    expected = "".join(pieces).find(wanted, start)
    assert find(pieces, wanted, start) == (None if expected < 0 else expected)


@given(st.lists(scripts), st.integers(2, 12))
def test_regroup_keeps_the_text_and_the_size(pieces: list[str], size: int) -> None:
    result = list(regroup(pieces, size))
    assert "".join(result) == "".join(pieces)
    assert all(0 < len(piece) <= size for piece in result)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80), st.integers(20, 40))
def test_normalising_piece_by_piece_is_normalising_the_whole(text: str, size: int) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        whole = unicodedata.normalize(form, text)
        assert "".join(unicodedata.normalize(form, piece) for piece in regroup([text], size)) == whole


def test_pieces_end_at_line_ends_else_after_spaces() -> None:
    assert list(regroup(["one\ntwo\nthree"], 8)) == ["one\ntwo\n", "three"]
    assert list(regroup(["one two three"], 6)) == ["one ", "two ", "three"]


def test_what_can_combine_does_not_start_afresh() -> None:
    assert all(starts_afresh(character) for character in "a é中각")
    assert not any(starts_afresh(character) for character in "\u0301\u093f\u1161\u11a8")
