"""The two built-in corpora: the same text each time, and Human Numbers the published one."""

import hashlib
import sys

import pytest

from anaphora.errors import CorpusError
from anaphora.text.builtin import built_in_texts, human_numbers, python_manual


def test_human_numbers_is_the_published_text() -> None:
    texts = human_numbers()
    assert {split: hashlib.sha256(text.encode()).hexdigest() for split, text in texts.items()} == {
        "train": "194a5defcc1e77a1697d94422744f1b8552ddf5ad7f31e9c84cc1956014c16bf",
        "valid": "3a3e30cd8eddcd27477ef232bd07bc5d12b34b1ceec6295c607f0faff793ed5e",
    }
    joined = " . ".join(line.strip() for text in texts.values() for line in text.splitlines()).split()
    assert (len(joined), len(set(joined))) == (63_095, 30)
    assert texts["train"].splitlines()[1233] == "one thousand two hundred thirty four "


def test_python_manual_is_stable_and_sorted() -> None:
    text = python_manual()["all"]
    assert text == python_manual()["all"]
    assert text.startswith('The "assert" statement')
    assert len(text) > 300_000
    assert text.endswith(".\n\n")


def test_a_python_without_its_manual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(CorpusError, match=r"python-manual is not here: .*install the full standard library"):
        python_manual()


def test_they_read_like_files() -> None:
    text = built_in_texts("human-numbers")["valid"]
    assert "".join("".join(document) for document in text.documents()) == text.text
    assert text.fingerprint() == "3a3e30cd8eddcd27477ef232bd07bc5d12b34b1ceec6295c607f0faff793ed5e"
