"""The smoothing methods: each turns the counts of one order into probabilities, given those of the order below.

All of them end in the same tables, so a method is one function of one `Level`. Order 1 is a level like the others: its
only context is the empty one, and the order below it is the uniform distribution.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.models.ngram.discounts import GOOD_TURING_MOST, good_turing_ratios, one_discount, three_discounts
from anaphora.models.ngram.interpolation import back_off, continuation_counts, counts_of_counts, interpolate

Array = NDArray[np.unsignedinteger[Any]]
Floats = NDArray[np.float32]

STUPID_BACKOFF = 0.4  # Brants et al. 2007, section 4


@dataclass(frozen=True, kw_only=True)
class Level:
    """What a method may look at to smooth the n-grams of order k.

    Attributes:
        counts: how often each occurs, (n_k,).
        longer_suffixes: `NGramCounts.suffixes` of order k + 1; None at the highest order.
        dropped: (n_k,), which will be pruned; (0,) when none will.
        children: (n_{k-1} + 1,); rows children[i] .. children[i + 1] - 1 extend context i.
        suffixes: (n_k,), the row of order k - 1 that holds the n-gram without its first token.
        lower: (n_{k-1},), the probabilities of order k - 1.
        starts: the rows that begin with `<s>`; nothing can precede those.
        context_starts: the contexts that begin with `<s>`.
        last_row: see `discounts.last_in_suffix_order`.
        uniform: the probability of each token in the distribution that ends the recursion.
        added_count: k of additive smoothing.
    """

    counts: Array
    longer_suffixes: Array | None
    dropped: NDArray[np.bool_]
    children: Array
    suffixes: Array
    lower: Floats
    starts: slice
    context_starts: slice
    last_row: int | None
    uniform: float
    added_count: float


@dataclass(frozen=True, kw_only=True)
class Smoothed:
    """What a method makes of a level.

    Attributes:
        probs: (n_k,).
        weights: (n_{k-1},), of the back-off from each context to the next shorter one; 1 where a row is no context.
        fell_back: the method's discounts do not exist for these counts, and its fallback was used.
    """

    probs: Floats
    weights: Floats
    fell_back: bool = False


def maximum_likelihood(level: Level) -> Smoothed:
    """Relative frequencies c / C. What never followed a known context is impossible after it."""
    return _back_off(level, np.ones(2), keep_some=False)


def additive(level: Level) -> Smoothed:
    """(c + k) / (C + k V): k added to every count (Lidstone; Laplace with k = 1), with no shorter contexts.

    Lower orders are only the way to the n-grams of the highest order, and uniform; except after `<s>`, which nothing
    can precede, so that contexts from there on are as long as contexts get.
    """
    smoothed = _interpolate(level, level.counts, np.zeros(4, np.float32), mass=level.added_count / level.uniform)
    if level.longer_suffixes is None:
        return smoothed
    probs, weights = np.full_like(smoothed.probs, level.uniform), np.ones_like(smoothed.weights)
    probs[level.starts] = smoothed.probs[level.starts]
    weights[level.context_starts] = smoothed.weights[level.context_starts]
    return Smoothed(probs=probs, weights=weights)


def katz(level: Level) -> Smoothed:
    """Back-off with Good-Turing discounts (Katz 1987): counts up to 5 are discounted, and unseen tokens get the rest.

    In a context with no count up to 5 nothing would be left for unseen tokens; there one count is put aside.
    """
    ratios, exist = good_turing_ratios(counts_of_counts(level.counts, GOOD_TURING_MOST + 1))
    return _back_off(level, ratios, keep_some=True, fell_back=not exist)


def witten_bell(level: Level) -> Smoothed:
    """(c + T p_lower) / (C + T), T the number of different tokens after the context (Witten and Bell 1991)."""
    return _interpolate(level, level.counts, np.zeros(4, np.float32), mass_per_type=1)


def absolute_discounting(level: Level) -> Smoothed:
    """One discount from all counts, interpolated with the order below (Ney, Essen and Kneser 1994)."""
    discounts, exist = one_discount(counts_of_counts(level.counts, 2))
    return _interpolate(level, level.counts, discounts, fell_back=not exist)


def kneser_ney(level: Level) -> Smoothed:
    """Absolute discounting, with lower orders that count what distinct tokens precede (Kneser and Ney 1995)."""
    counts = _continuations(level)
    discounts, exist = one_discount(counts_of_counts(counts, 2))
    return _interpolate(level, counts, discounts, fell_back=not exist)


def modified_kneser_ney(level: Level) -> Smoothed:
    """Kneser-Ney with three discounts for each order (Chen and Goodman 1998), interpolated, to the letter of KenLM."""
    counts = _continuations(level)
    statistics = counts_of_counts(counts, 4)
    if level.last_row is not None:
        for count, change in ((counts[level.last_row], -1), (level.counts[level.last_row], 1)):
            if count < len(statistics):
                statistics[count] += change
    discounts, exist = three_discounts(statistics)
    return _interpolate(level, counts, discounts, fell_back=not exist)


def stupid_backoff(level: Level) -> Smoothed:
    """Scores, not probabilities: c / C, else 0.4 times the score after the shorter context (Brants et al. 2007).

    A token that the text lacks, or that was pruned, scores 0.4 times the uniform distribution: no score is zero.
    """
    totals = np.diff(np.concatenate(([0], np.cumsum(level.counts, dtype=np.int64)))[level.children])
    seen = level.counts > 0
    if len(level.dropped):
        seen &= ~level.dropped
    shares = level.counts / np.repeat(totals, level.children[1:] - level.children[:-1])
    probs = np.where(seen, shares, STUPID_BACKOFF * level.uniform).astype(np.float32)
    return Smoothed(probs=probs, weights=np.full(len(level.lower), STUPID_BACKOFF, np.float32))


SMOOTHINGS: dict[str, Callable[[Level], Smoothed]] = {
    "maximum-likelihood": maximum_likelihood,
    "additive": additive,
    "katz": katz,
    "witten-bell": witten_bell,
    "absolute-discounting": absolute_discounting,
    "kneser-ney": kneser_ney,
    "modified-kneser-ney": modified_kneser_ney,
    "stupid-backoff": stupid_backoff,
}


def _continuations(level: Level) -> Array:
    """Return how many distinct tokens precede each n-gram; raw counts where nothing can, or where nothing is longer.

    An n-gram that nothing precedes because the text begins with it counts as preceded by one token.
    """
    if level.longer_suffixes is None:
        return level.counts
    counts = np.zeros(len(level.counts), np.uint32)
    continuation_counts(level.longer_suffixes, counts)
    counts[level.starts] = level.counts[level.starts]
    return np.maximum(counts, level.counts > 0, out=counts)


def _interpolate(
    level: Level,
    counts: Array,
    discounts: Floats,
    *,
    mass_per_type: float = 0,
    mass: float = 0,
    fell_back: bool = False,
) -> Smoothed:
    probs, weights = np.empty(len(counts), np.float32), np.empty(len(level.lower), np.float32)
    interpolate(
        level.children,
        counts,
        level.dropped,
        level.suffixes,
        level.lower,
        discounts,
        np.float32(mass_per_type),
        np.float32(mass),
        probs,
        weights,
    )
    return Smoothed(probs=probs, weights=weights, fell_back=fell_back)


def _back_off(level: Level, ratios: NDArray[np.float64], *, keep_some: bool, fell_back: bool = False) -> Smoothed:
    probs, weights = np.empty(len(level.counts), np.float32), np.empty(len(level.lower), np.float32)
    back_off(
        level.children, level.counts, level.dropped, level.suffixes, level.lower, ratios, keep_some, probs, weights
    )
    return Smoothed(probs=probs, weights=weights, fell_back=fell_back)
