"""Plain twins of the fast tables: dictionaries of n-grams, made at random and looked up as the textbooks say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from anaphora.models.ngram.tables import NGramTables

NGram = tuple[int, ...]


@dataclass
class PlainModel:
    """A back-off model as two dictionaries."""

    vocab_size: int
    order: int
    log_probs: dict[NGram, float] = field(default_factory=dict)
    backoffs: dict[NGram, float] = field(default_factory=dict)
    unseen_backoff: float = 0.0
    sentence_end: int | None = None

    def log_prob(self, context: Sequence[int], token: int) -> float:
        """Return the longest match's log-probability, and what is given up on the way to it."""
        known = list(context[max(0, len(context) - self.order + 1) :])
        if self.sentence_end in known:
            known = known[len(known) - 1 - known[::-1].index(self.sentence_end) :]
        lost = np.float32(0.0)
        while known:
            if (*known, token) in self.log_probs:
                break
            in_tables = tuple(known) in self.log_probs
            lost += np.float32(self.backoffs[tuple(known)] if in_tables else self.unseen_backoff)
            known = known[1:]
        return float(lost + self.log_probs[(*known, token)])

    def tables(self) -> NGramTables:
        """Return the same as a trie of flat arrays."""
        ngrams = [sorted(ngram for ngram in self.log_probs if len(ngram) == k) for k in range(1, self.order + 1)]
        return NGramTables(
            vocab_size=self.vocab_size,
            words=tuple(np.array([ngram[-1] for ngram in level], np.uint16) for level in ngrams),
            children=tuple(
                np.searchsorted(_places(shorter, longer), np.arange(len(shorter) + 1)).astype(np.uint32)
                for shorter, longer in pairwise(ngrams)
            ),
            log_probs=tuple(np.array([self.log_probs[ngram] for ngram in level], np.float32) for level in ngrams),
            backoffs=tuple(np.array([self.backoffs[ngram] for ngram in level], np.float32) for level in ngrams[:-1]),
            unseen_backoff=self.unseen_backoff,
        )


def _places(shorter: list[NGram], longer: list[NGram]) -> list[int]:
    place = {ngram: i for i, ngram in enumerate(shorter)}
    return [place[ngram[:-1]] for ngram in longer]


def random_model(
    token_ids: Sequence[int],
    vocab_size: int,
    order: int,
    *,
    seed: int = 0,
    sentence_end: int | None = None,
    unseen_backoff: float = 0.0,
) -> PlainModel:
    """Return a model of the n-grams of a text with random numbers, few of them distinct, so that equals occur."""
    chance = np.random.default_rng(seed)
    model = PlainModel(vocab_size, order, unseen_backoff=unseen_backoff, sentence_end=sentence_end)
    ngrams: set[NGram] = {(token,) for token in range(vocab_size)}
    for start in range(len(token_ids)):
        for k in range(1, order + 1):
            ngram = tuple(token_ids[start : start + k])
            if len(ngram) < k or sentence_end in ngram[1:-1]:
                break
            ngrams.add(ngram)
    for ngram in sorted(ngrams):
        model.log_probs[ngram] = -float(chance.integers(1, 12)) / 4
        is_context = len(ngram) == 1 or ngram[-1] != sentence_end
        model.backoffs[ngram] = -float(chance.integers(0, 8)) / 4 * is_context
    return model
