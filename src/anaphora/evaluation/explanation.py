"""Why a classifier answers as it does about one text: what each token contributed, and how the answer grew.

A plain result, for tables, JSON and the pictures of `lab/heat_map.py`. Shapes: T tokens, C classes.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """An answer, taken apart.

    Attributes:
        model: the name of its folder.
        model_hash: the sha256 of its weights.
        labels: the C labels that the model knows.
        multi_label: whether a text may have several of them.
        label: the one whose log-odds are explained.
        method: how, see `evaluation/attribution.py`.
        pieces: the text that each token added, T strings; joined they are the text as the model saw it.
        contributions: (T,), nats of log-odds; positive ones speak for the label.
        gap: how far the contributions miss the sum that integrated gradients should have; None for leave-one-out.
        probabilities: (T, C), of each label had the text ended after each token; the last are the answer.
        num_tokens: that the model reads of the text when it classifies; more than T where only the beginning of them
            was explained.
    """

    model: str
    model_hash: str
    labels: tuple[str, ...]
    multi_label: bool
    label: str
    method: str
    pieces: tuple[str, ...]
    contributions: tuple[float, ...]
    gap: float | None
    probabilities: tuple[tuple[float, ...], ...]
    num_tokens: int

    @property
    def text(self) -> str:
        """The text that was read."""
        return "".join(self.pieces)

    @property
    def answer(self) -> dict[str, float]:
        """The probability of each label in the end."""
        return dict(zip(self.labels, self.probabilities[-1], strict=True))

    @property
    def decided_at(self) -> int:
        """How many tokens had been read when the model made up its mind: from there on its answer stays the same.

        Its answer about the label, where there may be several; else the likeliest one.
        """
        answers = [self._answer_after(token) for token in range(len(self.pieces))]
        changes = [token for token in range(1, len(answers)) if answers[token] != answers[token - 1]]
        return changes[-1] + 1 if changes else 1

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "model": self.model,
            "model_hash": self.model_hash,
            "label": self.label,
            "method": self.method,
            "probabilities": self.answer,
            "gap": self.gap,
            "decided_at": self.decided_at,
            "num_tokens": self.num_tokens,
            "tokens": [
                {
                    "text": piece,
                    "contribution": contribution,
                    "probabilities": dict(zip(self.labels, shares, strict=True)),
                }
                for piece, contribution, shares in zip(self.pieces, self.contributions, self.probabilities, strict=True)
            ],
        }

    def _answer_after(self, token: int) -> int:
        shares = self.probabilities[token]
        if self.multi_label:
            return int(shares[self.labels.index(self.label)] >= 0.5)
        return shares.index(max(shares))
