"""The bytes tokenizer: 256 ids, and every text comes back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import TokenizerError
from anaphora.text.bytes import ByteTokenizer, utf8_bytes, utf8_text, visible
from anaphora.text.tokenizer import TokenizerSettings


def trained(**settings: Any) -> ByteTokenizer:
    return ByteTokenizer.train([], TokenizerSettings(kind="bytes", **settings))


@given(st.text())
def test_any_text_survives(text: str) -> None:
    tokenizer = trained()
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_ids_are_bytes() -> None:
    tokenizer = trained()
    assert tokenizer.encode("aé\n") == [97, 0xC3, 0xA9, 10]
    assert tokenizer.encode("e\u0301") == [101, 0xCC, 0x81], "not normalised"
    assert tokenizer.vocab_size == 256
    assert tokenizer.start_id == 10
    assert (tokenizer.unk_id, tokenizer.pad_id, tokenizer.eos_id) == (None, None, None)


def test_normalised_when_asked_for() -> None:
    assert trained(unicode="NFC").encode("e\u0301") == [0xC3, 0xA9]
    space = trained(line_breaks="space")
    assert space.encode("a\nb") == [97, 32, 98]
    assert space.start_id == 32


@given(st.binary())
def test_any_bytes_make_a_text(data: bytes) -> None:
    text = trained().decode(list(data))
    assert "\ufffd" in text or utf8_bytes(text) == data


def test_broken_utf8() -> None:
    assert utf8_text(b"a\xf0\x9fb\xed\xa0\x80\xff") == "a\ufffdb\ud800\ufffd"


def test_tokens_for_a_listing() -> None:
    tokenizer = trained()
    assert [tokenizer.token(token_id) for token_id in (65, 10, 0xE4)] == ["A", "\n", "<0xE4>"]
    assert visible("中".encode()[:2]) == "<0xE4><0xB8>"


def test_there_is_no_eos() -> None:
    with pytest.raises(
        TokenizerError, match="line_breaks = 'eos': bytes has 256 tokens and no <eos>; use keep or space"
    ):
        trained(line_breaks="eos")


def test_ids_outside_are_refused() -> None:
    with pytest.raises(TokenizerError, match="256 is no token id: this vocabulary has 0 to 255"):
        trained().decode([65, 256])
    with pytest.raises(TokenizerError, match="-1 is no token id"):
        trained().token(-1)
