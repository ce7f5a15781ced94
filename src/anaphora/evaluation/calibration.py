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
_COLDEST, _HOTTEST = 0.25, 20.0  # where a few documents ask for more than these, it is their number that speaks
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

    The loss is convex in the inverse of the temperature, so its slope is halved in on. Where no temperature is best,
    because all answers are right or none is better than chance, the nearest bound is returned: 0.25 or 20.

    Args:
        logits: (N, C), N at least 1.
        labels: (N,), the class of each; or (N, C), 1 for each label that a document has.
    """
    scores = logits.astype(np.float64)
    low, high = np.log(1 / _HOTTEST), np.log(1 / _COLDEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _slope(scores, labels, np.exp(middle)) <= 0:
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))


def _slope(scores: Floats, labels: NDArray[Any], inverse: float) -> float:
    """Return the derivative of the summed loss by the inverse temperature."""
    if labels.ndim == 2:
        expected = 1 / (1 + np.exp(-np.clip(inverse * scores, -500, 500)))
        return float(((expected - labels) * scores).sum())
    weights = np.exp(inverse * (scores - scores.max(1, keepdims=True)))
    expected = (weights * scores).sum(1) / weights.sum(1)
    return float((expected - scores[np.arange(len(scores)), labels]).sum())
