"""Eight bits for a float: 256 levels, each the mean of equally many values, as in KenLM's quantised tries.

Federico and Bertoldi 2006, "How Many Bits Are Needed To Store Probabilities for Phrase-Based Translation?" call it
binning. Zero (no context) and minus infinity (impossible) keep levels of their own, so that they stay exact.
"""

import numpy as np
from numpy.typing import NDArray

LEVELS = 256


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
    bins = np.linspace(0, len(ordinary), LEVELS - len(kept), endpoint=False).astype(np.int64)
    counts = np.diff(bins, append=len(ordinary))
    means = (np.add.reduceat(ordinary, bins, dtype=np.float64) / counts).astype(np.float32)
    return np.unique(np.concatenate([kept, means])).astype(np.float32)
