"""The loops behind counting: positions of a text are sorted by the n-grams that begin there, one order after another.

Positions sorted by their first k tokens lie in groups, one for each n-gram of order k. Sorting each group by the
k-gram that begins one position later sorts all positions by k + 1 tokens. That key is known (`row_at`), and it is
the row of the new n-gram's suffix, so words, counts and suffixes of order k + 1 fall out of the sorted groups.
Groups are small and lie together in memory; most hold one position and need no sorting at all.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.compiled import compiled

Packed = NDArray[np.uint64]  # position in the low 32 bits, sort key in the high 32
Counts = NDArray[np.uint32]
Words = NDArray[np.unsignedinteger[Any]]

_SMALL = 40  # groups up to this size are sorted by insertion, larger ones by radix
_POSITION = np.uint64(0xFFFFFFFF)
_KEY = np.uint64(32)
_DIGIT = np.uint64(0xFF)


@compiled
def sort_by_token(tokens: Counts, counts: Counts, packed: Packed) -> None:
    """Fill packed (N,) with the positions of tokens (N,), sorted by token, stably; add frequencies to counts (V,)."""
    for token in tokens:
        counts[token] += np.uint32(1)
    place = np.zeros(len(counts), np.int64)
    for token in range(1, len(counts)):
        place[token] = place[token - 1] + counts[token - 1]
    for position in range(len(tokens)):
        token = tokens[position]
        packed[place[token]] = np.uint64(position)
        place[token] += 1


@compiled
def refine(
    packed: Packed,
    spare: Packed,
    sizes: Counts,
    words: Words,
    line_end: int,
    last: int,
    row_at: Counts,
    children: Counts,
) -> np.int64:
    """Sort positions that are sorted by k tokens by k + 1 tokens, in place, keeping those that have k + 1.

    Args:
        packed: (M,), positions in the low bits, their groups one after the other; comes back with the sort key (the
            row of the k-gram at the next position) in the high bits.
        spare: as long as the largest group, to work in.
        sizes: (n_k,), positions in each group; comes back with those that were kept.
        words: (n_k,), the last token of each group's k-gram; groups of k-grams that end in `line_end` are dropped.
        line_end: the token that no n-gram goes beyond; -1 when there is none.
        last: the one position whose k-gram ends where the text ends; it is dropped.
        row_at: (N,), the row of the k-gram that begins at each position.
        children: (n_k + 1,), is filled: where the rows of order k + 1 that extend each row of order k begin.

    Returns:
        The number of positions kept; they are the first ones of `packed`.
    """
    for i in range(len(packed)):
        position = packed[i] & _POSITION
        if position != np.uint64(last):
            packed[i] = position | (np.uint64(row_at[position + np.uint64(1)]) << _KEY)
    begin = kept = rows = np.int64(0)
    for group in range(len(sizes)):
        children[group] = rows
        end = begin + np.int64(sizes[group])
        if np.int64(words[group]) != line_end:
            start = kept
            for i in range(begin, end):
                if packed[i] & _POSITION != np.uint64(last):
                    packed[kept] = packed[i]
                    kept += 1
            _sort_group(packed[start:kept], spare)
            for i in range(start, kept):
                if i == start or packed[i] >> _KEY != packed[i - 1] >> _KEY:
                    rows += 1
            sizes[group] = kept - start
        else:
            sizes[group] = 0
        begin = end
    children[len(sizes)] = rows
    return kept


@compiled
def read_rows(
    packed: Packed, sizes: Counts, words: Words, row_at: Counts, new_words: Words, counts: Counts, suffixes: Counts
) -> None:
    """Read the n-grams of order k + 1 off the sorted positions.

    Args:
        packed: (M,), sorted by `refine`; keeps its positions and loses its keys.
        sizes: (n_k,), positions in each group, as `refine` left them.
        words: (n_k,), the last token of each k-gram.
        row_at: (N,), comes back with the rows of order k + 1; (0,) if nobody wants to know.
        new_words: (n_k+1,), is filled: the last token of each new n-gram.
        counts: (n_k+1,), is filled: the number of positions of each.
        suffixes: (n_k+1,), is filled: the row of order k that holds the n-gram without its first token.
    """
    wanted = len(row_at) > 0
    row = np.int64(-1)
    end = np.int64(0)
    previous = np.uint64(0)
    for size in sizes:
        start, end = end, end + np.int64(size)
        for i in range(start, end):
            key, position = packed[i] >> _KEY, packed[i] & _POSITION
            if i == start or key != previous:
                row += 1
                suffixes[row] = key
                new_words[row] = words[key]
                counts[row] = 0
                previous = key
            counts[row] += 1
            if wanted:
                row_at[position] = row
            packed[i] = position


@compiled
def _sort_group(group: Packed, spare: Packed) -> None:
    """Sort in place: by insertion, or by the bytes of the keys from the lowest up."""
    size = len(group)
    if size <= _SMALL:
        for i in range(1, size):
            value = group[i]
            j = i - 1
            while j >= 0 and group[j] > value:
                group[j + 1] = group[j]
                j -= 1
            group[j + 1] = value
        return
    least = most = group[0] >> _KEY
    for value in group:
        least = min(least, value >> _KEY)
        most = max(most, value >> _KEY)
    span = most - least
    shift = np.uint64(0)
    place = np.empty(256, np.int64)
    while span >> shift:
        place[:] = 0
        for value in group:
            place[(((value >> _KEY) - least) >> shift) & _DIGIT] += 1
        total = 0
        for digit in range(256):
            total, place[digit] = total + place[digit], total
        for value in group:
            digit = (((value >> _KEY) - least) >> shift) & _DIGIT
            spare[place[digit]] = value
            place[digit] += 1
        group[:] = spare[:size]
        shift += np.uint64(8)
