"""Counts of all n-grams of orders 1..N of a text: what every smoothing method starts from.

A text may be counted whole, or in parts by several processes or machines; `merging.merge` makes one of them again.
The counts of a text are a forward trie like the tables that are made of them: see `tables.NGramTables`.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import CorpusError
from anaphora.models.ngram.sorting import read_rows, refine, sort_by_token
from anaphora.models.ngram.storage import Memory

TokenIds = NDArray[np.integer[Any]]
Array = NDArray[np.unsignedinteger[Any]]

NEVER = np.iinfo(np.int64).max  # where a token that does not occur was first seen
_MOST_TOKENS = 2**32 - 2  # positions are packed into 32 bits; more tokens than that are counted in parts


@dataclass(frozen=True, kw_only=True)
class NGramCounts:
    """How often each n-gram of orders 1..N begins in a text. Row i of order 1 is token i, all V of them.

    Attributes:
        vocab_size: V.
        start_id: the token that stands before the text, as a context only.
        sentences: whether that token also ends each line, and no n-gram goes beyond it. It then stands for `<s>` where
            it is an n-gram's first token, and for `</s>` where it is the last.
        tokens: how many tokens were counted.
        words: for order k the last token of each row, (n_k,), rows sorted by (w1, .., wk).
        children: for order k < N, (n_k + 1,); rows children[i] .. children[i + 1] - 1 of order k + 1 extend row i.
        counts: for order k how often the n-gram occurs, (n_k,). `<s>` is not counted.
        suffixes: for order k > 1 the row of order k - 1 that holds the n-gram without its first token, (n_k,).
        first_seen: (V,), int64, where each token occurs first; NEVER where it does not.
        storage: where these arrays are kept, and those that are made of them.
    """

    vocab_size: int
    start_id: int
    sentences: bool
    tokens: int
    words: tuple[Array, ...]
    children: tuple[Array, ...]
    counts: tuple[Array, ...]
    suffixes: tuple[Array, ...]
    first_seen: NDArray[np.int64]
    storage: Memory = field(default_factory=Memory)

    @property
    def order(self) -> int:
        """N, the length of the longest n-grams."""
        return len(self.words)

    @cached_property
    def sentence_starts(self) -> tuple[slice, ...]:
        """For each order the rows of n-grams that begin with `<s>`; they lie together. None in running text."""
        first, end = (self.start_id, self.start_id + 1) if self.sentences else (0, 0)
        found = [slice(first, end)]
        for children in self.children:
            first, end = int(children[first]), int(children[end])
            found.append(slice(first, end))
        return tuple(found)


def count_ngrams(
    token_ids: TokenIds,
    *,
    order: int,
    vocab_size: int,
    start_id: int,
    sentences: bool = False,
    part: tuple[int, int] = (0, 1),
) -> NGramCounts:
    """Count the n-grams of orders 1..`order` in memory.

    Args:
        token_ids: (N,), the whole text, which may be memory-mapped; of a part, only that part is read.
        order: N, 1 or more.
        vocab_size: V; ids are less than it.
        start_id: the token that stands before the text; with `sentences` the one that ends each line. A last line
            without it is cut short: its last word is followed by nothing.
        sentences: no n-gram goes beyond the end of a line (KenLM's rule).
        part: (i, n) counts the n-grams that begin in the i-th of n equal parts, i from 0. Merging the n parts gives
            the counts of the whole. Those that begin in the next one, but end the longest of this one, are there with
            count 0.

    Raises:
        CorpusError: there is nothing to count, or an id is not in the vocabulary.
    """
    if not len(token_ids):
        raise CorpusError("there are no tokens to count n-grams in; take a text that is not empty")
    begin, end = (len(token_ids) * i // part[1] for i in (part[0], part[0] + 1))
    if end - begin > _MOST_TOKENS:
        raise CorpusError(f"{end - begin:,} tokens are too many to count at once; count the text in parts")
    ahead = np.asarray(token_ids[end : end + order - 1])
    start = part[0] == 0  # the first part holds the position before the text
    tokens = np.empty(start + end - begin + len(ahead), np.uint32)
    tokens[:start] = start_id
    tokens[start:] = token_ids[begin : end + len(ahead)]
    if (greatest := int(tokens.max(initial=0))) >= vocab_size:
        raise CorpusError(f"token id {greatest} is not in the vocabulary of {vocab_size} tokens; encode the text anew")
    levels = _levels(tokens, start, ahead, order, vocab_size, start_id if sentences else -1)
    levels.counts[0][start_id] -= start
    return NGramCounts(
        vocab_size=vocab_size,
        start_id=start_id,
        sentences=sentences,
        tokens=end - begin,
        words=tuple(levels.words),
        children=tuple(levels.children),
        counts=tuple(levels.counts),
        suffixes=tuple(levels.suffixes),
        first_seen=levels.first_seen,
    )


@dataclass
class _Levels:
    words: list[Array]
    children: list[Array]
    counts: list[Array]
    suffixes: list[Array]
    first_seen: NDArray[np.int64]


def _levels(
    tokens: NDArray[np.uint32], start: bool, ahead: TokenIds, order: int, vocab_size: int, line_end: int
) -> _Levels:
    """Count order by order. Overwrites tokens (N,).

    The first token is a context only if it is the `start`; the last ones, `ahead`, begin no n-grams that count.
    """
    words: Array = np.arange(vocab_size, dtype=word_type(vocab_size))
    counts = np.zeros(vocab_size, np.uint32)
    packed = np.empty(len(tokens), np.uint64)
    sort_by_token(tokens, counts, packed)
    levels = _Levels([words], [], [counts], [], _first_seen(packed, counts, start))
    row_at = tokens
    for k in range(1, order):
        sizes, children = counts.copy(), np.empty(len(counts) + 1, np.uint32)
        for i in range(len(ahead) - k + 1):
            if line_end not in ahead[i + 1 : i + k - 1]:
                counts[row_at[len(tokens) - len(ahead) + i]] -= 1
        # The token that ends a line begins one too, where it stands alone.
        spare = np.empty(sizes.max(initial=0), np.uint64)
        kept = refine(packed, spare, sizes, words, line_end if k > 1 else -1, len(tokens) - k, row_at, children)
        packed, rows = packed[:kept], int(children[-1])
        new_words, counts, suffixes = np.empty(rows, words.dtype), np.empty(rows, np.uint32), np.empty(rows, np.uint32)
        read_rows(packed, sizes, words, row_at if k + 1 < order else row_at[:0], new_words, counts, suffixes)
        words = new_words
        levels.words.append(words)
        levels.counts.append(counts)
        levels.children.append(children)
        levels.suffixes.append(suffixes)
    return levels


def word_type(vocab_size: int) -> type[np.unsignedinteger[Any]]:
    """Return the type of tokens in counts and tables."""
    return np.uint16 if vocab_size <= 1 << 16 else np.uint32


def _first_seen(packed: NDArray[np.uint64], counts: NDArray[np.uint32], start: bool) -> NDArray[np.int64]:
    """Return where each token stands first; positions sorted by token, stably, begin with that for each."""
    found = np.full(len(counts), NEVER)
    seen = np.flatnonzero(counts)
    found[seen] = packed[(np.cumsum(counts, dtype=np.int64) - counts)[seen]].astype(np.int64) - start
    return found
