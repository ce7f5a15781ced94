"""From a corpus to token ids on disk: tokenised once, in a stream, and used again by every later run.

Two passes: the training split makes the vocabulary, then each split becomes one raw file of ids in the smallest type
that holds them, to be memory-mapped. A manifest keeps what a score needs beside them: counts and hashes. An entry in
the cache is named by what went into it, written whole or not at all, and made anew when it is found damaged.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from filelock import FileLock

from anaphora.errors import AnaphoraError, CorpusError
from anaphora.files import atomic_folder, cache_folder, read_json, sha256_json, write_json
from anaphora.progress import Event, Progress, silent
from anaphora.settings import did_you_mean
from anaphora.text.bytes import utf8_bytes
from anaphora.text.pieces import stretch
from anaphora.text.tokenizer import TokenIds, Tokenizer, TokenizerSettings
from anaphora.text.tokenizers import load_tokenizer, save_tokenizer, train_tokenizer

FORMAT = 1
MANIFEST, TOKENIZER = "manifest.json", "tokenizer.json"


class Source(Protocol):
    """What is prepared: a `text.corpus.Corpus`, or anything else that can be read split by split, again and again."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that there are."""

    def chunks(self, split: str) -> Iterator[str]:
        """Yield the raw text of a split in pieces."""

    def source_hash(self) -> str:
        """Return a hash of all that `chunks` yields."""


