"""Files: every format in every packing, and what is said about a file that cannot be read."""

import bz2
import gzip
import lzma
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from anaphora.errors import CorpusError
from anaphora.text.readers import ReadOptions, TextFile, split_suffixes

FORMATS = {
    ".txt": "one\ntwo\n",
    ".jsonl": '{"text": "one"}\n{"text": "two"}\n',
    ".csv": 'id,text\n1,"one"\n2,two\n',
    ".tsv": "id\ttext\n1\tone\n2\ttwo\n",
}


def zipped(data: bytes, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(path.stem, data)


PACKINGS: dict[str, Callable[[bytes, Path], object]] = {
    "": lambda data, path: path.write_bytes(data),
    ".gz": lambda data, path: path.write_bytes(gzip.compress(data)),
    ".bz2": lambda data, path: path.write_bytes(bz2.compress(data)),
    ".xz": lambda data, path: path.write_bytes(lzma.compress(data)),
    ".zip": zipped,
}


def documents(file: TextFile) -> list[str]:
    return ["".join(document) for document in file.documents()]


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_in_every_packing(suffix: str, packing: str, tmp_path: Path) -> None:
    path = tmp_path / f"story{suffix}{packing}"
    PACKINGS[packing](FORMATS[suffix].encode(), path)
    assert documents(TextFile(path=path)) == (["one\ntwo\n"] if suffix == ".txt" else ["one", "two"])


def test_suffixes() -> None:
    assert split_suffixes("A.TXT.GZ") == ("text", ".gz")
    assert split_suffixes("reviews.csv") == ("csv", "")
    assert split_suffixes("text8.zip") == (None, ".zip")
    assert split_suffixes("text8.first-1000-bytes") == (None, "")


def test_an_unknown_suffix_is_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "story.rst"
    path.write_text("one,two\n")
    assert documents(TextFile(path=path)) == ["one,two\n"]


def test_a_zip_with_several_members_gives_its_texts_in_order(tmp_path: Path) -> None:
    path = tmp_path / "stories.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("b.txt", "picture.png", "__MACOSX/b.txt", "a.txt", "c/"):
            archive.writestr(name, f"from {name}")
    assert documents(TextFile(path=path)) == ["from b.txt", "from a.txt"]
    assert documents(TextFile(path=path, member="a.txt")) == ["from a.txt"]
    with pytest.raises(CorpusError, match=r"has no member 'x\.txt'; it is not the archive expected"):
        documents(TextFile(path=path, member="x.txt"))


def test_a_zip_named_for_its_format_gives_only_that(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("README.txt", "read me")
        archive.writestr("rows.csv", "text\none\n")
    assert documents(TextFile(path=path)) == ["one"]


def test_a_zip_without_texts(tmp_path: Path) -> None:
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", "1")
        archive.writestr("b.png", "2")
    with pytest.raises(CorpusError, match=r"holds no file that is known as text .*it holds a\.png, b\.png"):
        documents(TextFile(path=path))


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".xz", ".zip"])
@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_a_corrupt_file(packing: str, damage: str, tmp_path: Path) -> None:
    path = tmp_path / f"story.txt{packing}"
    PACKINGS[packing](os.urandom(20_000).hex().encode(), path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if damage == "cut" else b"not packed at all\n" * 10)
    with pytest.raises(CorpusError, match=r"story\.txt\.\w+ (is corrupt or cut short|cannot be read: Invalid data)"):
        documents(TextFile(path=path))


def test_a_zip_that_needs_a_password(tmp_path: Path) -> None:
    path = tmp_path / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "hush")
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag "encrypted" in the local header and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=r"secret\.zip/a\.txt cannot be unpacked: .*password.*unpack it yourself"):
        documents(TextFile(path=path))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"gone\.txt does not exist"):
        documents(TextFile(path=tmp_path / "gone.txt"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text("mine")
    path.chmod(0)
    with pytest.raises(CorpusError, match=r"story\.txt cannot be read: permission denied"):
        documents(TextFile(path=path))


def test_permission_denied_is_said_whoever_runs_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CorpusError, match=r"story\.txt cannot be read: permission denied; check who owns it"):
        documents(TextFile(path=tmp_path / "story.txt"))


def test_the_fingerprint_tells_content_and_format_but_not_place(tmp_path: Path) -> None:
    a, b, c, d = (tmp_path / name for name in ("a.txt", "b.txt", "c.txt", "d.csv"))
    a.write_text("text\n")
    b.write_text("text\n")
    c.write_text("Text\n")
    d.write_text("text\n")
    prints = [TextFile(path=path).fingerprint() for path in (a, b, c, d)]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_options_reach_the_parser(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("id,wort\n1,grün\n".encode("cp1252"))
    options = ReadOptions(encoding="cp1252", column="wort")
    assert documents(TextFile(path=path, options=options)) == ["grün"]
