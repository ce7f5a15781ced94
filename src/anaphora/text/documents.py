"""Opening labelled documents: from what the user names to train, valid and test, the labels, and text without labels.

Files are read by `document_files.py` and divided by `splits.py`; what concerns all documents together is checked here.
Labels are those of the documents to learn from, in alphabetical order: their numbers are the same on every machine.
"""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import ClassVar

from pydantic import Field, PositiveInt

from anaphora.errors import AnaphoraWarning, CorpusError
from anaphora.files import sha256_json
from anaphora.progress import Progress, silent
from anaphora.settings import Settings
from anaphora.text import imdb
from anaphora.text.catalog import CATALOG, CatalogEntry
from anaphora.text.document_files import UNLABELLED, Document, Reading
from anaphora.text.download import fetch, files_of
from anaphora.text.encoding import KnownEncoding
from anaphora.text.readers import FORMATS, PACKINGS, TextFile
from anaphora.text.sources import Fractions, NamedSource
from anaphora.text.splits import take_groups, take_stratified
from anaphora.text.tables import Row

_SHOWN = 5  # places that a message names

Documents = tuple[Document, ...]


class DocumentSettings(Settings):
    """The [documents] section: where labelled documents lie, how they are read, and how they are divided.

    Attributes:
        source: a table (.csv .tsv .jsonl), a folder of tables or of folders (see `document_files.py`), or "imdb".
        valid, test: sources for these splits.
        fractions: shares of train, valid and test where there are no such splits; of each label alike.
        seed: of that division and of `labelled`.
        labelled: keep the labels of so many documents, for training and validation together, of each label its share;
            the others become text without labels.
        unlabelled: further text without labels: tables, text files (a document a line), folders of text files.
        text_column, label_column: of a table; None: found by the usual names.
        group_column: of a table; documents with the same value there, of one author or film, stay together when splits
            are cut. The films of "imdb" are known.
        multi_label: a document may have several labels, or none.
        label_separator: what stands between several labels in one cell.
        encoding: of the files.
        data_dir, from_path: of a known corpus, see `CorpusSettings`.
    """

    section: ClassVar[str] = "documents"

    source: NamedSource
    valid: NamedSource | None = None
    test: NamedSource | None = None
    fractions: Fractions = (0.8, 0.1, 0.1)
    seed: int = Field(default=1, ge=0)
    labelled: PositiveInt | None = None
    unlabelled: tuple[str, ...] = ()
    text_column: str | None = None
    label_column: str | None = None
    group_column: str | None = None
    multi_label: bool = False
    label_separator: str = Field(default="|", min_length=1)
    encoding: KnownEncoding = "utf-8"
    data_dir: str | None = None
    from_path: str | None = None

    @property
    def reading(self) -> Reading:
        """How the files are read."""
        return Reading(
            text_column=self.text_column,
            label_column=self.label_column,
            group_column=self.group_column,
            separator=self.label_separator if self.multi_label else None,
            encoding=self.encoding,
        )


@dataclass(frozen=True, kw_only=True)
class LabelledDocuments:
    """Documents in splits.

    Attributes:
        name: the catalog's name, or what the file or folder is called.
        labels: all of them, sorted.
        splits: "train", and of "valid" and "test" those that there are.
        unlabelled: text to learn the language from.
    """

    name: str
    labels: tuple[str, ...]
    splits: Mapping[str, Documents]
    unlabelled: Documents

    @cached_property
    def source_hash(self) -> str:
        """The sha256 over all texts and labels, as they are divided; where they lie doesn't count."""
        return hash_of({**self.splits, UNLABELLED: self.unlabelled})


def hash_of(splits: Mapping[str, Documents]) -> str:
    """Return the sha256 over the texts and labels of documents in splits."""
    return sha256_json({split: [[one.text, *one.labels] for one in part] for split, part in splits.items()})


