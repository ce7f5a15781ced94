"""Tables built from n-grams that come order by order, each in any order of lines: what reading an ARPA file needs.

An n-gram whose beginning is missing (SRILM prunes so) gets it back, with the probability that it has by backing off:
nothing that the model says changes.
"""

import numpy as np
from numpy.typing import NDArray

from anaphora.models.ngram.query import NOTHING, NGramQuery, Rows
from anaphora.models.ngram.store import pack
from anaphora.models.ngram.tables import NGramTables

Floats = NDArray[np.float32]


class Levels:
    """The orders of a model so far. Row i of order 1 is token i."""

    def __init__(self, log_probs: Floats, backoffs: Floats) -> None:
        self._words = [np.arange(len(log_probs), dtype=np.uint32)]
        self._children: list[Rows] = []
        self._log_probs, self._backoffs = [log_probs], [backoffs]

    def add(self, ngrams: Rows, log_probs: Floats, backoffs: Floats) -> int | None:
        """Add the next order: n-grams (n, k), with log-probabilities and back-off weights (n,) in nats.

        Returns:
            The place of an n-gram that stands there for the second time; None when all are distinct.
        """
        parents = self._ensure(ngrams[:, :-1])
        keys = self._keys(parents, ngrams[:, -1])
        order = np.argsort(keys, kind="stable")
        twice = np.flatnonzero(np.diff(keys[order]) == 0)
        self._children.append(np.searchsorted(parents[order], np.arange(len(self._words[-1]) + 1)))
        self._words.append(ngrams[order, -1].astype(np.uint32))
        self._log_probs.append(log_probs[order])
        self._backoffs.append(backoffs[order])
        return int(order[twice[0] + 1]) if len(twice) else None

    def tables(self, order: int | None = None) -> NGramTables:
        """Return the model, or its lower orders up to `order`."""
        return NGramTables(
            vocab_size=len(self._words[0]),
            words=tuple(self._words[:order]),
            children=tuple(part.astype(np.uint64) for part in self._children[: order and order - 1]),
            log_probs=tuple(self._log_probs[:order]),
            backoffs=tuple(self._backoffs[: (order or len(self._words)) - 1]),
        )

    def _ensure(self, ngrams: Rows) -> Rows:
        """Return the rows (n,) of n-grams (n, k) that are to be contexts; those that are missing are put in."""
        rows = self._find(ngrams)
        if (rows < 0).any():
            self._insert(np.unique(ngrams[rows < 0], axis=0))
            rows = self._find(ngrams)
        return rows

    def _find(self, ngrams: Rows) -> Rows:
        from anaphora.models.ngram.lookup import extend  # here, since it loads numba

        rows = ngrams[:, 0]
        for k in range(1, ngrams.shape[1]):
            words = self._words[k]
            rows = extend(rows, ngrams[:, k], words, self._children[k - 1], 0, len(words))
        return rows

    def _insert(self, ngrams: Rows) -> None:
        """Put in n-grams (n, k), sorted and distinct, that are missing."""
        k = ngrams.shape[1] - 1  # where their order stands in the lists
        parents = self._ensure(ngrams[:, :-1])
        children = self._children[k - 1]
        siblings = np.repeat(np.arange(len(children) - 1), np.diff(children))
        places = np.searchsorted(self._keys(siblings, self._words[k]), self._keys(parents, ngrams[:, -1]))
        log_probs = self._by_backing_off(ngrams)
        self._words[k] = np.insert(self._words[k], places, ngrams[:, -1])
        self._log_probs[k] = np.insert(self._log_probs[k], places, log_probs)
        self._backoffs[k] = np.insert(self._backoffs[k], places, 0.0)
        children[1:] += np.cumsum(np.bincount(parents, minlength=len(children) - 1))
        if k < len(self._children):
            self._children[k] = np.insert(self._children[k], places, self._children[k][places])

    def _by_backing_off(self, ngrams: Rows) -> Floats:
        query = NGramQuery(pack(self.tables(ngrams.shape[1])))
        before = np.insert(ngrams[:, :-2], 0, NOTHING, axis=1)
        return query.score(ngrams[:, -2:-1], ngrams[:, -1:], before)[0].ravel()

    def _keys(self, parents: Rows, words: NDArray[np.integer]) -> Rows:
        return parents * len(self._words[0]) + words.astype(np.int64)
