"""Counts of the parts of a text become the counts of the whole: two sorted lists merge into one, order by order."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import ConfigError, CorpusError
from anaphora.models.ngram.compiled import compiled
from anaphora.models.ngram.counts import NEVER, NGramCounts

Array = NDArray[np.unsignedinteger[Any]]

_MOST_TOKENS = 2**32 - 1  # counts are 32 bits wide


class Side(NamedTuple):
    """One of the two, for one order k: as in `NGramCounts`, and where its rows go.

    `shorter_rows` (n_{k-1},) is where the rows of the order below have gone; `rows` (n_k,) is filled.
    """

    shorter_rows: NDArray[np.uint32]
    children: Array
    words: Array
    counts: Array
    suffixes: Array
    rows: NDArray[np.uint32]


class Rows(NamedTuple):
    """What is made of the two: as in `NGramCounts`, long enough for rows that are all different."""

    children: NDArray[np.uint32]
    words: Array
    counts: NDArray[np.uint32]
    suffixes: NDArray[np.uint32]


def merge(parts: Sequence[NGramCounts]) -> NGramCounts:
    """Return the counts of the text whose parts were counted one by one, given in the order of the text.

    Texts that were counted by themselves may be parts too: with `sentences` the counts are those of the texts one after
    the other, each but the last with its last line ended; otherwise each keeps its own beginning.

    The counts are kept where those of the first part are.

    Raises:
        ConfigError: nothing to merge, or counts that were not made alike.
        CorpusError: more tokens than counts of 32 bits can hold.
    """
    if not parts:
        raise ConfigError("there are no counts to merge")
    made = [(part.order, part.vocab_size, part.start_id, part.sentences) for part in parts]
    if other := next((one for one in made if one != made[0]), None):
        raise ConfigError(
            f"these counts cannot be merged: (order, vocab_size, start_id, sentences) is {made[0]} in one and {other}"
            " in another; count all parts with the same settings"
        )
    if (tokens := sum(part.tokens for part in parts)) > _MOST_TOKENS:
        raise CorpusError(f"{tokens:,} tokens are more than n-gram counts can hold ({_MOST_TOKENS:,})")
    merged = list(parts)
    while len(merged) > 1:  # neighbours first, so that few n-grams are moved often
        pairs = [merged[i : i + 2] for i in range(0, len(merged), 2)]
        merged = [_merge_two(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return merged[0]


def _merge_two(a: NGramCounts, b: NGramCounts) -> NGramCounts:
    words, children, suffixes = [a.words[0]], [], []
    counts = [a.counts[0] + b.counts[0]]
    a_rows = b_rows = np.arange(a.vocab_size, dtype=np.uint32)
    for k in range(1, a.order):
        left, right = (
            Side(
                shorter_rows=rows,
                children=side.children[k - 1],
                words=side.words[k],
                counts=side.counts[k],
                suffixes=side.suffixes[k - 1],
                rows=np.empty(len(side.words[k]), np.uint32),
            )
            for side, rows in ((a, a_rows), (b, b_rows))
        )
        most = len(a.words[k]) + len(b.words[k])
        made = Rows(
            children=np.empty(len(words[-1]) + 1, np.uint32),
            words=np.empty(most, a.words[k].dtype),
            counts=np.empty(most, np.uint32),
            suffixes=np.empty(most, np.uint32),
        )
        size = int(_merge_rows(left, right, made))
        a_rows, b_rows = left.rows, right.rows
        words.append(a.storage.keep(made.words[:size]))
        counts.append(a.storage.keep(made.counts[:size]))
        suffixes.append(a.storage.keep(made.suffixes[:size]))
        children.append(a.storage.keep(made.children))
        a.storage.release()
    later = np.where(b.first_seen == NEVER, NEVER, b.first_seen + a.tokens)
    return NGramCounts(
        vocab_size=a.vocab_size,
        start_id=a.start_id,
        sentences=a.sentences,
        tokens=a.tokens + b.tokens,
        words=tuple(words),
        children=tuple(children),
        counts=tuple(counts),
        suffixes=tuple(suffixes),
        first_seen=np.minimum(a.first_seen, later),
        storage=a.storage,
    )


@compiled
def _merge_rows(a: Side, b: Side, made: Rows) -> np.int64:
    """Merge the rows of one order; return how many there are."""
    a_parent = b_parent = row = np.int64(0)
    for parent in range(len(made.children) - 1):
        made.children[parent] = row
        i = i_end = j = j_end = np.int64(0)
        if a_parent < len(a.shorter_rows) and a.shorter_rows[a_parent] == parent:
            i, i_end = np.int64(a.children[a_parent]), np.int64(a.children[a_parent + 1])
            a_parent += 1
        if b_parent < len(b.shorter_rows) and b.shorter_rows[b_parent] == parent:
            j, j_end = np.int64(b.children[b_parent]), np.int64(b.children[b_parent + 1])
            b_parent += 1
        while i < i_end or j < j_end:
            in_a = i < i_end and (j == j_end or a.words[i] <= b.words[j])
            in_b = j < j_end and (i == i_end or b.words[j] <= a.words[i])
            made.counts[row] = 0
            if in_a:
                made.words[row] = a.words[i]
                made.suffixes[row] = a.shorter_rows[a.suffixes[i]]
                made.counts[row] += a.counts[i]
                a.rows[i] = row
                i += 1
            if in_b:
                made.words[row] = b.words[j]
                made.suffixes[row] = b.shorter_rows[b.suffixes[j]]
                made.counts[row] += b.counts[j]
                b.rows[j] = row
                j += 1
            row += 1
    made.children[len(made.children) - 1] = row
    return row
