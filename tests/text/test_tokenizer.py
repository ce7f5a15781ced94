"""The settings of a tokenizer, and the contract: one table over all kinds."""

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anaphora.errors import ConfigError, TokenizerError
from anaphora.text.tokenizer import Kind, Tokenizer, TokenizerSettings
from anaphora.text.tokenizers import TOKENIZERS, train_tokenizer

TEXT = "It was a dark and stormy night :-) \nthe rain fell in torrents, except at occasional intervals.\n" * 4
EXACT: tuple[Kind, ...] = ("chars", "bytes", "bpe", "unigram")


def settings_for(kind: Kind, **changes: Any) -> TokenizerSettings:
    return TokenizerSettings(kind=kind, max_size=300 if kind in ("bpe", "unigram") else None, **changes)


@pytest.fixture(scope="module", params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return train_tokenizer(settings_for(request.param), [TEXT])


def test_ids_lie_in_the_vocabulary(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(TEXT)
    assert ids
    assert all(isinstance(token_id, int) and 0 <= token_id < tokenizer.vocab_size for token_id in ids)
    assert 0 <= tokenizer.start_id < tokenizer.vocab_size
    assert tokenizer.unk_id not in ids, "nothing in the training text is unknown"


def test_arrays_have_the_smallest_type(tokenizer: Tokenizer) -> None:
    assert tokenizer.dtype == (np.uint8 if tokenizer.vocab_size <= 256 else np.uint16)
    assert {piece.dtype for piece in tokenizer.encode_chunks([TEXT[:50], TEXT[50:]])} == {tokenizer.dtype}


def test_every_cut_gives_the_same_ids(tokenizer: Tokenizer) -> None:
    text = TEXT[:130]
    expected = tokenizer.encode(text)
    for place in range(len(text)):
        pieces = tokenizer.encode_chunks([text[:place], text[place:]])
        assert [token_id for piece in pieces for token_id in piece.tolist()] == expected


def test_an_empty_text_has_no_ids(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("") == []
    assert tokenizer.decode([]) == ""


def test_decoding_is_stable(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(TEXT)
    if tokenizer.kind in EXACT:
        assert tokenizer.decode(ids) == TEXT
    else:
        assert tokenizer.encode(tokenizer.decode(ids)) == ids


def test_ids_outside_are_refused(tokenizer: Tokenizer) -> None:
    for wrong in (-1, tokenizer.vocab_size):
        with pytest.raises(TokenizerError, match=f"{wrong} is no token id: this vocabulary has 0 to"):
            tokenizer.decode([tokenizer.start_id, wrong])
        with pytest.raises(TokenizerError, match=f"{wrong} is no token id"):
            tokenizer.token(wrong)


def test_every_id_has_a_name(tokenizer: Tokenizer) -> None:
    names = [tokenizer.token(token_id) for token_id in range(tokenizer.vocab_size)]
    assert len(set(names)) == tokenizer.vocab_size
    for special, token_id in (("<unk>", tokenizer.unk_id), ("<pad>", tokenizer.pad_id), ("<eos>", tokenizer.eos_id)):
        assert (special in names) == (token_id is not None)
        assert token_id is None or names[token_id] == special


def test_the_saved_form_makes_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    again = TOKENIZERS[tokenizer.kind].from_dict(tokenizer.to_dict())
    assert again.hash == tokenizer.hash
    assert again.encode(TEXT + "something new") == tokenizer.encode(TEXT + "something new")
    assert (again.vocab_size, again.start_id) == (tokenizer.vocab_size, tokenizer.start_id)


@pytest.mark.parametrize("kind", [kind for kind in TOKENIZERS if kind != "unigram"])
def test_the_hash_follows_the_content(kind: Kind) -> None:
    """For unigram see test_subwords.py: on a text as short as this one many pieces tie, and the library draws lots."""
    one, same = (train_tokenizer(settings_for(kind), [TEXT]).hash for _ in range(2))
    other = train_tokenizer(settings_for(kind, unicode="NFKC"), [TEXT]).hash
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normalizer": "NFC"}, "'normalizer' is not an object"),
        ({"normalizer": {"unicode": "NFX"}}, "the saved tokenizer's normalizer: unicode = 'NFX'"),
        ({"normalizer": {"unicode": ["NFC"]}}, "the saved tokenizer's normalizer"),
        ({"normalizer": {"__class__": 1}}, "the saved tokenizer's normalizer: unknown key"),
        ({"code": "import os"}, "unknown key 'code'"),
    ],
)
def test_hostile_content_is_refused(tokenizer: Tokenizer, change: dict[str, Any], message: str) -> None:
    with pytest.raises(TokenizerError, match=message):
        TOKENIZERS[tokenizer.kind].from_dict({**tokenizer.to_dict(), **change})


def test_a_missing_key_is_named(tokenizer: Tokenizer) -> None:
    for key in tokenizer.to_dict():
        saved = {name: value for name, value in tokenizer.to_dict().items() if name != key}
        with pytest.raises(TokenizerError, match=f"has no '{key}'; it is damaged"):
            TOKENIZERS[tokenizer.kind].from_dict(saved)


@pytest.mark.parametrize("kind", EXACT)
def test_31_languages_survive(kind: Kind, shared_data: Path) -> None:
    """Exact on every file: bytes as they are, the others in the normal form they are set to (none, NFC)."""
    files = sorted((shared_data / "multilingual" / "udhr").glob("*.txt"))
    texts = [file.read_bytes().decode("utf-8") for file in files]
    assert len(texts) == 31
    known = texts if kind == "chars" else texts[:2]  # the others can write what they have not seen
    plain = train_tokenizer(settings_for(kind, unicode="none"), known)
    default = train_tokenizer(settings_for(kind), known)
    for file, text in zip(files, texts, strict=True):
        assert plain.decode(plain.encode(text)) == text, file.name
        expected = text if kind == "bytes" else unicodedata.normalize("NFC", text)
        assert default.decode(default.encode(text)) == expected, file.name


@pytest.mark.parametrize("kind", EXACT)
def test_difficult_texts_survive(kind: Kind) -> None:
    text = "👩‍👩‍👧‍👦 🇩🇪 e\u0301 שלום עולם\u200f مرحبا नमस्ते \u0000\ufeff\U0010ffff\r\n"
    tokenizer = train_tokenizer(settings_for(kind, unicode="none"), [text])
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "wrods"}, r"kind = 'wrods' in \[tokenizer\]: .*'words'"),
        ({"max_size": 0}, "max_size = 0"),
        ({"min_count": 0}, "min_count = 0"),
        ({"line_breaks": "drop"}, "line_breaks = 'drop'"),
        ({"max_sise": 5}, "did you mean 'max_size'"),
    ],
)
def test_wrong_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TokenizerSettings(**values)
