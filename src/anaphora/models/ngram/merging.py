"""Counts of the parts of a text become the counts of the whole: two sorted lists merge into one, order by order."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anaphora.compiled import compiled
from anaphora.errors import ConfigError, CorpusError
from anaphora.models.ngram.counts import NEVER, NGramCounts
from anaphora.models.ngram.storage import Memory

Array = NDArray[np.unsignedinteger[Any]]

_MOST_TOKENS = 2**32 - 1  # counts are 32 bits wide
_PIECE = 1 << 21  # rows that are merged at a time, so that what is read and written of them can be given back


class Side(NamedTuple):
    """One of the two, for one order k: as in `NGramCounts`, and where its rows go.

    `shorter_rows` (n_{k-1},) is where the rows of the order below have gone; `rows` (n_k,) is filled, if it is not
    empty because nobody wants to know.
    """

    shorter_rows: NDArray[np.uint32]
    children: Array
    words: Array
    counts: Array
    suffixes: Array
    rows: NDArray[np.uint32]


class Piece(NamedTuple):
    """Some rows of what is made of the two, as in `NGramCounts`; long enough for rows that are all different."""

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
    words: list[Array] = [a.words[0]]
    children: list[Array] = []
    counts: list[Array] = [a.counts[0] + b.counts[0]]
    suffixes: list[Array] = []
    a_rows = b_rows = np.arange(a.vocab_size, dtype=np.uint32)
    for k in range(1, a.order):
        last = k == a.order - 1
        left, right = (
            Side(
                shorter_rows=rows,
                children=side.children[k - 1],
                words=side.words[k],
                counts=side.counts[k],
                suffixes=side.suffixes[k - 1],
                rows=np.empty(0 if last else len(side.words[k]), np.uint32),
            )
            for side, rows in ((a, a_rows), (b, b_rows))
        )
        made = _merge_order(left, right, len(words[-1]), a.storage)
        for arrays, array in zip((children, words, counts, suffixes), made, strict=True):
            arrays.append(array)
        a_rows, b_rows = left.rows, right.rows
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


def _merge_order(a: Side, b: Side, parents: int, storage: Memory) -> list[Array]:
    """Merge the rows of one order; return children of the order below, words, counts and suffixes."""
    made = [storage.pieces(dtype) for dtype in (np.uint32, a.words.dtype, np.uint32, np.uint32)]
    begin = rows = 0
    while begin < parents:
        end, most = _next_piece(a, b, begin, parents)
        piece = Piece(
            children=np.empty(end - begin, np.uint32),
            words=np.empty(most, a.words.dtype),
            counts=np.empty(most, np.uint32),
            suffixes=np.empty(most, np.uint32),
        )
        a_parent, b_parent = (int(np.searchsorted(side.shorter_rows, begin)) for side in (a, b))
        size = int(_merge_rows(a, b, a_parent, b_parent, begin, rows, piece))
        for pieces, array in zip(made, piece, strict=True):
            pieces.append(array if array is piece.children else array[:size].copy())
        begin, rows = end, rows + size
        storage.release()
    made[0].append(np.array([rows], np.uint32))
    return [pieces.joined() for pieces in made]


def _next_piece(a: Side, b: Side, begin: int, parents: int) -> tuple[int, int]:
    """Return where to end a piece that begins at a parent, and how many rows it can have: few, but one parent's."""
    end = parents
    while True:
        most = 0
        for side in (a, b):
            first, last = np.searchsorted(side.shorter_rows, (begin, end))
            most += int(side.children[last]) - int(side.children[first])
        if most <= _PIECE or end == begin + 1:
            return end, most
        end = begin + max(1, (end - begin) // 2)


@compiled
def _merge_rows(a: Side, b: Side, a_parent: int, b_parent: int, begin: int, rows: int, made: Piece) -> np.int64:
    """Merge the children of parents from `begin` on; return how many there are.

    Args:
        a: one of the two.
        b: the other.
        a_parent: the first row of the order below in `a` that has gone to `begin` or beyond.
        b_parent: the same in `b`.
        begin: the first parent, a merged row of the order below.
        rows: how many merged rows of this order come before.
        made: is filled.
    """
    row = np.int64(0)
    for parent in range(len(made.children)):
        made.children[parent] = rows + row
        i = i_end = j = j_end = np.int64(0)
        if a_parent < len(a.shorter_rows) and a.shorter_rows[a_parent] == begin + parent:
            i, i_end = np.int64(a.children[a_parent]), np.int64(a.children[a_parent + 1])
            a_parent += 1
        if b_parent < len(b.shorter_rows) and b.shorter_rows[b_parent] == begin + parent:
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
                if len(a.rows):
                    a.rows[i] = rows + row
                i += 1
            if in_b:
                made.words[row] = b.words[j]
                made.suffixes[row] = b.shorter_rows[b.suffixes[j]]
                made.counts[row] += b.counts[j]
                if len(b.rows):
                    b.rows[j] = rows + row
                j += 1
            row += 1
    return row
