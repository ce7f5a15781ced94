"""Whether a classifier is as often right as it says: calibration error, and the temperature that mends most of it.

A classifier that is sure of 80 % should be right in 80 of 100 cases (Guo et al. 2017, arXiv 1706.04599). Shapes: N
documents, C classes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

BINS = 15  # as in the paper
_COLDEST, _HOTTEST = 0.01, 20.0
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers of about equal confidence: how many, how sure, how often right."""

    count: int
    confidence: float
    accuracy: float


def reliability(confidences: Floats, correct: NDArray[np.bool_], bins: int = BINS) -> tuple[Bin, ...]:
    """Sort answers into bins of equal width by their confidence; empty bins are left out.

    Args:
        confidences: (N,), the probability of each answer given, in [0, 1].
        correct: (N,), whether it was right.
        bins: how many; bin i holds what lies in (i / bins, (i + 1) / bins].
    """
    places = np.clip(np.ceil(confidences * bins).astype(np.int64) - 1, 0, bins - 1)
    found = []
    for place in np.unique(places):
        inside = places == place
        found.append(Bin(int(inside.sum()), float(confidences[inside].mean()), float(correct[inside].mean())))
    return tuple(found)


def expected_calibration_error(bins: tuple[Bin, ...]) -> float:
    """Return the mean distance between confidence and accuracy over all answers (ECE); 0 is best."""
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins) / sum(one.count for one in bins)


def fit_temperature(logits: Floats, labels: NDArray[Any]) -> float:
    """Return what to divide logits by so that the labels are most probable.

    The labels are believed to (N + 1) / (N + 2) only, as Platt (1999) does: otherwise a few documents that happen to be
    all right would ask for certainty. The loss is convex in the inverse of the temperature, so its slope is halved in
    on. Where no temperature is best, because no answer is better than chance, the upper bound is returned, 20.

    Args:
        logits: (N, C), N at least 1.
        labels: (N,), the class of each; or (N, C), 1 for each label that a document has.
    """
    scores = logits.astype(np.float64)
    believed = (len(scores) + 1) / (len(scores) + 2)
    if labels.ndim == 2:
        wanted = np.where(labels > 0.5, believed, 1 - believed)
    else:
        wanted = np.full(scores.shape, (1 - believed) / max(scores.shape[1] - 1, 1))
        wanted[np.arange(len(scores)), labels] = believed
    low, high = np.log(1 / _HOTTEST), np.log(1 / _COLDEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        slope = ((_probabilities(np.exp(middle) * scores, together=labels.ndim == 2) - wanted) * scores).sum()
        if slope < 0:
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))


def _probabilities(scores: Floats, *, together: bool) -> Floats:
    """Return what logits (N, C) say of each class; of labels that may stand together, of each on its own."""
    if together:
        return 1 / (1 + np.exp(-np.clip(scores, -500, 500)))
    weights = np.exp(scores - scores.max(1, keepdims=True))
    found: Floats = weights / weights.sum(1, keepdims=True)
    return found