@dataclass(frozen=True, kw_only=True)
class SplitCounts:
    """How much text a split holds.

    Attributes:
        tokens: ids.
        unknown_tokens: ids of `<unk>` among them.
        characters: code points of the raw text, before any normalisation.
        bytes: of the raw text in UTF-8.
    """

    tokens: int
    unknown_tokens: int
    characters: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class PreparedCorpus:
    """Token ids on disk, with all that is known about them.

    Attributes:
        name: of the corpus.
        folder: where the ids lie.
        tokenizer: what made them.
        source_hash: of the raw text.
        counts: by split.
    """

    name: str
    folder: Path
    tokenizer: Tokenizer
    source_hash: str
    counts: Mapping[str, SplitCounts]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that were prepared."""
        return tuple(self.counts)

    def token_ids(self, split: str) -> TokenIds:
        """Return the ids (N,) of one split, read-only and memory-mapped: nothing is read before it is used.

        Raises:
            CorpusError: the split was not prepared.
        """
        _check_split(split, self.splits, self.name)
        return np.memmap(_ids_file(self.folder, split), dtype=_stored_type(self.tokenizer), mode="r")


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """The beginning of a split, in memory, with its own counts."""

    token_ids: TokenIds
    counts: SplitCounts


def encode_beginning(corpus: Source, split: str, tokenizer: Tokenizer, characters: int) -> Excerpt:
    """Encode the first `characters` of a split, less what would cut a word where there is white space."""
    text = "".join(stretch(corpus.chunks(split), 0, characters))
    end = max(text.rfind("\n"), text.rfind(" ")) + 1
    text = text[:end] if end else text
    token_ids = np.concatenate([np.empty(0, tokenizer.dtype), *tokenizer.encode_chunks([text])])
    counts = SplitCounts(
        tokens=len(token_ids),
        unknown_tokens=count_unknown(token_ids, tokenizer),
        characters=len(text),
        bytes=len(utf8_bytes(text)),
    )
    return Excerpt(token_ids=token_ids, counts=counts)


def prepare(
    corpus: Source,
    tokenizer: TokenizerSettings | Tokenizer,
    *,
    cache: Path | None = None,
    splits: Sequence[str] | None = None,
    progress: Progress = silent,
) -> PreparedCorpus:
    """Tokenise a corpus into the cache, or find it there.

    Args:
        corpus: what to read.
        tokenizer: settings to build one from the training split, or one that exists (to evaluate a text with the
            vocabulary of a trained model).
        cache: the folder to keep it in; the user's cache folder when None.
        splits: which splits to prepare; all when None.
        progress: told the characters read, over both passes.

    Raises:
        CorpusError: a split is missing or holds too little text, or the cache cannot be written.
        TokenizerError: the tokenizer cannot be built, or cannot express the text.
    """
    wanted = corpus.splits if splits is None else tuple(splits)
    needed = {*wanted, "train"} if isinstance(tokenizer, TokenizerSettings) else set(wanted)
    for split in sorted(needed):
        _check_split(split, corpus.splits, corpus.name)
    folder = (cache or cache_folder()) / "prepared" / _key(corpus, tokenizer, wanted)
    if ready := _find(folder, corpus.name, wanted):
        return ready
    with _disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):  # a second process waits, then finds what the first has made
            if ready := _find(folder, corpus.name, wanted):
                return ready
            with atomic_folder(folder) as partial:
                _write(partial, corpus, tokenizer, wanted, progress)
    made = _find(folder, corpus.name, wanted)
    assert made is not None
    return made


def _key(corpus: Source, tokenizer: TokenizerSettings | Tokenizer, splits: Sequence[str]) -> str:
    how = dict(tokenizer) if isinstance(tokenizer, TokenizerSettings) else tokenizer.hash
    content = {"format": FORMAT, "source": corpus.source_hash(), "tokenizer": how, "splits": list(splits)}
    return sha256_json(content)[:32]


def _find(folder: Path, name: str, splits: Sequence[str]) -> PreparedCorpus | None:
    """Return the entry that lies in the folder, or None when there is none that is complete and whole."""
    try:
        manifest = read_json(folder / MANIFEST, CorpusError, "manifest")
        tokenizer = load_tokenizer(folder / TOKENIZER)
    except AnaphoraError:
        return None
    saved = manifest.get("splits")
    if manifest.get("format") != FORMAT or manifest.get("tokenizer_hash") != tokenizer.hash:
        return None
    if not isinstance(saved, dict) or set(saved) != set(splits):
        return None
    counts = {split: _read_counts(saved[split]) for split in splits}
    for split, count in counts.items():
        if count is None or not _has_size(_ids_file(folder, split), count.tokens * tokenizer.dtype.itemsize):
            return None
    return PreparedCorpus(
        name=name,
        folder=folder,
        tokenizer=tokenizer,
        source_hash=str(manifest.get("source_hash")),
        counts={split: count for split, count in counts.items() if count is not None},
    )


def _read_counts(saved: object) -> SplitCounts | None:
    names = [field.name for field in fields(SplitCounts)]
    if not isinstance(saved, dict) or set(saved) != set(names):
        return None
    if not all(isinstance(value, int) and value >= 0 for value in saved.values()):
        return None
    return SplitCounts(**saved)


def _write(
    folder: Path,
    corpus: Source,
    tokenizer: TokenizerSettings | Tokenizer,
    splits: Sequence[str],
    progress: Progress,
) -> None:
    """Make one entry: the ids of each split, the tokenizer, and last the manifest."""
    reading = _Reading(progress)
    new = isinstance(tokenizer, TokenizerSettings)
    if isinstance(tokenizer, TokenizerSettings):
        tokenizer = train_tokenizer(tokenizer, reading.counted(corpus.chunks("train")))
    counts: dict[str, Any] = {}
    for split in splits:
        found = _write_ids(_ids_file(folder, split), corpus.chunks(split), tokenizer, reading)
        if found.tokens < (2 if new and split == "train" else 1):
            least = "one to read and one to predict are" if new else "one is"
            raise CorpusError(
                f"split {split!r} of {corpus.name} has {found.characters:,} characters and {found.tokens} tokens of"
                f" kind {tokenizer.kind!r}: too little text, {least} needed at least"
            )
        counts[split] = asdict(found)
    save_tokenizer(tokenizer, folder / TOKENIZER)
    write_json(
        folder / MANIFEST,
        {
            "format": FORMAT,
            "name": corpus.name,
            "source_hash": corpus.source_hash(),
            "tokenizer_hash": tokenizer.hash,
            "dtype": _stored_type(tokenizer).str,
            "splits": counts,
        },
    )


class _Reading:
    """Counts the raw text that goes by, and reports how much of it there was over all passes."""

    def __init__(self, progress: Progress) -> None:
        self.characters = 0
        self.bytes = 0
        self._progress = progress

    def counted(self, chunks: Iterable[str]) -> Iterator[str]:
        for chunk in chunks:
            self.characters += len(chunk)
            self.bytes += len(chunk) if chunk.isascii() else len(utf8_bytes(chunk))
            self._progress(Event(stage="prepare", done=self.characters, unit="characters"))
            yield chunk


def _write_ids(path: Path, chunks: Iterable[str], tokenizer: Tokenizer, reading: _Reading) -> SplitCounts:
    characters, size = reading.characters, reading.bytes
    tokens = unknown = 0
    stored = _stored_type(tokenizer)
    with path.open("wb") as file:
        for token_ids in tokenizer.encode_chunks(reading.counted(chunks)):
            tokens += len(token_ids)
            unknown += count_unknown(token_ids, tokenizer)
            file.write(token_ids.astype(stored, copy=False).data)
        file.flush()
        os.fsync(file.fileno())
    return SplitCounts(
        tokens=tokens,
        unknown_tokens=unknown,
        characters=reading.characters - characters,
        bytes=reading.bytes - size,
    )


def count_unknown(token_ids: TokenIds, tokenizer: Tokenizer) -> int:
    """Return how many of the ids are `<unk>`."""
    return 0 if tokenizer.unk_id is None else int(np.count_nonzero(token_ids == tokenizer.unk_id))


def _stored_type(tokenizer: Tokenizer) -> np.dtype[np.unsignedinteger[Any]]:
    """Return the type of the ids on disk: little-endian, whatever the machine."""
    return tokenizer.dtype.newbyteorder("<")


def _ids_file(folder: Path, split: str) -> Path:
    return folder / f"{split}.bin"


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _check_split(split: str, splits: Sequence[str], name: str) -> None:
    if split not in splits:
        raise CorpusError(
            f"{name} has no split {split!r}{did_you_mean(split, list(splits))}; there are: {', '.join(splits)}"
        )


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise CorpusError(
            f"the token ids cannot be written to {folder.parent}: {fault.strerror or fault}; make room there, or set"
            " ANAPHORA_CACHE to a folder on another disk"
        ) from fault
