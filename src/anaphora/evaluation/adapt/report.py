"""What an adapted evaluation returns: the static figure and, beside it, the adapted one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anaphora.evaluation.adapt.settings import AdaptSettings
from anaphora.evaluation.adapt.tune import Tuning
from anaphora.evaluation.evaluate import Evaluation


@dataclass(frozen=True, kw_only=True)
class AdaptedEvaluation:
    """How well a model predicts a text as it is, and as it adapts to what it has read.

    Attributes:
        static: of the model as it was trained; the figure that compares with other models'.
        adapted: of the same model on the same text, adapting; its signature tells every setting.
        settings: how it adapted.
        tuning: how the settings were found; None where they were given.
        seconds: of each part: "static", "statistics", "tuning", "adapted".
    """

    static: Evaluation
    adapted: Evaluation
    settings: AdaptSettings
    tuning: Tuning | None
    seconds: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: the fields of the static evaluation, and the adapted one in an object of its own."""
        return {
            **self.static.to_json(),
            "adapted": {
                **self.adapted.to_json(),
                "settings": self.settings.model_dump(mode="json", exclude_none=True),
                "tuning": self.tuning.to_json() if self.tuning else None,
                "seconds": dict(self.seconds),
            },
        }
