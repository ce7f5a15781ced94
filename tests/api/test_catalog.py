"""The known corpora as JSON values."""

import json
from pathlib import Path

import pytest

from anaphora.api import corpora, corpus_info, fetch
from anaphora.errors import CorpusError
from anaphora.text.catalog import CATALOG


def test_every_corpus_is_described() -> None:
    known = json.loads(json.dumps(corpora()))
    assert list(known) == list(CATALOG)
    assert known["human-numbers"]["built_in"]
    assert known["ptb"]["splits"] == ["train", "valid", "test"]


def test_fetch_returns_the_folder(tmp_path: Path) -> None:
    assert fetch("human-numbers", data_dir=tmp_path) == tmp_path / "human-numbers"


def test_an_unknown_name_is_an_error() -> None:
    for function in (corpus_info, fetch):
        with pytest.raises(CorpusError, match="did you mean 'imdb'"):
            function("imbd")
