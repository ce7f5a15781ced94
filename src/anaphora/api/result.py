"""What `train` returns: where the model lies, how good it is, and beside what."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anaphora.api.held_out import Scores
from anaphora.evaluation.evaluate import Evaluation


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """What a training run gave.

    Attributes:
        run: the run folder.
        model: the model folder inside it.
        name: the model's name, "lstm".
        valid, test: how well the model predicts these splits; None where the corpus does not have them.
        baselines: the same for the uniform and the unigram model, and beside a net for an n-gram model where counting
            it is quick: {"unigram": {"test": ...}}.
        seconds: of the whole call.
        tokens_per_second: of training alone.
        steps, epochs, stopped_by: how far training went, and why it ended there.
        chosen: the complete [tokenizer], [model] and [training] sections, and the `reasons` for what anaphora chose.
        interrupted: whether Ctrl-C ended it.
    """

    run: Path
    model: Path
    name: str
    valid: Evaluation | None
    test: Evaluation | None
    baselines: dict[str, Scores]
    seconds: float
    tokens_per_second: float
    steps: int
    epochs: float
    stopped_by: str
    chosen: dict[str, Any]
    interrupted: bool

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            **vars(self),
            "run": str(self.run),
            "model": str(self.model),
            "valid": self.valid.to_json() if self.valid else None,
            "test": self.test.to_json() if self.test else None,
            "baselines": {
                name: {split: evaluation.to_json() for split, evaluation in scores.items()}
                for name, scores in self.baselines.items()
            },
        }
