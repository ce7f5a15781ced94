"""The data folder: what is found in it, what is refused, and what `--from` adds to it."""

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from anaphora.errors import DownloadError
from anaphora.text.catalog import CATALOG, CatalogEntry, CatalogFile
from anaphora.text.shelf import install, locate

DATA = b"a small corpus\n"
SHA256 = hashlib.sha256(DATA).hexdigest()
FILE = CatalogFile(split="all", name="small.txt", sha256=SHA256, url="http://127.0.0.1:9/small.txt")
ENTRY = CatalogEntry(
    name="small",
    description="a corpus for tests",
    origin="https://example.org/small",
    licence="none needed",
    redistributable=True,
    default_tokenizer="chars",
    folder="small",
    files=(FILE,),
)


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("place", ["small.txt", "small/small.txt"])
def test_a_file_is_found_in_its_folder_and_beside_it(place: str, tmp_path: Path) -> None:
    assert locate(ENTRY, tmp_path) == {}
    put(tmp_path / place, DATA)
    assert locate(ENTRY, tmp_path)[FILE].path == tmp_path / place


def test_the_unpacked_form_of_a_packed_file_is_found(tmp_path: Path) -> None:
    packed = gzip.compress(DATA)
    file = replace(FILE, name="small.txt.gz", sha256=hashlib.sha256(packed).hexdigest(), unpacked_sha256=SHA256)
    entry = replace(ENTRY, files=(file,))
    put(tmp_path / "small" / "small.txt", DATA)
    assert locate(entry, tmp_path)[file].path.name == "small.txt"
    put(tmp_path / "small" / "small.txt.gz", packed)
    assert locate(entry, tmp_path)[file].path.name == "small.txt.gz"


def test_a_wrong_file_in_the_corpus_folder_is_named(tmp_path: Path) -> None:
    put(tmp_path / "small" / "small.txt", b"other")
    with pytest.raises(DownloadError, match=r"small\.txt is not the published small\.txt: its sha256 is .*delete it"):
        locate(ENTRY, tmp_path)


def test_another_file_of_that_name_in_the_data_folder_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "small.txt", b"other")
    assert locate(ENTRY, tmp_path) == {}


@pytest.mark.parametrize("given", ["any-name.bin", "."])
def test_a_file_or_a_folder_is_installed(given: str, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / ("small.txt" if given == "." else given), DATA)
    install(ENTRY, tmp_path / "elsewhere" / given, tmp_path / "data")
    assert (tmp_path / "data/small/small.txt").read_bytes() == DATA
    install(ENTRY, tmp_path / "data/small", tmp_path / "data")  # onto itself: nothing to do


def test_what_is_not_the_corpus_is_refused(tmp_path: Path) -> None:
    other = put(tmp_path / "x.txt", b"other")
    with pytest.raises(DownloadError, match=rf"x\.txt is none of its files: its sha256 is .*expected is {SHA256}"):
        install(ENTRY, other, tmp_path / "data")
    with pytest.raises(DownloadError, match=r"--from .*gone\.txt does not exist"):
        install(ENTRY, tmp_path / "gone.txt", tmp_path / "data")
    with pytest.raises(DownloadError, match=r"--from .* holds none of small\.txt"):
        install(ENTRY, tmp_path, tmp_path / "data")
    put(tmp_path / "small.txt", b"other")
    with pytest.raises(DownloadError, match=r"small\.txt is not the published small\.txt"):
        install(ENTRY, tmp_path, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_the_shared_layout_is_a_data_folder(shared_data: Path) -> None:
    for name in ("ptb", "wikitext-2", "tinyshakespeare", "mysterious-island", "time-machine", "jaychou-lyrics"):
        assert set(locate(CATALOG[name], shared_data)) == set(CATALOG[name].files)
