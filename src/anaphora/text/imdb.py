"""The IMDb reviews: the one table of Raschka's book, built from the original archive, and its official split.

The book shuffles all 50,000 reviews into one CSV file; an index beside it says which row was in which split, so that
the split of Maas et al. (ACL 2011) can be had again.
"""

import csv
import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from anaphora.errors import CorpusError, DownloadError
from anaphora.files import atomic_write
from anaphora.text.readers import TextFile
from anaphora.text.tables import Row

TABLE, INDEX = "movie_data.csv", "movie_data.index.csv"
TEXT, LABEL = "review", "sentiment"
LABELS = {"0": "neg", "1": "pos"}  # of the table, and as the folders of the original archive are called

# The numbers in the names of the original files run film by film. Ends of a run may share a film with the next one.
_RUN = 100

# The order in which the book reads the folders; the shuffle starts from it.
_FOLDERS = (("test", "pos"), ("test", "neg"), ("train", "pos"), ("train", "neg"))


@dataclass(frozen=True)
class ReviewSplit:
    """The reviews of one official split, in the order of the table; read like a file."""

    table: TextFile
    index: Path
    split: Literal["train", "test"]
    is_plain: Literal[False] = False

    @property
    def name(self) -> str:
        """What messages call this text."""
        return f"{self.table.name} ({self.split})"

    def fingerprint(self) -> str:
        """Return a hash of table and split; the index is a known file."""
        return f"{self.table.fingerprint()}:{self.split}"

    def documents(self) -> Iterator[Iterator[str]]:
        """Yield the reviews of the split.

        Raises:
            CorpusError: table and index differ in length, or cannot be read.
        """
        for row, place in rows_with_place(self.table, self.index):
            if place.split == self.split:
                yield iter((row.string(TEXT),))


class Place(NamedTuple):
    """Where a review stood in the original archive.

    Attributes:
        split: the official one.
        films: names the run of reviews of a few films that it belongs to.
    """

    split: str
    films: str


def rows_with_place(table: TextFile, index: Path) -> Iterator[tuple[Row, Place]]:
    """Yield the rows of the table, each with its place in the original; errors as for `documents`."""
    places = [_place(row) for row in TextFile(path=index).rows()]
    rows = -1
    for rows, row in enumerate(table.rows()):
        if rows >= len(places):
            break
        yield row, places[rows]
    if rows + 1 != len(places):
        raise CorpusError(f"{table.name} does not have the {len(places)} rows of its index {index}")


def _place(row: Row) -> Place:
    split, label, number = (row.string(name) for name in ("split", "label", "id"))
    if not number.isdecimal():
        raise CorpusError(f"{row.where}: the id {number!r} is no number; get the index again")
    return Place(split, f"{split}/{label}/{int(number) // _RUN}")


def build_table(archive: Path, folder: Path) -> None:
    """Write the book's table and the index of its rows to `folder`, from the original aclImdb_v1.tar.gz.

    Raises:
        DownloadError: the archive holds no labelled reviews.
    """
    reviews: dict[tuple[str, str], dict[str, str]] = {key: {} for key in _FOLDERS}
    with tarfile.open(archive, "r|*") as tar:
        for member in tar:
            parts = Path(member.name).parts
            file = tar.extractfile(member) if member.isfile() and len(parts) == 4 else None
            if file is not None and (parts[1], parts[2]) in reviews:
                reviews[parts[1], parts[2]][parts[3]] = file.read().decode("utf-8")
    rows: list[tuple[str, int]] = []
    index: list[tuple[str, str, str, str]] = []
    for (split, label), texts in reviews.items():
        for name in sorted(texts):
            number, _, rating = name.removesuffix(".txt").partition("_")
            rows.append((texts[name], int(label == "pos")))
            index.append((split, label, number, rating))
    if not rows:
        raise DownloadError(f"{archive} holds no reviews in aclImdb/train and aclImdb/test; get it again")
    order = np.random.RandomState(0).permutation(len(rows))  # the legacy generator: the book's order
    _write_csv(folder / TABLE, (TEXT, LABEL), (rows[i] for i in order))
    _write_csv(folder / INDEX, ("split", "label", "id", "rating"), (index[i] for i in order))


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str | int, ...]]) -> None:
    with atomic_write(path) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
        text.flush()
        text.detach()
