"""Every smoothing method against a slow twin that states its formula over dictionaries, on random small texts.

The twin knows no tables: it answers p(w | context) by the definitions. The tables must give the same for every token
after every context, known or not, and for normalised methods those must sum to one.
"""

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import AnaphoraWarning
from anaphora.models.ngram.counts import count_ngrams
from anaphora.models.ngram.estimate import estimate
from anaphora.models.ngram.smoothing import SMOOTHINGS
from anaphora.models.ngram.tables import NGramTables

START = -1  # <s> where lines end with token 0; in running text the context before the text is token 0 itself


@dataclass(frozen=True, kw_only=True)
class Case:
    """A text and how to model it. Token 0 ends lines, or stands before the text; token 1 is the unknown word."""

    token_ids: tuple[int, ...]
    vocab_size: int
    order: int
    smoothing: str
    sentences: bool
    reserve: bool = False
    prune: tuple[int, ...] = ()

    def tables(self) -> NGramTables:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AnaphoraWarning)
            return estimate(
                count_ngrams(
                    np.array(self.token_ids, np.uint8),
                    order=self.order,
                    vocab_size=self.vocab_size,
                    start_id=0,
                    sentences=self.sentences,
                ),
                smoothing=self.smoothing,
                unk_id=1 if self.vocab_size > 1 else None,
                reserve_unseen=self.reserve,
                prune=self.prune,
                added_count=0.5,
            )


Gram = tuple[int, ...]


