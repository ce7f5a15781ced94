"""Opening a corpus: from what the user names to train, valid and test text, streamed as often as needed.

This is where a text enters anaphora. Files are found by `sources.py`, known corpora by `download.py`; `passage.py`
cuts them. Every reading goes back to the files, so the text may be larger than memory.
"""

import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, PositiveInt

from anaphora.errors import AnaphoraWarning, CorpusError
from anaphora.files import sha256_json
from anaphora.progress import Progress, silent
from anaphora.settings import Settings, did_you_mean
from anaphora.text.builtin import built_in_texts
from anaphora.text.catalog import CATALOG, CatalogEntry, LineBreaks
from anaphora.text.download import fetch, files_of
from anaphora.text.encoding import KnownEncoding
from anaphora.text.imdb import ReviewSplit
from anaphora.text.passage import Passage, Text, cut_by_bytes, cut_by_fractions
from anaphora.text.pieces import regroup
from anaphora.text.readers import FORMATS, PACKINGS, ReadOptions, TextFile
from anaphora.text.sources import STDIN, Fractions, Spool, resolve, split_by_name

_SPLITS = ("train", "valid", "test")
_HASH_FORMAT = 1


def _as_names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class CorpusSettings(Settings):
    """Everything needed to open a corpus, and to open it again.

    Attributes:
        source: paths of files or folders, or "-" for stdin, or one name from the catalog.
        valid, test: files for these splits. With `test` alone, validation text is cut from the end of the training
            text; with `valid` alone there is no test split.
        fractions: shares of train, valid and test when the corpus has no splits of its own.
        field: the field of a .jsonl object that holds the text; "text" when not given.
        column: the column of a .csv or .tsv that holds the text; "text" or the only one when not given.
        encoding: of the files; a UTF-16 or UTF-32 byte order mark is believed before "utf-8".
        trim_gutenberg: take off Project Gutenberg's header and licence; None: as the catalog says, else yes.
        begin, end: keep what lies from the first `begin` (included) to the next `end` (left out).
        max_chars: keep the first so many characters.
            `begin`, `end` and `max_chars` apply to `source` before it is split; where it has splits of its own, to
            the training text.
        data_dir: where known corpora lie; None: ANAPHORA_DATA, else the cache.
        from_path: where to take a known corpus from instead of downloading it.
    """

    section: ClassVar[str] = "corpus"

    source: Annotated[tuple[str, ...], BeforeValidator(_as_names), Field(min_length=1)]
    valid: str | None = None
    test: str | None = None
    fractions: Fractions = (0.9, 0.05, 0.05)
    field: str | None = None
    column: str | None = None
    encoding: KnownEncoding = "utf-8"
    trim_gutenberg: bool | None = None
    begin: str | None = Field(default=None, min_length=1)
    end: str | None = Field(default=None, min_length=1)
    max_chars: PositiveInt | None = None
    data_dir: str | None = None
    from_path: str | None = None


class Corpus:
    """A text in splits, to be read as often as one likes; made by `open_corpus`.

    Attributes:
        name: the catalog's name, or what the file or folder is called, without suffixes.
        splits: those that it has, in the order "train", "valid", "test".
        default_tokenizer: the kind that suits it ("chars" for ordinary files).
        default_line_breaks: what a line break means in it, for `TokenizerSettings.line_breaks`.
    """

    def __init__(
        self,
        name: str,
        passages: Mapping[str, Passage],
        *,
        encoding: str,
        entry: CatalogEntry | None = None,
        spool: Spool | None = None,
    ) -> None:
        self.name = name
        self.splits: tuple[str, ...] = tuple(split for split in _SPLITS if split in passages)
        self.default_tokenizer = entry.default_tokenizer if entry else "chars"
        self.default_line_breaks: LineBreaks = entry.line_breaks if entry else "auto"
        self._passages = dict(passages)
        self._encoding = encoding
        self._spool = spool  # held, because its files vanish with it

    def chunks(self, split: str) -> Iterator[str]:
        """Yield the raw text of one split in pieces of at most about a million characters.

        Line ends are "\\n"; nothing else is changed. A piece ends at a line end where possible; within a longer line
        it ends before a character that cannot combine with the one before it.

        Raises:
            CorpusError: there is no such split, or the files have changed for the worse since the corpus was opened.
        """
        if split not in self._passages:
            raise CorpusError(
                f"corpus {self.name} has no split {split!r}{did_you_mean(split, list(self.splits))}; it has "
                f"{', '.join(self.splits)}"
            )
        return regroup(self._passages[split].pieces())

    def source_hash(self) -> str:
        """Return the sha256 over the files' bytes, the way they are read and how they are split; paths don't count."""
        return self._source_hash

    @cached_property
    def _source_hash(self) -> str:
        prints: dict[Text, str] = {}
        for passage in self._passages.values():
            for text in passage.texts:
                if text not in prints:
                    prints[text] = text.fingerprint()
        splits = {
            split: {
                "texts": [prints[text] for text in passage.texts],
                "options": [_option_values(text) for text in passage.texts],
                "stretch": [passage.start, passage.stop],
                "trim": passage.trim,
            }
            for split, passage in self._passages.items()
        }
        return sha256_json({"format": _HASH_FORMAT, "encoding": self._encoding, "splits": splits})