def open_documents(settings: DocumentSettings, *, progress: Progress = silent) -> LabelledDocuments:
    """Read documents, check them, and cut the splits that are missing.

    Empty texts are left out of the training split with a warning; held-out ones stay, since they too will be met.

    Raises:
        CorpusError: a file is missing, binary, malformed or in another encoding; columns cannot be found; there is one
            label only, or a held-out one that training never shows. With file and line.
        DownloadError: a known corpus cannot be had.
    """
    found = read_splits(settings, progress=progress)
    unlabelled = found.pop(UNLABELLED, ())
    main = "train" if "train" in found else "all"
    found[main] = _without_empty(found[main])
    if not settings.multi_label:
        for split, documents in found.items():
            bare = tuple(one for one in documents if not one.labels)
            found[split] = tuple(one for one in documents if one.labels)
            unlabelled += bare
            if bare:
                _warn(f"{_count(bare)} without a label serve as text to learn the language from ({_places(bare)})")
    labels = _labels(found[main], settings)
    for split in found:
        check_known(found[split], labels, f"stands in the {split} documents only")
    splits, rest = _divided(found, settings)
    return LabelledDocuments(
        name=_display_name(settings.source),
        labels=labels,
        splits=splits,
        unlabelled=tuple(one for one in unlabelled + rest if one.text.strip()),
    )


def read_splits(settings: DocumentSettings, *, progress: Progress = silent) -> dict[str, Documents]:
    """Read what the settings name, as it is: "all" or the splits it has of its own, and perhaps "unlabelled".

    Raises:
        CorpusError, DownloadError: as `open_documents`, but for what concerns all documents together.
    """
    entry = CATALOG.get(settings.source)
    found = _known(entry, settings, progress) if entry else settings.reading.splits(settings.source)
    for split, source in (("valid", settings.valid), ("test", settings.test)):
        if source is not None:
            own = settings.reading.splits(source)
            own.pop(UNLABELLED, None)
            found[split] = list(chain.from_iterable(own.values()))
    for source in settings.unlabelled:
        found.setdefault(UNLABELLED, []).extend(settings.reading.unlabelled(source))
    if not found.keys() - {UNLABELLED}:
        raise CorpusError(f"{settings.source} holds text without labels, and none with; name what has labels")
    for split, documents in found.items():
        if not documents and split != UNLABELLED:
            raise CorpusError(f"{getattr(settings, split, None) or settings.source} holds no documents")
    return {split: tuple(documents) for split, documents in found.items()}


def check_known(documents: Sequence[Document], labels: Sequence[str], fault: str) -> None:
    """Refuse documents with other labels than these; `fault` says what is wrong with such a label.

    Raises:
        CorpusError: with the place of the first.
    """
    known = set(labels)
    for document in documents:
        for label in document.labels:
            if label not in known:
                shown = ", ".join(map(repr, labels[:12]))
                raise CorpusError(f"{document.where}: label {label!r} {fault}; known labels are {shown}")


def _known(entry: CatalogEntry, settings: DocumentSettings, progress: Progress) -> dict[str, list[Document]]:
    """Read the documents of a known corpus."""
    if entry.name != "imdb":
        raise CorpusError(f"{entry.name} is a running text without labels; the known corpus of documents is 'imdb'")
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    from_path = Path(settings.from_path) if settings.from_path else None
    fetch(entry.name, data_dir=data_dir, from_path=from_path, progress=progress)
    located = {file.split: place for file, place in files_of(entry, data_dir).items()}
    table = TextFile(path=located["all"].path, member=located["all"].member)
    if "index" not in located:
        return {"all": [_review(row) for row in table.rows()]}
    found: dict[str, list[Document]] = {}
    for row, place in imdb.rows_with_place(table, located["index"].path):
        found.setdefault(place.split, []).append(_review(row, place.films))
    return found


def _review(row: Row, films: str | None = None) -> Document:
    return Document(row.string(imdb.TEXT), (imdb.LABELS[row.string(imdb.LABEL)],), row.where, films)


