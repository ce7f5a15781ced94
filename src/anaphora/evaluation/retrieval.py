"""Precision, recall and F1 of one kind of thing: a tag, a span, a class of documents."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found beside what was there to find.

    Attributes:
        correct: found, and there.
        found: in the prediction.
        expected: in the reference.
    """

    correct: int
    found: int
    expected: int

    @property
    def precision(self) -> float:
        """The share of the found that is correct; 0 where nothing was found."""
        return self.correct / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """The share of the expected that was found; 0 where nothing was expected."""
        return self.correct / self.expected if self.expected else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall (van Rijsbergen 1979)."""
        return 2 * self.correct / (self.found + self.expected) if self.found + self.expected else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return counts and shares as JSON values."""
        shares = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {**shares, "correct": self.correct, "found": self.found, "expected": self.expected}
