"""Looking n-grams up: a whole text as array work, one word in microseconds, or the whole vocabulary after a context.

The row of the k-gram that ends at a position is a child of the row of the (k-1)-gram that ends at the position before:
one search among few siblings for each order and position, all positions at once. Every search stays within the rows of
its order, so that damaged tables give wrong scores and nothing worse.

Shapes: B batch, T time, P positions (of all rows of a batch), V vocabulary, N order, S = N - 1. Row -1 stands for an
n-gram that is not in the tables, token -1 for "nothing stood there".
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anaphora.models.ngram.store import Array, PackedTables, borders

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]

NOTHING = -1
_DECODED_AT_ONCE = 1 << 22  # entries of full distributions
_MOST_RANKED = 1 << 14  # siblings; fits int16, which numpy sorts fastest


def extend(rows: Rows, tokens: Rows, words: Array, first_child: Array, low: int, high: int) -> Rows:
    """Return the rows (P,) of the n-grams `rows` (P,) with one more token each (P,); -1 where there is none.

    Args:
        rows: -1 gives -1.
        tokens: likewise.
        words: see `PackedTables`.
        first_child: see there.
        low: where the order of the longer n-grams begins.
        high: where it ends.
    """
    found = np.full(len(rows), NOTHING)
    live = np.flatnonzero((rows >= 0) & (tokens >= 0))
    below = np.maximum(first_child[rows[live]].astype(np.int64), low)
    siblings = np.minimum(first_child[rows[live] + 1].astype(np.int64), high) - below
    # Searches among many siblings come first: then those that still need the larger steps are a beginning of the array.
    sizes = -np.minimum(siblings, _MOST_RANKED).astype(np.int16)
    order = np.argsort(sizes, kind="stable")[: np.count_nonzero(siblings > 0)]
    if not len(order):
        return found
    live, below, siblings, sizes = live[order], below[order], siblings[order], sizes[order]
    wanted = tokens[live].astype(words.dtype)
    last = below + siblings - 1
    below -= 1  # from here on the last place known to hold a smaller word
    step = 1 << int(siblings.max()).bit_length()
    while step := step >> 1:
        count = np.searchsorted(sizes, -min(step, _MOST_RANKED), side="right")
        ahead = below[:count] + step
        smaller = words[np.minimum(ahead, last[:count])] < wanted[:count]
        below[:count] += step * (smaller & (ahead <= last[:count]))
    place = below + 1
    hit = np.flatnonzero(place <= last)
    hit = hit[words[place[hit]] == wanted[hit]]
    found[live[hit]] = place[hit]
    return found


class NGramQuery:
    """Answers from packed tables. Holds views of the arrays and nothing of any text."""

    def __init__(self, tables: PackedTables) -> None:
        self.tables = tables
        self.order = len(tables.sizes)
        self._begins = borders(tables.sizes)
        self._words, self._first_child = tables.words.data, tables.first_child.data

    # --- a whole text -------------------------------------------------------------------------------------------------

    def score(self, tokens: Rows, targets: Rows, state: Rows, *, want_hits: bool = False) -> tuple[Floats, Array]:
        """Return log-probabilities (B, T) of the targets, and whether each was the most probable token, (B, T), bool.

        Args:
            tokens: (B, T), int64, as in `LanguageModel.target_log_probs`.
            targets: (B, T), int64, likewise.
            state: (B, S), int64, the tokens before; -1 for none.
            want_hits: without it the second array is empty; it costs more than the first.
        """
        read = np.concatenate([state, tokens], axis=1)
        follows = tokens.shape[1] > 0 and np.array_equal(tokens[:, 1:], targets[:, :-1])
        if follows:
            read = np.concatenate([read, targets[:, -1:]], axis=1)
        matches = self._matches(read)
        ends = slice(self.order - 1, self.order - 1 + tokens.shape[1])
        contexts = [match[:, ends].ravel() for match in matches[:-1]]
        if follows:
            found = [match[:, ends.start + 1 :].ravel() for match in matches]
        else:
            first = targets.ravel()
            found = [first, *(self._extend(rows, first, k) for k, rows in enumerate(contexts, start=1))]
        within = self._lengths(read)[:, ends].ravel() if self.tables.unseen_backoff else None
        scores = self._log_probs(1, found[0])
        for k, rows in enumerate(contexts, start=1):
            self._back_off(scores, k, rows, within)
            longer = np.flatnonzero(found[k] >= 0)
            scores[longer] = self._log_probs(k + 1, found[k][longer])
        hits = (
            self._most_probable(targets.size, contexts, within) == targets.ravel()
            if want_hits
            else np.empty(0, np.bool_)
        )
        return scores.reshape(tokens.shape), hits.reshape(tokens.shape if want_hits else (0,))

    def _matches(self, read: Rows) -> list[Rows]:
        """Return, for k = 1 .. N, the rows (B, L) of the k-grams that end at each place of `read` (B, L)."""
        matches = [np.where(read < self.tables.sizes[0], read, NOTHING)]
        for k in range(1, self.order):
            shorter = np.full_like(read, NOTHING)
            shorter[:, 1:] = matches[-1][:, :-1]
            matches.append(self._extend(shorter.ravel(), read.ravel(), k).reshape(read.shape))
        return matches

    def _lengths(self, read: Rows) -> Rows:
        """Return how long the context is that ends at each place of `read` (B, L): to the sentence's begin, or S."""
        places = np.broadcast_to(np.arange(read.shape[1]), read.shape)
        begins = np.where(read < 0, places + 1, 0)
        if self.tables.sentence_end is not None:
            begins = np.where(read == self.tables.sentence_end, places, begins)
        return places + 1 - np.maximum.accumulate(begins, axis=1)

    def _back_off(self, scores: Floats, k: int, contexts: Rows, within: Rows | None) -> None:
        """Add to `scores` (P,) what it costs to give up the contexts (P,) of k tokens."""
        known = np.flatnonzero(contexts >= 0)
        scores[known] += self._backoffs(k, contexts[known])
        if within is not None:
            scores[(contexts < 0) & (within >= k)] += np.float32(self.tables.unseen_backoff)

    def _most_probable(self, count: int, contexts: Sequence[Rows], within: Rows | None) -> Rows:
        """Return the most probable token (P,), P = `count`, after the contexts of 1 .. S tokens, (P,) each.

        Of equals the lowest id.

        The best word after a context is the best of its own continuations or the best after the shorter context,
        unless that word has a row here too, and one worth less than it was: those few are looked at in full.
        """
        first = int(self._unigrams.argmax())
        best, score = np.full(count, first), np.full(count, self._unigrams[first])
        for k, rows in enumerate(contexts, start=1):
            self._back_off(score, k, rows, within)
            live = np.flatnonzero(rows >= 0)
            distinct, which = np.unique(rows[live], return_inverse=True)
            word, value = (part[which] for part in self._best_children(k, distinct))
            known = self._extend(rows[live], best[live], k) >= 0
            unclear = known & (value <= score[live])
            taken = (value > score[live]) | ((value == score[live]) & (word < best[live]))
            best[live[taken]], score[live[taken]] = word[taken], value[taken]
            self._look_again(live[unclear], k, contexts, within, best, score)
        return best

    def _best_children(self, k: int, rows: Rows) -> tuple[Rows, Floats]:
        """Return the best continuation of each k-gram, its word and log-probability, (P,) each; -inf without any."""
        low, high = self._span(k + 1)
        begins = np.maximum(self.tables.first_child[rows].astype(np.int64), low)
        counts = np.maximum(np.minimum(self.tables.first_child[rows + 1].astype(np.int64), high) - begins, 0)
        words, values = np.zeros(len(rows), np.int64), np.full(len(rows), -np.inf, np.float32)
        parents = np.flatnonzero(counts)
        if not len(parents):
            return words, values
        counts, begins = counts[parents], begins[parents]
        starts = np.cumsum(counts) - counts
        children = np.arange(counts.sum()) + np.repeat(begins - starts, counts)
        log_probs = self._log_probs(k + 1, children)
        values[parents] = np.maximum.reduceat(log_probs, starts)
        is_best = log_probs == np.repeat(values[parents], counts)
        candidates = np.where(is_best, self.tables.words[children].astype(np.int64), self.tables.sizes[0])
        words[parents] = np.minimum.reduceat(candidates, starts)
        return words, values

    def _look_again(
        self, places: Rows, k: int, contexts: Sequence[Rows], within: Rows | None, best: Rows, score: Floats
    ) -> None:
        """Set best and score, (P,) each, at `places` from the full distribution after the k-grams that stand there."""
        _, firsts, which = np.unique(contexts[k - 1][places], return_index=True, return_inverse=True)
        for start in range(0, len(firsts), at_once := max(1, _DECODED_AT_ONCE // self.tables.sizes[0])):
            examples = places[firsts[start : start + at_once]]
            chains = np.stack([rows[examples] for rows in contexts[:k]], axis=1)
            lengths = None if within is None else within[examples]
            full = self._distributions(chains, lengths)
            tokens = full.argmax(1)
            here = np.flatnonzero((which >= start) & (which < start + at_once))
            best[places[here]] = tokens[which[here] - start]
            score[places[here]] = full.max(1)[which[here] - start]

    def all_log_probs(self, tokens: Rows, state: Rows) -> Floats:
        """Return log-probabilities (B, T, V) of the token after each of tokens (B, T); `state` as in `score`."""
        read = np.concatenate([state, tokens], axis=1)
        ends = slice(self.order - 1, None)
        chains = np.empty((tokens.size, self.order - 1), np.int64)
        for k, match in enumerate(self._matches(read)[:-1]):
            chains[:, k] = match[:, ends].ravel()
        lengths = self._lengths(read)[:, ends].ravel() if self.tables.unseen_backoff else None
        return self._distributions(chains, lengths).reshape(*tokens.shape, -1)

    # --- the next token -----------------------------------------------------------------------------------------------

    def next_log_probs(self, state: Rows) -> Floats:
        """Return log-probabilities (B, V) of every token after `state` (B, S), int64; -1 for none."""
        chains = np.array([self._chain(row) for row in state.tolist()], np.int64).reshape(len(state), self.order - 1)
        lengths = None
        if self.tables.unseen_backoff and self.order > 1:
            lengths = self._lengths(state)[:, -1]
        return self._distributions(chains, lengths)

    def log_prob(self, token: int, context: Sequence[int]) -> float:
        """Return the log-probability of one token after a context; only its last S tokens matter."""
        state = [NOTHING] * (self.order - 1) + list(context)
        state = state[len(state) - self.order + 1 :]
        lost = 0.0
        for k in range(self.order - 1, 0, -1):
            row = self._walk(state, k)
            if row >= 0:
                found = self._child(row, token, k)
                if found >= 0:
                    return lost + float(self._log_probs(k + 1, found))
                lost += float(self._backoffs(k, row))
            elif self.tables.unseen_backoff and self._lengths(np.array([state]))[0, -1] >= k:
                lost += self.tables.unseen_backoff
        return lost + float(self._log_probs(1, token))

    def _chain(self, state: Sequence[int]) -> list[int]:
        """Return the rows of the 1 .. S last tokens of a state."""
        return [self._walk(state, k) for k in range(1, self.order)]

    def _walk(self, state: Sequence[int], k: int) -> int:
        """Return the row of the last k tokens."""
        row = state[-k]
        if not 0 <= row < self.tables.sizes[0]:
            return NOTHING
        for length, token in enumerate(state[len(state) - k + 1 :], start=1):
            row = self._child(row, token, length)
            if row < 0:
                break
        return row

    def _child(self, row: int, token: int, k: int) -> int:
        """Return the row of a k-gram with one more token: the plain form of `extend`."""
        low, high = self._span(k + 1)
        begin, end = max(self._first_child[row], low), min(self._first_child[row + 1], high)
        place = bisect_left(self._words, token, begin, end) if begin < end else end
        return place if place < end and self._words[place] == token else NOTHING

    def _distributions(self, chains: Rows, lengths: Rows | None) -> Floats:
        """Return log-probabilities (B, V) after contexts whose 1 .. K last tokens are the rows `chains` (B, K)."""
        full = np.repeat(self._unigrams[None], len(chains), axis=0)
        for place, (line, rows) in enumerate(zip(full, chains.tolist(), strict=True)):
            for k, row in enumerate(rows, start=1):
                if row >= 0:
                    line += self._backoffs(k, row)
                    children = slice(*self._children_of(row, k))
                    words = np.minimum(self.tables.words[children], self.tables.sizes[0] - 1)
                    line[words] = self._log_probs(k + 1, children)
                elif lengths is not None and lengths[place] >= k:
                    line += np.float32(self.tables.unseen_backoff)
        return full

    # --- the arrays ---------------------------------------------------------------------------------------------------

    def rows(self, k: int, start: int, end: int) -> tuple[Floats, Floats | None]:
        """Return log-probabilities and back-off weights of rows start .. end - 1 of order k; None at the order N."""
        chosen = slice(self._begins[k - 1] + start, self._begins[k - 1] + end)
        return self._log_probs(k, chosen), self._backoffs(k, chosen) if k < self.order else None

    def ngrams(self, k: int, start: int, end: int) -> list[Rows]:
        """Return the tokens of rows start .. end - 1 of order k: k arrays, first tokens first."""
        rows = np.arange(start, end) + self._begins[k - 1]
        tokens = list[Rows]()
        for length in range(k, 0, -1):
            tokens.insert(0, self.tables.words[rows].astype(np.int64))
            if length > 1:
                low, high = self._span(length - 1)
                rows = np.searchsorted(self.tables.first_child[low : high + 1], rows, side="right") - 1
                rows = low + np.clip(rows, 0, high - low - 1)
        return tokens

    def _span(self, k: int) -> tuple[int, int]:
        return self._begins[k - 1], self._begins[k]

    def _children_of(self, row: int, k: int) -> Iterator[int]:
        low, high = self._span(k + 1)
        begin = max(self._first_child[row], low)
        yield begin
        yield max(begin, min(self._first_child[row + 1], high))

    def _extend(self, rows: Rows, tokens: Rows, k: int) -> Rows:
        return extend(rows, tokens, self.tables.words, self.tables.first_child, *self._span(k + 1))

    @cached_property
    def _unigrams(self) -> Floats:
        return self._log_probs(1, slice(0, self.tables.sizes[0]))

    def _log_probs(self, k: int, rows: Rows | slice | int) -> Floats:
        values, book = self.tables.log_probs[rows], self.tables.log_prob_values
        return values if book is None else book[k - 1][values]

    def _backoffs(self, k: int, rows: Rows | slice | int) -> Floats:
        values, book = self.tables.backoffs[rows], self.tables.backoff_values
        return values if book is None else book[k - 1][values]
