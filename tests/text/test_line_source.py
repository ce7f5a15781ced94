"""Lines from files and pipes: as they arrive, of any length, and what is said where there are none."""

import gzip
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anaphora.errors import ConfigError, CorpusError
from anaphora.text.line_source import read_lines


class Arriving(io.BytesIO):
    """A pipe into which one line after another is written."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return self.readline()


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = Arriving(data)


def flat(groups: Iterator[list[str]]) -> list[str]:
    return [line for group in groups for line in group]


def test_a_file_plain_or_packed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\r\n\ntwo")
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress("eins\tzwei\nä\n".encode()))
    assert flat(read_lines(tmp_path / "a.txt")) == ["one", "", "two"]
    assert flat(read_lines(str(tmp_path / "a.tsv.gz"))) == ["eins\tzwei", "ä"], "lines, whatever the suffix says"


def test_lines_of_stdin_come_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = Stdin(b"one\ntwo\nthree")
    monkeypatch.setattr(sys, "stdin", stdin)
    groups = read_lines("-")
    assert next(groups) == ["one"]
    assert stdin.buffer.tell() == len(b"one\n"), "nothing is read ahead"
    assert list(groups) == [["two"], ["three"]]


def test_a_line_may_be_longer_than_a_block(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("x" * 3_000_000 + "\ny\n")
    assert [len(line) for line in flat(read_lines(tmp_path / "long.txt"))] == [3_000_000, 1]


def test_what_cannot_be_read_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "latin").write_bytes(b"fine\nna\xefve\n")
    monkeypatch.setattr(sys, "stdin", Stdin(b""))
    for source, message in (
        (tmp_path / "nowhere", "nowhere does not exist"),
        (tmp_path / "empty", "empty is empty: there is no line to read"),
        (tmp_path / "latin", "latin, line 2, byte offset 7: byte 0xef is not valid utf-8"),
        (tmp_path, "cannot be read: Is a directory"),
        ("-", "stdin is empty"),
    ):
        with pytest.raises(CorpusError, match=message):
            read_lines(source)
    with pytest.raises(ConfigError, match="encoding = 'utf-9'"):
        read_lines("-", "utf-9")
