"""How well documents are classified: accuracy and how sure of it one can be, F1 of each class, loss, calibration.

Pure functions of log-probabilities and true labels. Shapes: N documents, C classes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.evaluation.calibration import Bin, Floats, expected_calibration_error, reliability
from anaphora.evaluation.metrics import finite_or_none
from anaphora.evaluation.retrieval import Retrieval

_SURE = 1.959963984540054  # standard deviations to each side that hold 95 % of a normal distribution


@dataclass(frozen=True, kw_only=True)
class ClassificationScores:
    """How well documents were classified. A number is never alone: the counts and the signature say of what.

    Attributes:
        documents: N.
        accuracy: share of the documents whose class is right; where there may be several labels, all of them.
        accuracy_interval: where the accuracy on endlessly many such documents lies with 95 % (Wilson 1927).
        loss: mean nats per document; where there may be several labels, per document and label.
        calibration_error: ECE over 15 bins of equal width; over each label's answer where there may be several.
        reliability: those bins.
        classes: what was found of each class.
        macro_f1: the plain mean of the classes' F1, of those that occur.
        micro_f1: F1 of all classes' answers together; with one label a document it is the accuracy.
        confusion: how many documents of each class (row) were given each (column); None where there may be several.
        signature: the conditions, see `DocumentSignature`.
    """

    documents: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    loss: float
    calibration_error: float
    reliability: tuple[Bin, ...]
    classes: dict[str, Retrieval]
    macro_f1: float
    micro_f1: float
    confusion: tuple[tuple[int, ...], ...] | None
    signature: str

    def summary(self) -> dict[str, Any]:
        """Return the figures that stand for all, as JSON values."""
        names = ("documents", "accuracy", "accuracy_interval", "macro_f1", "loss", "calibration_error", "signature")
        values = self.to_json()
        return {name: values[name] for name in names}

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values; a loss that is not finite becomes null."""
        return {
            **vars(self),
            "loss": finite_or_none(self.loss),
            "accuracy_interval": list(self.accuracy_interval),
            "reliability": [[one.count, one.confidence, one.accuracy] for one in self.reliability],
            "classes": {name: scores.to_json() for name, scores in self.classes.items()},
            "confusion": None if self.confusion is None else [list(row) for row in self.confusion],
        }


def score_classes(
    log_probs: Floats, labels: NDArray[Any], names: Sequence[str], signature: str
) -> ClassificationScores:
    """Compare what a classifier says of documents with their labels.

    Args:
        log_probs: (N, C), N at least 1, in nats: of the classes, which exclude each other; or, where documents may
            have several labels, of each label alone, which counts as given at a probability above one half.
        labels: (N,), the class of each; or (N, C), 1 for each label that a document has.
        names: of the C classes.
        signature: of what.
    """
    probs = np.exp(log_probs.astype(np.float64))
    if labels.ndim == 1:
        given = np.zeros(probs.shape, dtype=np.bool_)
        given[np.arange(len(probs)), probs.argmax(1)] = True
        wanted = np.zeros_like(given)
        wanted[np.arange(len(probs)), labels] = True
        confidences, right = probs.max(1), np.any(given & wanted, 1)
        nats = -log_probs[np.arange(len(probs)), labels]
    else:
        given, wanted = probs > 0.5, labels > 0.5
        confidences, right = np.where(given, probs, 1 - probs).ravel(), np.equal(given, wanted).ravel()
        nats = -np.where(wanted, log_probs, _log_of_rest(probs))
    hits = np.all(given == wanted, 1)
    classes = _classes(given, wanted, names)
    seen = [scores.f1 for scores in classes.values() if scores.expected or scores.found]
    bins = reliability(confidences, right)
    return ClassificationScores(
        documents=len(probs),
        accuracy=float(hits.mean()),
        accuracy_interval=wilson_interval(int(hits.sum()), len(probs)),
        loss=float(nats.mean()),
        calibration_error=expected_calibration_error(bins),
        reliability=bins,
        classes=classes,
        macro_f1=sum(seen) / len(seen) if seen else 0.0,
        micro_f1=_together(classes).f1,
        confusion=_confusion(given, wanted) if labels.ndim == 1 else None,
        signature=signature,
    )


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of which `successes` in `trials` were seen (Wilson 1927)."""
    share, spread = successes / trials, _SURE**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = _SURE * math.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def _log_of_rest(probs: Floats) -> Floats:
    with np.errstate(divide="ignore"):  # a label that is given with certainty leaves nothing to the other answer
        rest: Floats = np.log1p(-probs)
    return rest


def _classes(given: NDArray[np.bool_], wanted: NDArray[np.bool_], names: Sequence[str]) -> dict[str, Retrieval]:
    counts = zip((given & wanted).sum(0).tolist(), given.sum(0).tolist(), wanted.sum(0).tolist(), strict=True)
    return {name: Retrieval(*three) for name, three in zip(names, counts, strict=True)}


def _together(classes: dict[str, Retrieval]) -> Retrieval:
    return Retrieval(
        correct=sum(scores.correct for scores in classes.values()),
        found=sum(scores.found for scores in classes.values()),
        expected=sum(scores.expected for scores in classes.values()),
    )


def _confusion(given: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    counts = wanted.T.astype(np.int64) @ given.astype(np.int64)
    return tuple(tuple(row) for row in counts.tolist())
