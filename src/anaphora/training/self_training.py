"""Self-training: what a classifier is surest of, among documents without labels, teaches the next classifier.

Yarowsky 1995 (ACL, "Unsupervised word sense disambiguation rivaling supervised methods"), Lee 2013 (ICML workshop,
"Pseudo-label"). Teacher and student begin alike; the student sees more documents, some of them with a wrong label.
Shapes: N documents, S of them the surest, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from anaphora.settings import Settings

_STUDENT_EPOCHS = 4


class SelfTrainingSettings(Settings):
    """The [self_training] section; by default there is none.

    Attributes:
        rounds: how often the classifier that there is labels the documents without labels, and a new one learns from
            them too.
        surest: the share of them whose new labels are believed: of each class those the classifier is surest of.
    """

    section: ClassVar[str] = "self_training"

    rounds: int = Field(default=0, ge=0, le=100)
    surest: float = Field(default=0.5, gt=0.0, le=1.0)


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """Labels that a classifier gave.

    Attributes:
        documents: (S,), int64: which documents, in their order.
        labels: (S,), int64, or (S, C), float32, as in `EncodedDocuments`.
    """

    documents: NDArray[np.int64]
    labels: NDArray[Any]

    @classmethod
    def surest(cls, log_probs: NDArray[np.float64], share: float, *, multi_label: bool) -> Self:
        """Return a share of the guesses: those of each class of which the classifier is surest.

        Args:
            log_probs: (N, C), in nats. Of several labels, each a probability alone.
            share: of the N documents.
            multi_label: a document may have several labels; it is then as sure as its least sure label, and the share
                is one of all documents together.
        """
        if multi_label:
            probs = np.exp(log_probs)
            sureness, labels = np.maximum(probs, 1 - probs).min(1), (probs > 0.5).astype(np.float32)
            kinds = np.zeros(len(log_probs), dtype=np.int64)
        else:
            sureness, labels = log_probs.max(1), log_probs.argmax(1).astype(np.int64)
            kinds = labels
        chosen = [_highest(sureness, np.flatnonzero(kinds == kind), share) for kind in np.unique(kinds)]
        documents = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *chosen]))
        return cls(documents=documents, labels=labels[documents])

    @classmethod
    def from_json(cls, saved: dict[str, Any], *, multi_label: bool) -> Self:
        """Return what `to_json` saved."""
        kind = np.float32 if multi_label else np.int64
        return cls(documents=np.array(saved["documents"], dtype=np.int64), labels=np.array(saved["labels"], dtype=kind))

    def to_json(self) -> dict[str, Any]:
        """Return the guesses as JSON values."""
        return {"documents": self.documents.tolist(), "labels": self.labels.tolist()}


def student_epochs(epochs: int, documents: Sequence[int]) -> int:
    """Return how often a student reads its documents: as many as its teacher read, and each a few times.

    Args:
        epochs: of the teacher.
        documents: how many the teacher had, and how many the student has.
    """
    before, now = documents
    return max(min(epochs, _STUDENT_EPOCHS), round(epochs * before / now))


def _highest(values: NDArray[np.float64], members: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """Return a share of the members, those with the highest values; the first of equal ones."""
    order = np.argsort(-values[members], kind="stable")
    return members[order[: round(share * len(members))]]
