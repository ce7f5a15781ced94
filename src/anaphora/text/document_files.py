"""From what the user names to documents as they stand there: a table, a folder for each label, splits of either.

    reviews.csv                       all in one; the splits are cut later
    data/train.csv, test.jsonl ...    a table for each split; unsup.csv is text without labels
    data/train/pos/1.txt ...          a folder for each split, and in it one for each label (as in aclImdb)
    data/pos/1.txt ...                a folder for each label

Documents without labels stand in folders or tables called unsup, unlabelled or unlabeled, and in rows whose label is
empty. Checks that concern all documents together are made in `documents.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anaphora.errors import CorpusError
from anaphora.text.columns import Columns, plain_label
from anaphora.text.readers import TABLES, ReadOptions, TextFile, split_suffixes
from anaphora.text.sources import nowhere, split_word

_UNLABELLED = ("unsup", "unlabelled", "unlabeled")
UNLABELLED = "unlabelled"  # the split of documents that have no labels


@dataclass(frozen=True, slots=True)
class Document:
    """A text and what it is labelled with.

    Attributes:
        text: as it stands in the file; line ends are "\\n".
        labels: one; several or none where documents may have several; none where nothing is known.
        where: file and line, for messages.
        group: what it belongs to with others, as a film or an author; None where that is not known.
    """

    text: str
    labels: tuple[str, ...]
    where: str
    group: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How files become documents; see the fields of the same names in `DocumentSettings`."""

    text_column: str | None = None
    label_column: str | None = None
    group_column: str | None = None
    separator: str | None = None
    encoding: str = "utf-8"

    def table(self, file: TextFile, *, labelled: bool = True) -> Iterator[Document]:
        """Yield a document for each row of a table; without `labelled` only the text column is looked for.

        Raises:
            CorpusError: whatever is wrong with the file, or with its columns; with the line.
        """
        columns = None
        for row in file.rows():
            if columns is None:
                group = self.group_column if labelled else None
                columns = Columns.choose(row, self.text_column, self.label_column, labelled=labelled, group=group)
            labels = columns.labels_of(row, self.separator) if labelled else ()
            yield Document(columns.text_of(row), labels, row.where, columns.group_of(row))

    def folder(self, folder: Path, labels: tuple[str, ...]) -> Iterator[Document]:
        """Yield each file of a folder as one document with these labels, sorted by name; hidden files are none."""
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                file = TextFile(path=path, options=self._options, format="text")
                yield Document("".join(piece for part in file.documents() for piece in part), labels, str(path))

    def splits(self, source: str) -> dict[str, list[Document]]:
        """Read a source: the splits it has of its own, or "all"; and, where there are any, those "unlabelled".

        Raises:
            CorpusError: there is no such file or folder, or it is none of the layouts above.
        """
        path = Path(source).expanduser()
        if not path.exists():
            raise CorpusError(nowhere(source, path))
        if not path.is_dir():
            return {"all": list(self.table(self.file(path)))}
        found = self._tables(path) or self._folders(path)
        if not found:
            raise CorpusError(
                f"folder {path} holds neither tables ({' '.join(TABLES)}) nor a folder for each label, as"
                f" {path}/pos and {path}/neg or {path}/train/pos ..."
            )
        return found

    def unlabelled(self, source: str) -> list[Document]:
        """Read texts for which no labels are asked: a table, the lines of a text file, or the files of a folder.

        Raises:
            CorpusError: there is no such file or folder, or it cannot be read.
        """
        path = Path(source).expanduser()
        if not path.exists():
            raise CorpusError(nowhere(source, path))
        if path.is_dir():
            return list(self.folder(path, ()))
        if is_table(path.name):
            return list(self.table(self.file(path), labelled=False))
        text = "".join(piece for part in self.file(path).documents() for piece in part)
        return [Document(line, (), f"{path}, line {number}") for number, line in enumerate(text.split("\n"), 1) if line]

    def _tables(self, folder: Path) -> dict[str, list[Document]]:
        """Read the tables right in a folder: those of the splits, else all together."""
        tables = [path for path in sorted(folder.iterdir()) if path.is_file() and is_table(path.name)]
        splits = {path: _split(path.name) for path in tables}
        own = "train" in splits.values()
        found: dict[str, list[Document]] = {}
        for path, split in splits.items():
            if own and split is None:
                continue
            documents = self.table(self.file(path), labelled=split != UNLABELLED)
            found.setdefault((split if own or split == UNLABELLED else None) or "all", []).extend(documents)
        return found

    def _folders(self, folder: Path) -> dict[str, list[Document]]:
        """Read a folder for each label, or for each split a folder with those in it."""
        # A label may be called "train" too; but only a split has folders in it.
        inner = {path: split_word(path.name) for path in _folders_in(folder) if _folders_in(path)}
        splits = inner if "train" in inner.values() else {folder: "all"}
        found: dict[str, list[Document]] = {}
        for path, split in splits.items():
            for part in _folders_in(path) if split else ():
                if part.name.lower() in _UNLABELLED:
                    found.setdefault(UNLABELLED, []).extend(self.folder(part, ()))
                elif split:
                    found.setdefault(split, []).extend(self.folder(part, (_folder_label(part),)))
        return found

    def file(self, path: Path) -> TextFile:
        """Return a file that is read in this way."""
        return TextFile(path=path, options=self._options)

    @property
    def _options(self) -> ReadOptions:
        return ReadOptions(encoding=self.encoding)


def is_table(name: str) -> bool:
    """Say whether a file name tells of rows and columns."""
    return split_suffixes(name)[0] not in (None, "text")


def _folders_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]


def _split(name: str) -> str | None:
    """Return the split that a table's name tells."""
    if any(name.lower().startswith(word) for word in _UNLABELLED):
        return UNLABELLED
    return split_word(name)


def _folder_label(folder: Path) -> str:
    try:
        folder.name.encode("utf-8")
    except UnicodeEncodeError:
        raise CorpusError(
            f"the name of folder {str(folder)!a} is a label in another encoding than UTF-8; rename the folder"
        ) from None
    return plain_label(folder.name, str(folder))
