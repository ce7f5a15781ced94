"""Tokens to text as they come: nothing emitted that a later token could take back."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.generation.text_reader import TextReader
from anaphora.text.bytes import ByteTokenizer
from anaphora.text.tokenizer import Tokenizer, TokenizerSettings
from anaphora.text.tokenizers import TOKENIZERS, train_tokenizer

TEXT = "zwölf Boxkämpfer jagen\nViktor quer 🙂 über den Sylter Deich\n\nक्षि 👩‍👩‍👧 the end of the the end\n" * 3
ALL: dict[str, Tokenizer] = {
    kind: train_tokenizer(TokenizerSettings(kind=kind, max_size=400 if kind in ("bpe", "unigram") else None), [TEXT])
    for kind in TOKENIZERS
}


def read(reader: TextReader, token_ids: list[int]) -> list[str]:
    return [*(reader.push([token_id]) for token_id in token_ids), reader.finish()]


@pytest.mark.parametrize("kind", ALL)
@given(text=st.text(alphabet=TEXT, max_size=40))
def test_pieces_join_to_the_whole(kind: str, text: str) -> None:
    tokenizer = ALL[kind]
    token_ids = tokenizer.encode(text)
    assert "".join(read(TextReader(tokenizer), token_ids)) == tokenizer.decode(token_ids)
    reader = TextReader(tokenizer)
    assert reader.push(token_ids) + reader.finish() == tokenizer.decode(token_ids)


@pytest.mark.parametrize("kind", ALL)
@given(words=st.lists(st.sampled_from(TEXT.split()), min_size=2, max_size=8), cut=st.integers(1, 7))
def test_prompt_and_text_read_as_one(kind: str, words: list[str], cut: int) -> None:
    """The space between the prompt's last word and the first new word belongs to the new text."""
    tokenizer = ALL[kind]
    token_ids = tokenizer.encode(" ".join(words))
    cut = min(cut, len(token_ids))
    if "\ufffd" in tokenizer.decode(token_ids[:cut]):  # a prompt ends with a whole character
        return
    fresh = "".join(read(TextReader(tokenizer, token_ids[:cut]), token_ids[cut:]))
    assert tokenizer.decode(token_ids[:cut]) + fresh == tokenizer.decode(token_ids)


@pytest.mark.parametrize("kind", ["bytes", "bpe"])
def test_characters_come_whole(kind: str) -> None:
    tokenizer = ALL[kind]
    pieces = read(TextReader(tokenizer), tokenizer.encode("aé🙂ß"))
    assert "".join(pieces) == "aé🙂ß"
    assert not any("\ufffd" in piece for piece in pieces)


def test_each_character_comes_with_its_last_byte() -> None:
    assert read(TextReader(ALL["bytes"]), list("é🙂".encode())) == ["", "é", "", "", "", "🙂", ""]


def test_an_incomplete_last_character_is_left_out() -> None:
    reader = TextReader(ALL["bytes"])
    assert read(reader, [0x61, *"🙂".encode()[:3]]) == ["a", "", "", "", ""]


def test_bytes_that_are_no_text_show_as_replacement() -> None:
    assert "".join(read(TextReader(ALL["bytes"]), [0x61, 0xFF, 0xFE, 0x62])) == "a\ufffd\ufffdb"


@given(
    text=st.text(alphabet="ab ", max_size=30),
    stop=st.lists(st.text(alphabet="ab ", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_stop_strings(text: str, stop: list[str]) -> None:
    """The text ends before the first stop string, and no piece lets out what becomes part of one."""
    reader = TextReader(ByteTokenizer.train([], TokenizerSettings(kind="bytes")), (), tuple(stop))
    pieces = read(reader, list(text.encode()))
    ends = [text.find(string) for string in stop if string in text]
    assert reader.stopped is bool(ends)
    if not ends:
        assert "".join(pieces) == text
        return
    emitted = "".join(pieces)
    assert text.startswith(emitted)
    assert not any(string in emitted for string in stop)
    assert any(text.startswith(string, len(emitted)) for string in stop)


def test_a_stop_string_lies_across_tokens() -> None:
    words = train_tokenizer(TokenizerSettings(kind="words"), ["the end of the story\n"])
    reader = TextReader(words, (), ("d of",))
    assert read(reader, words.encode("the end of the")) == ["the", " en", "", "", ""]
    assert reader.stopped


def test_what_only_began_a_stop_string_comes_in_the_end() -> None:
    reader = TextReader(ALL["bytes"], (), ("abc",))
    assert read(reader, list(b"xabab")) == ["x", "", "", "ab", "", "ab"]
    assert not reader.stopped


def test_a_copy_goes_its_own_way() -> None:
    reader = TextReader(ALL["bytes"], (), ("!",))
    reader.push(list("é".encode()[:1]))
    other = copy.copy(reader)
    assert other.push([*"é".encode()[1:], 0x21]) == "é"
    assert other.stopped
    assert not reader.stopped
    assert reader.push(["è".encode()[1]]) == "è"


def test_tokens_after_the_stop_are_ignored() -> None:
    reader = TextReader(ALL["bytes"], (), ("b",))
    assert [reader.push([byte]) for byte in b"abcd"] == ["a", "", "", ""]
    assert reader.finish() == ""
