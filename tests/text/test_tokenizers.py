"""The table of tokenizers, and one JSON file for each."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from anaphora.errors import AnaphoraWarning, TokenizerError
from anaphora.text.tokenizer import Kind, TokenizerSettings
from anaphora.text.tokenizers import TOKENIZERS, load_tokenizer, save_tokenizer, train_tokenizer


def test_the_table_is_complete() -> None:
    assert tuple(TOKENIZERS) == get_args(Kind)
    assert all(TOKENIZERS[kind].kind == kind for kind in TOKENIZERS)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_saved_and_loaded(kind: Kind, tmp_path: Path) -> None:
    tokenizer = train_tokenizer(TokenizerSettings(kind=kind), ["Some text, ΟΔΟΣ 中文 \U0001f600.\n"])
    path = tmp_path / "tokenizer.json"
    save_tokenizer(tokenizer, path)
    again = load_tokenizer(path)
    assert type(again) is TOKENIZERS[kind]
    assert again.hash == tokenizer.hash


def test_lone_surrogates_can_be_saved(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(TokenizerSettings(kind="chars"), ["a\ud83d\ude00\udc00"])
    save_tokenizer(tokenizer, tmp_path / "tokenizer.json")
    assert load_tokenizer(tmp_path / "tokenizer.json").hash == tokenizer.hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "has format 2; this version of anaphora reads format 1"),
        ({"format": None}, "has format None"),
        ({"kind": "wordz"}, "unknown kind 'wordz'; did you mean 'words'"),
        ({"kind": ["words"]}, r"unknown kind \['words'\]"),
        ({"tokens": [1]}, "tokenizer.json: 1 in the saved tokenizer's 'tokens' is not a token"),
    ],
)
def test_a_bad_file_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    saved = train_tokenizer(TokenizerSettings(kind="words"), ["a b\n"]).to_dict()
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({**saved, **change}), encoding="utf-8")
    with pytest.raises(TokenizerError, match=message):
        load_tokenizer(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"nowhere\.json does not exist"):
        load_tokenizer(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [("bytes", "max_size", 9), ("bytes", "pad", True), ("unigram", "min_count", 2), ("english", "lower", True)],
)
def test_a_setting_without_effect_warns(kind: Kind, name: str, value: Any) -> None:
    with pytest.warns(AnaphoraWarning, match=rf"{name} = {value} in \[tokenizer\] has no effect with kind '{kind}'"):
        train_tokenizer(TokenizerSettings(kind=kind, **{name: value}), ["a b\n"])


@pytest.mark.parametrize("kind", ["chars", "bytes", "bpe", "unigram"])
def test_the_bytes_of_the_tokens_are_those_of_the_text(kind: Kind) -> None:
    settings = TokenizerSettings(kind=kind, line_breaks="keep" if kind == "bytes" else "eos")
    tokenizer = train_tokenizer(settings, [text := "naïve 你先走\nabc\n"])
    assert b"".join(map(tokenizer.token_bytes, tokenizer.encode(text))).decode() == text