def _divided(found: Mapping[str, Documents], settings: DocumentSettings) -> tuple[dict[str, Documents], Documents]:
    """Cut the splits that are missing, and take the labels off those that `labelled` leaves out."""
    splits = dict(found)
    rest: Documents = ()
    train, valid, test = settings.fractions
    if "all" in splits:
        splits["train"] = splits.pop("all")
        if "test" not in splits and test:
            splits["test"], splits["train"] = _cut(splits["train"], test, settings.seed, "test")
    if settings.labelled is not None:
        splits["train"], rest = _keep_labels(splits["train"], settings)
    if "valid" not in splits and valid:
        splits["valid"], splits["train"] = _cut(splits["train"], valid / (train + valid), settings.seed, "valid")
    return {split: splits[split] for split in ("train", "valid", "test") if splits.get(split)}, rest


def _cut(documents: Documents, share: float, seed: int, split: str) -> tuple[Documents, Documents]:
    """Cut a share of each label off at random, in whole groups; each label keeps a document to learn from."""
    labels, count = [one.labels for one in documents], max(1, round(share * len(documents)))
    if any(one.group is not None for one in documents):
        groups = [one.where if one.group is None else one.group for one in documents]
        chosen, grouped = take_groups(labels, groups, count, seed, leave=1), ", or their groups too large,"
    else:
        chosen, grouped = take_stratified(labels, count, seed, leave=1), ""
    if not chosen.any():
        raise CorpusError(
            f"{_count(documents)} are too few{grouped} to hold some back as {split!r}: give more, or a file for it"
            f" (--{split})"
        )
    return _parted(documents, chosen.tolist())


def _keep_labels(documents: Documents, settings: DocumentSettings) -> tuple[Documents, Documents]:
    """Return the documents that keep their labels, and the others without."""
    assert settings.labelled is not None
    labels = [one.labels for one in documents]
    if settings.labelled > len(documents):
        raise CorpusError(f"labelled = {settings.labelled}: there are {_count(documents)} to learn from; ask for fewer")
    if settings.labelled < 2 * len(set(labels)) and not settings.multi_label:
        raise CorpusError(
            f"labelled = {settings.labelled}: {len(set(labels))} labels need twice as many documents at least, so that"
            " each can be learnt and validated"
        )
    kept, others = _parted(documents, take_stratified(labels, settings.labelled, settings.seed, least=2).tolist())
    return kept, tuple(Document(one.text, (), one.where) for one in others)


def _parted(documents: Documents, chosen: Sequence[bool]) -> tuple[Documents, Documents]:
    pairs = list(zip(documents, chosen, strict=True))
    return tuple(one for one, takes in pairs if takes), tuple(one for one, takes in pairs if not takes)


def _without_empty(documents: Documents) -> Documents:
    empty = [one for one in documents if not one.text.strip()]
    if empty:
        _warn(f"{_count(empty)} without text left out of the training ({_places(empty)})")
    return tuple(one for one in documents if one.text.strip())


def _labels(documents: Documents, settings: DocumentSettings) -> tuple[str, ...]:
    """Return the labels to learn."""
    counts = Counter(label for one in documents for label in one.labels)
    least = 1 if settings.multi_label else 2
    if len(counts) < least:
        found = f"all {len(documents):,} have the label {next(iter(counts))!r}" if counts else "none has a label"
        raise CorpusError(
            f"{settings.source}: there is nothing to tell apart, {found}; a classifier needs documents of two labels"
            " at least"
        )
    folded: dict[str, str] = {}
    for label in sorted(counts):
        twin = folded.setdefault(label.casefold(), label)
        if twin != label:
            _warn(f"labels {twin!r} and {label!r} differ in capitals only; they count as two")
    return tuple(sorted(counts))


def _display_name(source: str) -> str:
    name = source if source in CATALOG else Path(source).expanduser().resolve().name
    for suffix in (*PACKINGS, *FORMATS):
        name = name.removesuffix(suffix)
    return name or "documents"


def _count(documents: Sequence[Document]) -> str:
    return "1 document" if len(documents) == 1 else f"{len(documents):,} documents"


def _places(documents: Sequence[Document]) -> str:
    more = f" and {len(documents) - _SHOWN:,} more" if len(documents) > _SHOWN else ""
    return "; ".join(one.where for one in documents[:_SHOWN]) + more


def _warn(message: str) -> None:
    warnings.warn(message, AnaphoraWarning, stacklevel=4)
