"""Counts on disk: parts of a text are counted on several machines, saved, carried together, and merged.

A folder of plain .npy files, which are mapped into memory when loaded, and counts.json.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import BundleError
from anaphora.files import atomic_folder, read_json, write_json
from anaphora.models.ngram.counts import NGramCounts, word_type

FORMAT = 1
_HEADER = "counts.json"
_AGAIN = "copy the folder anew, or count again"


def save_counts(counts: NGramCounts, folder: Path) -> None:
    """Write counts to a folder, whole or not at all; a folder that is there already is replaced."""
    with atomic_folder(folder) as partial:
        for name, array in _arrays(counts):
            np.save(partial / f"{name}.npy", array, allow_pickle=False)
        header = {
            "format": FORMAT,
            "order": counts.order,
            "vocab_size": counts.vocab_size,
            "start_id": counts.start_id,
            "sentences": counts.sentences,
            "tokens": counts.tokens,
        }
        write_json(partial / _HEADER, header)


def load_counts(folder: Path) -> NGramCounts:
    """Open counts that `save_counts` wrote.

    Raises:
        BundleError: the folder is missing, incomplete or damaged, or of a newer version.
    """
    header = read_json(folder / _HEADER, BundleError, "n-gram counts")
    if header.get("format") != FORMAT:
        raise BundleError(
            f"{folder} holds n-gram counts of format {header.get('format')!r}, this version of anaphora reads {FORMAT};"
            " count again, or update anaphora"
        )
    try:
        orders = range(1, int(header["order"]) + 1)
        counts = NGramCounts(
            vocab_size=int(header["vocab_size"]),
            start_id=int(header["start_id"]),
            sentences=bool(header["sentences"]),
            tokens=int(header["tokens"]),
            words=tuple(_read(folder, f"words-{k}") for k in orders),
            children=tuple(_read(folder, f"children-{k}") for k in orders[:-1]),
            counts=tuple(_read(folder, f"counts-{k}") for k in orders),
            suffixes=tuple(_read(folder, f"suffixes-{k}") for k in orders[1:]),
            first_seen=_read(folder, "first-seen"),
        )
    except (KeyError, TypeError, ValueError, OSError) as fault:
        raise BundleError(f"the n-gram counts in {folder} cannot be read: {fault}; {_AGAIN}") from None
    if not _is_whole(counts):
        raise BundleError(f"the n-gram counts in {folder} do not fit together; {_AGAIN}")
    return counts


def _arrays(counts: NGramCounts) -> list[tuple[str, NDArray[Any]]]:
    named = [(f"words-{k}", words) for k, words in enumerate(counts.words, start=1)]
    named += [(f"children-{k}", children) for k, children in enumerate(counts.children, start=1)]
    named += [(f"counts-{k}", numbers) for k, numbers in enumerate(counts.counts, start=1)]
    named += [(f"suffixes-{k}", suffixes) for k, suffixes in enumerate(counts.suffixes, start=2)]
    return [*named, ("first-seen", counts.first_seen)]


def _read(folder: Path, name: str) -> NDArray[Any]:
    # Opened for private writing, which nobody does: compiled loops would be compiled anew for arrays that cannot be.
    mapped: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False)
    return mapped.view(np.ndarray)


def _is_whole(counts: NGramCounts) -> bool:
    """Say whether all rows that the arrays point to exist: compiled loops would run out of bounds without a word."""
    sizes = [len(words) for words in counts.words]
    if sizes[0] != counts.vocab_size or not 0 <= counts.start_id < counts.vocab_size:
        return False
    if len(counts.first_seen) != counts.vocab_size or counts.first_seen.dtype != np.int64:
        return False
    for words, numbers in zip(counts.words, counts.counts, strict=True):
        if words.dtype != word_type(counts.vocab_size) or numbers.dtype != np.uint32 or len(numbers) != len(words):
            return False
        if words.max(initial=0) >= counts.vocab_size:
            return False
    for size, longer, children, suffixes in zip(sizes[:-1], sizes[1:], counts.children, counts.suffixes, strict=True):
        if children.dtype != np.uint32 or suffixes.dtype != np.uint32:
            return False
        if len(children) != size + 1 or len(suffixes) != longer or suffixes.max(initial=0) >= max(size, 1):
            return False
        if children[0] != 0 or children[-1] != longer or (children[1:] < children[:-1]).any():
            return False
    return True
