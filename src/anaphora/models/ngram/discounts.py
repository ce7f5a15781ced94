"""How much to take off counts: discounts estimated from how many n-grams occur once, twice, three times ...

Where a text is too small, too repetitive or capped, some of those numbers are zero and the estimates do not exist. Each
method has its fallback then, which the caller reports.
"""

import numpy as np
from numpy.typing import NDArray

from anaphora.models.ngram.counts import NEVER, NGramCounts

GOOD_TURING_MOST = 5  # counts above this are trusted as they are (Katz 1987)

_FALLBACK_THREE = (0.0, 0.5, 1.0, 1.5)  # KenLM's --discount_fallback
_FALLBACK_ONE = 0.75
_FALLBACK_KATZ = 0.5


def three_discounts(counts_of_counts: NDArray[np.int64]) -> tuple[NDArray[np.float32], bool]:
    """Return the discounts of counts 0, 1, 2 and 3 or more, (4,), and whether they exist; else 0.5, 1, 1.5.

    Y = n1 / (n1 + 2 n2), D_j = j - (j + 1) Y n_{j+1} / n_j, where n_j is the number of n-grams with count j:
    Chen and Goodman 1998, equation 26, in float32 as in KenLM.
    """
    n = [np.float32(number) for number in counts_of_counts]
    discounts = np.zeros(4, np.float32)
    if all(n[1:4]):
        y = n[1] / np.float32(counts_of_counts[1] + 2.0 * counts_of_counts[2])
        for j in (1, 2, 3):
            discounts[j] = np.float32(j) - np.float32(j + 1) * y * n[j + 1] / n[j]
        if all(0 <= discounts[j] <= j for j in (1, 2, 3)):
            return discounts, True
    return np.array(_FALLBACK_THREE, np.float32), False


def one_discount(counts_of_counts: NDArray[np.int64]) -> tuple[NDArray[np.float32], bool]:
    """Return D = n1 / (n1 + 2 n2) for all counts, (4,), and whether it exists; else 0.75 (Ney et al. 1994)."""
    once, twice = int(counts_of_counts[1]), int(counts_of_counts[2])
    exists = once > 0 and twice > 0
    discount = once / (once + 2 * twice) if exists else _FALLBACK_ONE
    return np.array([0, discount, discount, discount], np.float32), exists


def good_turing_ratios(counts_of_counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], bool]:
    """Return what share of a count 0, 1, .. 5 and more is kept, (7,), and whether it exists; else (c - 0.5) / c.

    Katz 1987: d_r = (r* / r - A) / (1 - A), r* = (r + 1) n_{r+1} / n_r, A = (m + 1) n_{m+1} / n_1, m = 5.
    """
    most = GOOD_TURING_MOST
    ratios = np.ones(most + 2)
    r = np.arange(1, most + 1)
    n = counts_of_counts.astype(np.float64)
    if n[1 : most + 2].all():
        beyond = (most + 1) * n[most + 1] / n[1]
        if beyond < 1:
            ratios[r] = ((r + 1) * n[r + 1] / (r * n[r]) - beyond) / (1 - beyond)
            if ((ratios[r] > 0) & (ratios[r] <= 1)).all():
                return ratios, True
    ratios[r] = (r - _FALLBACK_KATZ) / r
    return ratios, False


def last_in_suffix_order(counts: NGramCounts) -> list[int | None]:
    """Return, for each order below the highest, the row that KenLM tallies with its raw count in the statistics.

    KenLM sorts n-grams of the highest order by their last token, then the one before it and so on, tokens by first
    appearance, `<s>` before all. The shorter n-grams in which the very last of them ends are still open when its
    sorting pass ends, and are tallied with the count at hand, which is the raw one. It moves discounts in the seventh
    digit. None where that n-gram does not end in one of this order, because a line begins before.
    """
    rows: list[int | None] = [None] * (counts.order - 1)
    if not counts.sentences:
        return rows  # there is nothing to agree with: KenLM has no such rule
    rank = np.where(counts.first_seen == NEVER, -2, counts.first_seen)
    rank[counts.start_id] = -1
    row = int(rank.argmax())
    for k in range(counts.order - 1):
        rows[k] = row
        longer = np.flatnonzero(counts.suffixes[k] == row)
        first = longer
        for children in reversed(counts.children[: k + 1]):
            first = np.searchsorted(children, first, side="right") - 1
        best = int(rank[first].argmax())
        row = int(longer[best])
        if first[best] == counts.start_id:
            break
    return rows
