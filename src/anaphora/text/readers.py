"""One file of text on disk: opened, decompressed, decoded and taken apart into documents, as a stream.

The suffixes tell the format (.txt .jsonl .csv .tsv) and the packing (.gz .zip .bz2 .xz). What comes out are pieces of
plain text; where a file starts and ends within a corpus, and how it is split, is decided above, in `corpus.py`.
"""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, cast

from anaphora.errors import CorpusError
from anaphora.files import sha256_file
from anaphora.text.encoding import decode
from anaphora.text.tables import Row, json_documents, json_rows, table_documents, table_rows

Format = Literal["text", "jsonl", "csv", "tsv"]

FORMATS: dict[str, Format] = {
    ".txt": "text",
    ".tokens": "text",  # as WikiText names its files
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
}
TABLES = tuple(suffix for suffix, kind in FORMATS.items() if kind != "text")
PACKINGS = (".gz", ".zip", ".bz2", ".xz")

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_BLOCK_BYTES = 1 << 20
_CORRUPT = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile)


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How the bytes of a file become text: see the fields of the same names in `CorpusSettings`."""

    encoding: str = "utf-8"
    field: str | None = None
    column: str | None = None


def split_suffixes(name: str) -> tuple[Format | None, str]:
    """Return the format that a file name tells (None: nothing known) and its packing ("" when plain)."""
    path = Path(name.lower())
    packing = path.suffix if path.suffix in PACKINGS else ""
    if packing:
        path = path.with_suffix("")
    return FORMATS.get(path.suffix), packing


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """A file and how to read it.

    Attributes:
        path: where it lies.
        options: encoding, field, column.
        format: what it holds; None: what its name says, plain text when the name says nothing.
        member: the one file to read inside a zip archive; None: every text file in it, in order.
        label: what to call it in messages, when not by its path.
    """

    path: Path
    options: ReadOptions = field(default_factory=ReadOptions)
    format: Format | None = None
    member: str | None = None
    label: str | None = None

    @property
    def name(self) -> str:
        """What messages call this file."""
        return self.label or str(self.path)

    @property
    def is_plain(self) -> bool:
        """Whether the file is one running text, not a collection of documents."""
        return (self.format or split_suffixes(self.path.name)[0] or "text") == "text"

    def fingerprint(self) -> str:
        """Return a hash of everything that decides the text: the bytes, the format and the member read.

        Raises:
            CorpusError: the file cannot be read.
        """
        told, packing = split_suffixes(self.path.name)
        with reading(self.name):
            return f"{sha256_file(self.path)}:{self.format or told}:{packing}:{self.member}"

    def documents(self) -> Iterator[Iterator[str]]:
        """Yield each document of the file as an iterator over its pieces, to be used before the next is asked for.

        Raises:
            CorpusError: the file is missing, unreadable, corrupt, binary, in another encoding, or malformed.
        """
        for pieces, kind, where in self._parts():
            if kind == "text":
                yield pieces
            elif kind == "jsonl":
                yield from map(_single, json_documents(pieces, self.options.field, where))
            else:
                yield from map(_single, table_documents(pieces, _DELIMITERS[kind], self.options.column, where))

    def rows(self) -> Iterator[Row]:
        """Yield the rows of a table or the objects of a .jsonl file, all their columns.

        Raises:
            CorpusError: as `documents`; or the file is one running text.
        """
        for pieces, kind, where in self._parts():
            if kind == "text":
                raise CorpusError(f"{where} has no columns: name a table ({' '.join(TABLES)}), plain or packed")
            yield from json_rows(pieces, where) if kind == "jsonl" else table_rows(pieces, _DELIMITERS[kind], where)

    def _parts(self) -> Iterator[tuple[Iterator[str], Format, str]]:
        """Yield the decoded pieces of the file, or of each member of an archive, with its format and its name."""
        told, packing = split_suffixes(self.path.name)
        with reading(self.name):
            if packing == ".zip":
                yield from self._zipped(self.format or told)
                return
            with _open_unpacked(self.path, packing) as file:
                pieces = decode(_blocks(file, self.name), self.options.encoding, self.name)
                yield pieces, self.format or told or "text", self.name

    def _zipped(self, kind: Format | None) -> Iterator[tuple[Iterator[str], Format, str]]:
        with zipfile.ZipFile(self.path) as archive:
            for member in [self.member] if self.member else _text_members(archive, self.name):
                where = f"{self.name}/{member}"
                try:
                    file = archive.open(member)
                except KeyError:
                    raise CorpusError(f"{self.name} has no member {member!r}; it is not the archive expected") from None
                except (RuntimeError, NotImplementedError) as fault:  # a password, an unknown compression
                    raise CorpusError(f"{where} cannot be unpacked: {fault}; unpack it yourself") from None
                with file:
                    pieces = decode(_blocks(file, self.name), self.options.encoding, where)
                    yield pieces, kind or split_suffixes(member)[0] or "text", where


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what the operating system and the unpackers report while the block reads `name` into a CorpusError."""
    try:
        yield
    except FileNotFoundError:
        raise CorpusError(f"{name} does not exist") from None
    except PermissionError:
        raise CorpusError(f"{name} cannot be read: permission denied; check who owns it and its mode") from None
    except _CORRUPT as fault:
        raise CorpusError(
            f"{name} is corrupt or cut short ({fault or type(fault).__name__}); get it again or unpack it yourself"
        ) from None
    except OSError as fault:  # bz2 reports bad data as OSError too, without an errno
        raise CorpusError(f"{name} cannot be read: {fault.strerror or fault}") from None


def _open_unpacked(path: Path, packing: str) -> IO[bytes]:
    """Open a file for reading its unpacked bytes; zip archives are another matter."""
    if packing == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if packing == ".bz2":
        return bz2.open(path, "rb")
    if packing == ".xz":
        return lzma.open(path, "rb")
    return path.open("rb")


def _single(document: str) -> Iterator[str]:
    return iter((document,))


def _blocks(file: IO[bytes], name: str) -> Iterator[bytes]:
    with reading(name):  # here too: a document is read after `documents` has handed it out
        while block := file.read(_BLOCK_BYTES):
            yield block


def _text_members(archive: zipfile.ZipFile, where: str) -> list[str]:
    """Return the members to read: the sole file, or all that a suffix marks as text, in the archive's order."""
    members = [
        entry.filename
        for entry in archive.infolist()
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
    ]
    if len(members) == 1:
        return members
    told = split_suffixes(Path(where).name)[0]
    known = {(told, "")} if told else {(kind, "") for kind in FORMATS.values()}
    texts = [member for member in members if split_suffixes(member) in known]
    if not texts:
        shown = ", ".join(members[:5]) or "nothing"
        raise CorpusError(f"{where} holds no file that is known as text ({' '.join(FORMATS)}); it holds {shown}")
    return texts
