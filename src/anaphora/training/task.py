"""What a run learns: its model, the batches to learn from, how wrong the model is on them, and on what it is validated.

The loop (`sitting.py`) knows steps, clocks and files, and no more of a task than is said here. So all that training can
do (exact resume, recovery, averages, thawing, the clock, precision) holds for every task alike.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch

from anaphora.evaluation.metrics import perplexity
from anaphora.models.language_model import Losses, State
from anaphora.models.net import Net
from anaphora.training.config import TrainingConfig


class TaskBatch(Protocol):
    """What one training step reads."""

    @property
    def num_targets(self) -> int:
        """What the loss is a mean over."""

    @property
    def learning_rate_scale(self) -> float:
        """What to multiply the learning rate by."""

    def to(self, device: torch.device) -> Self:
        """Return the batch on a device."""


class Lesson(ABC):
    """How to learn from one batch. It holds neither model nor data, so a probe can give it a copy and made-up ones."""

    @abstractmethod
    def losses(self, model: Any, batch: Any, carried: State | None) -> tuple[Losses, State]:
        """Return the losses of a model over a batch, and the state to carry on; `carried` is None at the start."""

    def initial_state(self, model: Any, batch_size: int) -> State:
        """Return a state as `losses` returns it; none is carried here."""
        return ()

    @abstractmethod
    def example(self, model: Any, config: TrainingConfig, seq_len: int) -> Any:
        """Return a batch of the configured size and random content, to measure speed with."""


@dataclass(frozen=True)
class Validated:
    """What a validation found.

    Attributes:
        loss: mean nats per target; lower is better.
        accuracy: share of the targets that the model got right, where that is what users look at.
    """

    loss: float
    accuracy: float | None = None

    @property
    def shown(self) -> dict[str, float]:
        """The figure to show while training, under its name."""
        if self.accuracy is None:
            return {"valid_perplexity": perplexity(self.loss)}
        return {"valid_accuracy": self.accuracy}

    def to_json(self) -> dict[str, float]:
        """Return what metrics.jsonl keeps."""
        found = {"valid_loss": self.loss}
        return found if self.accuracy is None else {**found, "valid_accuracy": self.accuracy}


class Task(ABC):
    """One thing to learn from one text.

    Attributes:
        model: trained in place.
        config: how.
        lesson: what a step does with a batch.
        name: of the text, for messages.
        unit: what targets are called: "tokens", "documents".
        num_valid: targets of the validation split; 0 without one.
        targets_per_step: as the configuration asks for.
    """

    unit = "tokens"

    def __init__(self, model: Net, config: TrainingConfig, lesson: Lesson, *, name: str, num_valid: int) -> None:
        self.model, self.config, self.lesson = model, config, lesson
        self.name, self.num_valid = name, num_valid

    @property
    def targets_per_step(self) -> int:
        """Targets of one step."""
        return self.config.batch_size

    @abstractmethod
    def origin(self) -> dict[str, Any]:
        """Return what tells this text and its encoding from others, as JSON values: a resumed run compares them."""

    @abstractmethod
    def epoch(self, number: int) -> Sequence[TaskBatch]:
        """Return the batches of epoch 0, 1, 2 ...; the same number always gives the same.

        Raises:
            CorpusError: the text is too short for one batch.
        """

    def begin(self) -> None:  # noqa: B027 - most tasks have nothing to do
        """Make the model ready for its first step."""

    @abstractmethod
    def validate(self, limit: int) -> Validated:
        """Score so many targets of the validation split, the same ones each time."""
