"""The catalog: complete, consistent, and true of the files that are at hand."""

from pathlib import Path

import pytest

from anaphora.files import sha256_file
from anaphora.text.catalog import CATALOG, CatalogEntry
from anaphora.text.tokenizers import TOKENIZERS

NAMES = [
    *("human-numbers", "python-manual", "ptb", "wikitext-2", "wikitext-103", "text8", "enwik8"),
    *("tinyshakespeare", "mysterious-island", "time-machine", "jaychou-lyrics", "imdb"),
]


def test_it_holds_the_twelve() -> None:
    assert list(CATALOG) == NAMES


@pytest.mark.parametrize("entry", CATALOG.values(), ids=lambda entry: entry.name)
def test_an_entry_is_complete(entry: CatalogEntry) -> None:
    assert CATALOG[entry.name] is entry
    assert entry.description
    assert entry.origin
    assert entry.licence
    assert entry.default_tokenizer in TOKENIZERS
    assert {file.split for file in entry.files} - {"all", "index"} <= set(entry.splits)
    for file in entry.files:
        assert file.sha256 or (entry.archive is not None and entry.archive.sha256 and file.member)
        assert file.url or entry.archive or file.optional
        assert not file.sha256 or len(bytes.fromhex(file.sha256)) == 32


def test_the_checksums_hold_for_the_files_at_hand(shared_data: Path) -> None:
    sums = {line.split()[1]: line.split()[0] for line in (shared_data / "SHA256SUMS").read_text().splitlines() if line}
    compared = [
        (file.sha256, sums[f"{entry.folder}/{file.name}"])
        for entry in CATALOG.values()
        for file in entry.files
        if f"{entry.folder}/{file.name}" in sums
    ]
    assert len(compared) == 12
    assert all(ours == theirs for ours, theirs in compared)
    assert sha256_file(shared_data / "timemachine/timemachine.txt") == CATALOG["time-machine"].files[0].sha256
