"""Eight bits for a float: 256 levels, moved to where they are least wrong.

KenLM's quantised tries give each level equally many values, the binning of Federico and Bertoldi 2006 ("How Many Bits
Are Needed To Store Probabilities for Phrase-Based Translation?"). That puts the few most frequent words, whose unigrams
lie far apart, on one level. Here Lloyd's algorithm (Lloyd 1982) moves the levels to a least square error. Zero (no
context) and minus infinity (impossible) keep levels of their own, so that they stay exact.
"""

import numpy as np
from numpy.typing import NDArray

LEVELS = 256
_ROUNDS = 20  # of Lloyd's algorithm; the error hardly falls after ten


def quantize(values: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the level of each value (n,), and what the levels stand for (256,), rising; the unused repeat the last."""
    levels = _levels(np.sort(values))
    with np.errstate(invalid="ignore"):
        between = (levels[1:] + levels[:-1]) / 2
    return np.searchsorted(between, values).astype(np.uint8), np.pad(levels, (0, LEVELS - len(levels)), mode="edge")


def _levels(rising: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return at most 256 levels for values (n,) in rising order; every value its own level where they are few."""
    distinct = np.unique(rising)
    if len(distinct) <= LEVELS:
        return distinct if len(distinct) else np.zeros(1, np.float32)
    kept = [np.float32(value) for value in (-np.inf, 0.0) if value in distinct]
    ordinary = rising[np.isfinite(rising) & (rising != 0)]
    means = _least_squares(ordinary, LEVELS - len(kept))
    return np.unique(np.concatenate([kept, means])).astype(np.float32)


def _least_squares(rising: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Return at most so many levels for values (n,) in rising order, each the mean of the values nearest to it."""
    spread = np.linspace(rising[0], rising[-1], most // 2)  # half for the range, half for where the values lie
    levels = np.union1d(spread, rising[np.linspace(0, len(rising) - 1, most - len(spread)).astype(np.int64)])
    sums = np.concatenate(([0.0], np.cumsum(rising, dtype=np.float64)))
    for _ in range(_ROUNDS):
        borders = np.searchsorted(rising, (levels[1:] + levels[:-1]) / 2)
        borders = np.unique(np.concatenate(([0], borders, [len(rising)])))
        levels = np.diff(sums[borders]) / np.diff(borders)
    return levels.astype(np.float32)
