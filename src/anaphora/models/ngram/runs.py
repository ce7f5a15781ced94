"""Counting a text within a given memory: whole when it fits, else in runs that are kept on disk and merged there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.files import cache_folder
from anaphora.models.ngram.counts import NGramCounts, count_ngrams
from anaphora.models.ngram.merging import merge
from anaphora.models.ngram.storage import Disk, Memory

TokenIds = NDArray[np.integer[Any]]
Array = NDArray[np.unsignedinteger[Any]]

_MOST_RUNS = 64  # a run is small beside one order of the merged counts by then
_BYTES = 16  # for each token and order: natural text of millions of words took 8 to 10, a small one up to 14


def count_within(
    token_ids: TokenIds,
    memory: int | None,
    *,
    order: int,
    vocab_size: int,
    start_id: int,
    sentences: bool = False,
    folder: Path | None = None,
) -> NGramCounts:
    """Count the n-grams of a text as `count_ngrams` does, whose other arguments these are, within so many bytes.

    `memory` is how much counting, and estimating from the counts, may take beside the program itself; None for no
    limit. One order of the final counts, with the arrays that are made of it, must fit in any case: about 40 bytes for
    each of its n-grams. What does not fit is kept in `folder`, by default in anaphora's cache folder, in files without
    names that go when they are no longer used.
    """
    runs = runs_needed(len(token_ids), order, memory)
    storage = Memory() if runs == 1 else Disk(folder or cache_folder() / "ngram")
    parts = []
    for i in range(runs):
        part = count_ngrams(
            token_ids, order=order, vocab_size=vocab_size, start_id=start_id, sentences=sentences, part=(i, runs)
        )
        parts.append(_kept(part, storage))
        storage.release()
    return merge(parts)


def runs_needed(tokens: int, order: int, memory: int | None) -> int:
    """Return in how many runs to count a text; 1 when it fits into `memory` bytes, or when that has no limit."""
    if memory is None or (needed := tokens * order * _BYTES) <= memory:
        return 1
    # A run takes half of the memory, because merging holds one order of two runs and of what becomes of them.
    return min(tokens, _MOST_RUNS, -(-2 * needed // max(memory, 1)))


def _kept(counts: NGramCounts, storage: Memory) -> NGramCounts:
    def keep(arrays: tuple[Array, ...]) -> tuple[Array, ...]:
        return tuple(storage.keep(array) for array in arrays)

    return replace(
        counts,
        words=keep(counts.words),
        children=keep(counts.children),
        counts=keep(counts.counts),
        suffixes=keep(counts.suffixes),
        storage=storage,
    )