class Twin:
    """Definitions, one after the other; n-grams are tuples."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.lines = self._lines()
        self.thresholds = (case.prune + case.prune[-1:] * case.order)[: case.order] or (0,) * case.order
        outcomes = case.vocab_size + (case.reserve and 1 in case.token_ids)
        self.uniform = 1 / outcomes
        self.known: dict[tuple[int, Gram], float] = {}

    def _lines(self) -> list[list[int]]:
        if not self.case.sentences:
            return [[0, *self.case.token_ids]]
        lines = [[START]]
        for token in self.case.token_ids:
            lines[-1].append(token)
            if token == 0:
                lines.append([START])
        return lines

    @cached_property
    def raw(self) -> Counter[Gram]:
        """How often each n-gram occurs; what stands before a line is a context only."""
        found: Counter[Gram] = Counter()
        for line in self.lines:
            for k in range(1, self.case.order + 1):
                found.update(tuple(line[i : i + k]) for i in range(k == 1, len(line) - k + 1))
        return found

    @cached_property
    def preceding(self) -> dict[Gram, set[int]]:
        found = defaultdict(set)
        for gram in self.raw:
            found[gram[1:]].add(gram[0])
        return found

    def count(self, gram: Gram) -> int:
        if "kneser" not in self.case.smoothing or len(gram) == self.case.order or gram[0] == START:
            return self.raw[gram]
        return len(self.preceding[gram]) or (1 if self.raw[gram] else 0)

    @cached_property
    def followers(self) -> dict[Gram, list[int]]:
        found = defaultdict(list)
        for gram in self.raw:
            found[gram[:-1]].append(gram[-1])
        return found

    def counts_of_counts(self, order: int) -> Counter[int]:
        found = Counter(self.count(gram) for gram in self.raw if len(gram) == order)
        if self.case.sentences and self.case.smoothing == "modified-kneser-ney" and order < self.case.order:
            last = self._last_of_highest_order()[-order:]
            if START not in last[1:]:
                found[self.count(last)] -= 1
                found[self.raw[last]] += 1
        return found

    def _last_of_highest_order(self) -> Gram:
        """Return the last n-gram when they are sorted by last token, then the one before, as KenLM numbers tokens."""
        rank = {START: 1, 0: 2}
        for token in self.case.token_ids:
            rank.setdefault(token, len(rank) + 1)
        n = self.case.order
        padded = [[START] * (n - 2) + line for line in self.lines]
        grams = [tuple(line[i : i + n]) for line in padded for i in range(len(line) - n + 1)]
        return max(grams, key=lambda gram: [rank[token] for token in reversed(gram)])

    @cached_property
    def discounts(self) -> list[list[float]]:
        """The discounts of counts 0, 1, 2 and 3 or more, for each order."""
        return [self._discounts(self.counts_of_counts(k)) for k in range(1, self.case.order + 1)]

    def _discounts(self, n: Counter[int]) -> list[float]:
        if self.case.smoothing == "modified-kneser-ney":
            if n[1] and n[2] and n[3]:
                y = n[1] / (n[1] + 2 * n[2])
                found = [0.0, *(j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3))]
                # A hair of tolerance: the estimate is in float32.
                if all(-1e-6 <= d <= j + 1e-6 for j, d in enumerate(found)):
                    return found
            return [0.0, 0.5, 1.0, 1.5]
        d = n[1] / (n[1] + 2 * n[2]) if n[1] and n[2] else 0.75
        return [0.0, d, d, d]

    @cached_property
    def ratios(self) -> list[list[float]]:
        """What share of a count 1 .. 5 is kept, for each order."""
        return [self._ratios(self.counts_of_counts(k)) for k in range(1, self.case.order + 1)]

    def _ratios(self, n: Counter[int]) -> list[float]:
        if all(n[r] for r in range(1, 7)):
            a = 6 * n[6] / n[1]
            if a < 1:
                found = [((r + 1) * n[r + 1] / (r * n[r]) - a) / (1 - a) for r in range(1, 6)]
                if all(0 < ratio <= 1 for ratio in found):
                    return found
        return [(r - 0.5) / r for r in range(1, 6)]

    def prob(self, token: int, context: Gram) -> float:
        """p(token | context), worked out once."""
        if (token, context) not in self.known:
            self.known[token, context] = self._prob(token, context)
        return self.known[token, context]

    def _prob(self, token: int, context: Gram) -> float:
        gram, order = (*context, token), len(context) + 1
        smoothing = self.case.smoothing
        followers = self.followers.get(context, [])
        if smoothing == "additive":
            longest = order == self.case.order or context[:1] == (START,)
            return self._additive(gram, followers) if longest else self.uniform
        lower = self.prob(token, context[1:]) if context else self.uniform
        if smoothing == "stupid-backoff":
            if not self._kept(gram):
                return 0.4 * lower
            return self.raw[gram] / sum(self.raw[(*context, v)] for v in followers)
        if not followers:
            return lower
        if smoothing in ("maximum-likelihood", "katz"):
            return self._backed_off(gram, followers, lower)
        counts = {v: self.count((*context, v)) for v in followers}
        dropped = sum(c for v, c in counts.items() if not self._kept((*context, v)))
        kept = [c for v, c in counts.items() if self._kept((*context, v))]
        count = counts.get(token, 0) if self._kept(gram) else 0
        if smoothing == "witten-bell":
            divisor = sum(counts.values()) + len(counts)
            return count / divisor + (len(counts) + dropped) / divisor * lower
        discounts = self.discounts[order - 1]
        weight = (sum(discounts[min(c, 3)] for c in kept) + dropped) / sum(counts.values())
        return (count - discounts[min(count, 3)]) / sum(counts.values()) + weight * lower

    def _kept(self, gram: Gram) -> bool:
        threshold = -1 if len(gram) == 1 and gram[0] in (0, 1) else self.thresholds[len(gram) - 1]
        return self.raw[gram] > max(0, threshold)

    def _additive(self, gram: Gram, followers: list[int]) -> float:
        added = 0.5 / self.uniform
        counts = {v: self.raw[(*gram[:-1], v)] for v in followers}
        dropped = sum(c for v, c in counts.items() if not self._kept((*gram[:-1], v)))
        count = self.raw[gram] if self._kept(gram) else 0
        return (count + (added + dropped) * self.uniform) / (sum(counts.values()) + added)

    def _backed_off(self, gram: Gram, followers: list[int], lower: float) -> float:
        context, katz = gram[:-1], self.case.smoothing == "katz"
        ratios = self.ratios[len(gram) - 1] if katz else []
        total = sum(self.raw[(*context, v)] for v in followers)
        seen = {v: float(self.raw[(*context, v)]) for v in followers if self._kept((*context, v))}
        seen = {v: c * ratios[int(c) - 1] if 0 < c <= len(ratios) else c for v, c in seen.items()}
        if katz and sum(seen.values()) >= total - 1e-9:
            total += 1
        left = 1 - sum(seen.values()) / total
        room = 1 - sum(self.prob(v, context[1:]) if context else self.uniform for v in seen)
        if left > 1e-12 and room < 1e-3:
            return seen[gram[-1]] / sum(seen.values()) * (1 - room) if gram[-1] in seen else lower
        return seen[gram[-1]] / total if gram[-1] in seen else left / room * lower if left > 1e-12 else 0.0


def table_score(tables: NGramTables, token: int, context: Gram) -> float:
    """Look p(token | context) up as `NGramTables` says."""
    total = 0.0
    while True:
        row, found = find(tables, (*context, token))
        if found:
            return total + float(tables.log_probs[len(context)][row])
        row, found = find(tables, context)
        total += float(tables.backoffs[len(context) - 1][row]) if found else tables.unseen_backoff
        context = context[1:]


def find(tables: NGramTables, gram: Gram) -> tuple[int, bool]:
    row = gram[0]
    for k, token in enumerate(gram[1:], start=1):
        begin, end = (int(tables.children[k - 1][i]) for i in (row, row + 1))
        place = int(np.searchsorted(tables.words[k][begin:end], token))
        if begin + place == end or tables.words[k][begin + place] != token:
            return 0, False
        row = begin + place
    return row, True


@st.composite
def cases(draw: st.DrawFn) -> Case:
    vocab_size = draw(st.integers(1, 4))
    # Few different tokens and a favourite, so that counts up to 6 and beyond occur.
    token = st.integers(0, vocab_size - 1) | st.just(vocab_size - 1)
    prune = draw(st.sampled_from([(), (), (0, 1), (0, 1, 2), (2,)]))
    order = draw(st.integers(1, 4))
    return Case(
        token_ids=tuple(draw(st.lists(token, min_size=1, max_size=60))),
        vocab_size=vocab_size,
        order=order,
        smoothing=draw(st.sampled_from(sorted(SMOOTHINGS))),
        sentences=draw(st.booleans()),
        reserve=draw(st.booleans()),
        prune=prune[:order],
    )


def check(case: Case, contexts: Iterable[Gram]) -> None:
    tables, twin = case.tables(), Twin(case)
    for context in contexts:
        if case.sentences and 0 in context[1:]:
            continue  # no context reaches over the end of a line
        true_context = tuple(START if i == 0 and t == 0 and case.sentences else t for i, t in enumerate(context))
        total = 0.0
        for token in range(case.vocab_size):
            score = table_score(tables, token, context)
            wanted = twin.prob(token, true_context)
            assert math.exp(score) == pytest.approx(wanted, rel=2e-5, abs=1e-7), (case, context, token)
            total += math.exp(score)
        if tables.normalized:
            reserved = case.reserve and 1 in case.token_ids and case.vocab_size > 1
            assert total == pytest.approx(1, abs=1e-6) or (reserved and total < 1), (case, context)


@given(cases())
def test_every_method_gives_what_its_formula_says(case: Case) -> None:
    check(case, (c for length in range(case.order) for c in product(range(case.vocab_size), repeat=length)))


def natural() -> tuple[int, ...]:
    """Return 600 tokens, 120 different ones, as unequally frequent as words are; the seed is one that suits."""
    rng = np.random.default_rng(13)
    shares = 1 / np.arange(1, 121)
    return tuple(int(token) for token in rng.permutation(120)[rng.choice(120, 600, p=shares / shares.sum())])


@pytest.mark.parametrize("sentences", [False, True], ids=["stream", "sentences"])
@pytest.mark.parametrize("smoothing", sorted(SMOOTHINGS))
def test_every_method_on_a_text_with_natural_counts(smoothing: str, sentences: bool) -> None:
    text = natural()
    counts = count_ngrams(np.array(text), order=3, vocab_size=120, start_id=0, sentences=sentences)
    if smoothing == "katz":  # six estimates for each order; those of order 2 exist here
        with pytest.warns(AnaphoraWarning, match="order 1, 3,"):
            estimate(counts, smoothing=smoothing)
    else:
        estimate(counts, smoothing=smoothing)  # all discounts exist, or it would warn
    known = [text[i : i + length] for length in range(3) for i in range(40, 50)]
    case = Case(token_ids=text, vocab_size=120, order=3, smoothing=smoothing, sentences=sentences)
    check(case, [*known, (0,), (0, text[0]), (3, 119), (119, 3)])
