"""Passages: joining documents, narrowing, and cutting into splits that join to the whole again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import CorpusError
from anaphora.progress import Event, silent
from anaphora.text.builtin import MadeText
from anaphora.text.passage import Passage, cut_by_bytes, cut_by_fractions

SHARES = {"train": 0.9, "valid": 0.05, "test": 0.05}


def passage(*texts: str) -> Passage:
    return Passage(tuple(MadeText(f"text {number}", text) for number, text in enumerate(texts)), trim=False)


def text_of(part: Passage) -> str:
    return "".join(part.pieces())


def test_documents_are_joined_by_one_line_end() -> None:
    assert text_of(passage("a", "b\n", "", "c", "\nd")) == "a\nb\nc\n\nd"


def test_narrowing() -> None:
    whole = passage("head BEGIN one END two END tail")
    assert text_of(whole.narrow("BEGIN", "END", None)) == "BEGIN one "
    assert text_of(whole.narrow("BEGIN", None, 7)) == "BEGIN o"
    assert text_of(whole.narrow(None, "BEGIN", 100)) == "head "
    assert text_of(whole.narrow("END", "END", None)) == "END two "
    with pytest.raises(CorpusError, match=r"begin = 'begin' does not occur in text 0; check its spelling and case"):
        whole.narrow("begin", None, None)
    with pytest.raises(CorpusError, match=r"end = 'head' does not occur"):
        whole.narrow("BEGIN", "head", None)


def test_measuring_finds_nothing_and_blanks() -> None:
    events: list[Event] = []
    assert passage("ab", "c" * 1_000_000).measure(events.append) == 1_000_003
    assert [event.done for event in events] == [1_000_003]
    with pytest.raises(CorpusError, match="text 0 is empty; there is nothing to read"):
        passage("").measure(silent)
    with pytest.raises(CorpusError, match=r"text 0 and 1 more holds nothing but white space \(5 characters\)"):
        passage(" \n", "\t \n").measure(silent)


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(" \n")), min_size=120, max_size=200))
def test_splits_join_to_the_whole_and_cut_no_word(words: list[tuple[int, str]]) -> None:
    text = "".join("é" * length + gap for length, gap in words)
    splits = cut_by_fractions(passage(text), len(text), SHARES)
    assert list(splits) == ["train", "valid", "test"]
    assert "".join(text_of(split) for split in splits.values()) == text
    assert all(text_of(split) for split in splits.values())
    if len(text) > 1_000:
        assert all(text_of(splits[name])[-1].isspace() for name in ("train", "valid"))


def test_cuts_move_forward_to_a_line_end() -> None:
    lines = "".join(f"{number:04d} some words\n" for number in range(1000))
    splits = cut_by_fractions(passage(lines), len(lines), SHARES)
    assert [len(text_of(split)) for split in splits.values()] == [14_400, 800, 800]
    shifted = "xx" + lines
    splits = cut_by_fractions(passage(shifted), len(shifted), SHARES)
    assert all(text_of(splits[name]).endswith("\n") for name in ("train", "valid"))


def test_a_text_without_spaces_is_cut_between_characters_that_do_not_combine() -> None:
    text = "e\u0301" * 500
    for split in cut_by_fractions(passage(text), len(text), SHARES).values():
        assert text_of(split).startswith("e")


def test_a_share_of_nothing_is_no_split() -> None:
    splits = cut_by_fractions(passage("word " * 100), 500, {"train": 0.9, "valid": 0.1, "test": 0.0})
    assert list(splits) == ["train", "valid"]


def test_a_text_too_short_to_split() -> None:
    with pytest.raises(CorpusError, match=r"text 0 has only 5 characters, too few to split \(train 4, valid 1, test 0"):
        cut_by_fractions(passage("short"), 5, SHARES)


def test_cutting_by_bytes_gives_a_split_character_to_the_later_split() -> None:
    text = "aaé" + "bb" + "éé"
    splits = cut_by_bytes(passage(text), {"train": 3, "valid": 4, "test": 3})
    assert [text_of(split) for split in splits.values()] == ["aa", "ébb", "éé"]
    many = cut_by_bytes(passage("ab", "cd", "ef"), {"train": 1, "valid": 6, "test": 1})
    assert [text_of(split) for split in many.values()] == ["a", "b\ncd\ne", "f"]
    with pytest.raises(CorpusError, match="text 0 has 10 bytes where its published split needs 11"):
        cut_by_bytes(passage(text), {"train": 3, "valid": 4, "test": 4})
