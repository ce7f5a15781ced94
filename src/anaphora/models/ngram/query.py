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


class NGramQuery:
    """Answers from packed tables. Holds views of the arrays and nothing of any text."""

    def __init__(self, tables: PackedTables) -> None:
        self.tables = tables
        self.order = len(tables.sizes)
        self._begins = borders(tables.sizes)
        # Python reads single numbers from these views several times faster than from arrays.
        self._words, self._first_child = tables.words.data, tables.first_child.data
        self._log_prob_data, self._backoff_data = tables.log_probs.data, tables.backoffs.data

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
            full = self._distributions(self._chains(contexts[:k], within, examples))
            tokens = full.argmax(1)
            here = np.flatnonzero((which >= start) & (which < start + at_once))
            best[places[here]] = tokens[which[here] - start]
            score[places[here]] = full.max(1)[which[here] - start]

    def all_log_probs(self, tokens: Rows, state: Rows) -> Floats:
        """Return log-probabilities (B, T, V) of the token after each of tokens (B, T); `state` as in `score`."""
        read = np.concatenate([state, tokens], axis=1)
        ends = slice(self.order - 1, None)
        contexts = [match[:, ends].ravel() for match in self._matches(read)[:-1]]
        within = self._lengths(read)[:, ends].ravel() if self.tables.unseen_backoff else None
        chains = self._chains(contexts, within, np.arange(tokens.size)) if contexts else [()] * tokens.size
        return self._distributions(chains).reshape(*tokens.shape, -1)

    def _chains(self, contexts: Sequence[Rows], within: Rows | None, places: Rows) -> list[Sequence[int]]:
        """Return the rows of the contexts of 1 .. K tokens, (P,) each, at some places, as `step` takes them."""
        chains: list[Sequence[int]] = np.stack([rows[places] for rows in contexts], axis=1).tolist()
        if within is not None:
            chains = [chain[:length] for chain, length in zip(chains, within[places].tolist(), strict=True)]
        return chains

    # --- the next token -----------------------------------------------------------------------------------------------

    def next_log_probs(self, state: Rows) -> Floats:
        """Return log-probabilities (B, V) of every token after `state` (B, S), int64; -1 for none."""
        return self._distributions([self.contexts(row) for row in state.tolist()])

    def contexts(self, tokens: Sequence[int]) -> Sequence[int]:
        """Return the rows of the contexts that the last tokens form, for `step`; () where nothing was read yet."""
        rows: Sequence[int] = ()
        for token in tokens[max(0, len(tokens) - self.order + 1) :]:
            rows = self._contexts_after(self._read(rows, token), token)
        return rows

    def step(self, rows: Sequence[int], token: int) -> tuple[float, Sequence[int]]:
        """Return the log-probability of one token after contexts, and the contexts after it. In microseconds.

        Args:
            rows: what `contexts` or the step before returned.
            token: 0 .. V - 1.
        """
        found = self._read(rows, token)
        lost, k = 0.0, len(rows)
        while k and found[k] < 0:
            lost += self._backoff(k, rows[k - 1]) if rows[k - 1] >= 0 else self.tables.unseen_backoff
            k -= 1
        value, book = self._log_prob_data[found[k]], self.tables.log_prob_values
        return lost + (value if book is None else float(book[k, value])), self._contexts_after(found, token)

    def log_prob(self, token: int, context: Sequence[int]) -> float:
        """Return the log-probability of one token after a context; only its last S tokens matter."""
        return self.step(self.contexts(context), token)[0]

    def _read(self, rows: Sequence[int], token: int) -> list[int]:
        """Return the rows of the n-grams of 1 .. N tokens that end with a token after contexts: `extend`, plainly."""
        if token < 0:
            return []
        found = [token]
        words, first_child, begins = self._words, self._first_child, self._begins
        for k, row in enumerate(rows, start=1):
            place = NOTHING
            if row >= 0:
                begin, end = max(first_child[row], begins[k]), min(first_child[row + 1], begins[k + 1])
                if begin < end:
                    found_at = bisect_left(words, token, begin, end)
                    if found_at < end and words[found_at] == token:
                        place = found_at
            found.append(place)
        return found

    def _contexts_after(self, found: list[int], token: int) -> list[int]:
        return found[: min(1, self.order - 1) if token == self.tables.sentence_end else self.order - 1]

    def _backoff(self, k: int, row: int) -> float:
        value, book = self._backoff_data[row], self.tables.backoff_values
        return value if book is None else float(book[k - 1, value])

    def _distributions(self, chains: Sequence[Sequence[int]]) -> Floats:
        """Return log-probabilities (B, V) after contexts, each as in `step`."""
        full = np.repeat(self._unigrams[None], len(chains), axis=0)
        for line, rows in zip(full, chains, strict=True):
            for k, row in enumerate(rows, start=1):
                if row >= 0:
                    line += self._backoffs(k, row)
                    children = slice(*self._children_of(row, k))
                    words = np.minimum(self.tables.words[children], self.tables.sizes[0] - 1)
                    line[words] = self._log_probs(k + 1, children)
                elif self.tables.unseen_backoff:
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
        from anaphora.models.ngram.lookup import extend  # here, since it loads numba

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
