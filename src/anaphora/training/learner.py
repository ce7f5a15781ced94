"""A model in training: its weights, what moves them, and their average; all their tensors under checkpoint names."""

from dataclasses import dataclass

from anaphora.models.net import Net
from anaphora.training.averaging import WeightAverage
from anaphora.training.checkpoint import Tensors, load_model_tensors, model_tensors, under, with_prefix
from anaphora.training.config import TrainingConfig
from anaphora.training.optimizers import Updater


@dataclass(frozen=True)
class Learner:
    """What a training step changes, and a recovery or a resumed run puts back."""

    model: Net
    updater: Updater
    average: WeightAverage

    @classmethod
    def of(cls, model: Net, config: TrainingConfig) -> "Learner":
        """Return the learner of a model that has not been trained yet.

        Raises:
            ConfigError: see `Updater`.
        """
        return cls(model, Updater(model, config), WeightAverage(model))

    def tensors(self) -> Tensors:
        """Return weights, the optimizers' memory and the average; not copied."""
        return (
            with_prefix("model", model_tensors(self.model))
            | with_prefix("optimizer", self.updater.tensors())
            | with_prefix("average", self.average.tensors())
        )

    def restore(self, tensors: Tensors) -> None:
        """Copy what `tensors` returned back to where it was.

        Raises:
            ValueError: the tensors do not fit.
        """
        load_model_tensors(self.model, under("model", tensors))
        self.updater.load(under("optimizer", tensors))
        self.average.load(under("average", tensors))