def _option_values(text: Text) -> list[str | None]:
    return [text.options.field, text.options.column] if isinstance(text, TextFile) else []


def open_corpus(settings: CorpusSettings, *, progress: Progress = silent) -> Corpus:
    """Find the files of a corpus (fetching a known one if need be), check that they are text, and split them.

    Raises:
        CorpusError: a file is missing, empty, binary, corrupt, malformed, in another encoding, or too short to split.
        DownloadError: a known corpus cannot be had.
    """
    entry = CATALOG.get(settings.source[0]) if len(settings.source) == 1 else None
    spool = Spool()
    groups = _known_texts(entry, settings, progress) if entry else _named_texts(settings, spool)
    if settings.from_path is not None and entry is None:
        _warn(f"from_path = {settings.from_path!r} has no effect: {settings.source[0]!r} is no known corpus")
    given = {"valid": settings.valid, "test": settings.test}
    options = _read_options(settings, entry)
    for split, path in given.items():
        if path is not None:
            groups[split] = resolve([path], options, spool)
    trim = settings.trim_gutenberg
    if trim is None:
        trim = entry.trim_gutenberg if entry else True
    passages = {split: Passage(texts, trim) for split, texts in groups.items()}
    main = "all" if "all" in passages else "train"
    passages[main] = passages[main].narrow(
        settings.begin or (entry.begin if entry else None),
        settings.end or (entry.end if entry else None),
        settings.max_chars,
    )
    passages = _split(passages, settings, entry, progress)
    name = entry.name if entry else _display_name(settings.source[0])
    return Corpus(name, passages, encoding=settings.encoding, entry=entry, spool=spool)


def _split(
    passages: dict[str, Passage], settings: CorpusSettings, entry: CatalogEntry | None, progress: Progress
) -> dict[str, Passage]:
    """Read every passage once, and cut out of the main one the splits that are missing."""
    lengths = {split: passage.measure(progress) for split, passage in passages.items()}
    shares = dict(zip(_SPLITS, settings.fractions, strict=True))
    whole = passages.pop("all", None)
    if whole is not None and not passages:
        published = entry.split_bytes if entry else None
        whole_text = settings.begin is None and settings.end is None and settings.max_chars is None
        if published and whole_text and settings.fractions == _default_fractions():
            return cut_by_bytes(whole, dict(zip(_SPLITS, published, strict=True)))
        return cut_by_fractions(whole, lengths["all"], shares)
    if whole is not None:
        passages["train"], lengths["train"] = whole, lengths["all"]
    if "valid" not in passages and shares["valid"] > 0:  # as with IMDb, or when only --test is given
        both = shares["train"] + shares["valid"]
        cut = {"train": shares["train"] / both, "valid": shares["valid"] / both}
        passages |= cut_by_fractions(passages["train"], lengths["train"], cut)
    elif settings.fractions != _default_fractions():
        _warn(f"fractions = {settings.fractions} has no effect: the corpus has splits of its own")
    return passages


def _named_texts(settings: CorpusSettings, spool: Spool) -> dict[str, tuple[Text, ...]]:
    """Return the texts of files and folders: one group to be split, or the splits that a folder's names tell."""
    options = _read_options(settings, None)
    folder = Path(settings.source[0]).expanduser()
    if len(settings.source) == 1 and folder.is_dir():
        named = split_by_name(folder)
        if named is not None:
            return {
                split: tuple(TextFile(path=path, options=options) for path in paths) for split, paths in named.items()
            }
    return {"all": resolve(settings.source, options, spool)}


def _known_texts(entry: CatalogEntry, settings: CorpusSettings, progress: Progress) -> dict[str, tuple[Text, ...]]:
    """Return the texts of a known corpus, fetched and verified."""
    if entry.built_in:
        return {split: (text,) for split, text in built_in_texts(entry.name).items()}
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    fetch(
        entry.name,
        data_dir=data_dir,
        from_path=Path(settings.from_path) if settings.from_path else None,
        progress=progress,
    )
    options = _read_options(settings, entry)
    texts: dict[str, TextFile] = {}
    index: Path | None = None
    for file, located in files_of(entry, data_dir).items():
        if file.split == "index":
            index = located.path
        else:
            texts[file.split] = TextFile(path=located.path, member=located.member, options=options)
    if entry.name == "imdb" and index is not None:
        table = texts["all"]
        return {"train": (ReviewSplit(table, index, "train"),), "test": (ReviewSplit(table, index, "test"),)}
    return {split: (text,) for split, text in texts.items()}


def _read_options(settings: CorpusSettings, entry: CatalogEntry | None) -> ReadOptions:
    column = settings.column or (entry.column if entry else None)
    return ReadOptions(encoding=settings.encoding, field=settings.field, column=column)


def _display_name(source: str) -> str:
    """Return a short name for a corpus of files: that of the first, without known suffixes."""
    if source == STDIN:
        return "stdin"
    name = Path(source).expanduser().resolve().name
    for suffix in (*PACKINGS, *FORMATS):
        name = name.removesuffix(suffix)
    return name or "corpus"


def _default_fractions() -> tuple[float, float, float]:
    default: tuple[float, float, float] = CorpusSettings.model_fields["fractions"].default
    return default


def _warn(message: str) -> None:
    warnings.warn(message, AnaphoraWarning, stacklevel=3)
