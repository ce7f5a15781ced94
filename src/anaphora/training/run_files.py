"""The two checkpoint files of a run, last and best, and how they may stand to each other after the process died."""

from pathlib import Path
from typing import Any

from anaphora.errors import BundleError
from anaphora.training.checkpoint import (
    Checkpoint,
    Tensors,
    load_checkpoint,
    load_model_tensors,
    model_tensors,
    save_checkpoint,
    under,
    with_prefix,
)
from anaphora.training.learner import Learner
from anaphora.training.run_state import RunState


class RunFiles:
    """Writes and reads last.safetensors and best.safetensors.

    Args:
        folder: where they lie.
        origin: stored in both.
    """

    def __init__(self, folder: Path, origin: dict[str, Any]) -> None:
        self.last_path, self._best_path = folder / "last.safetensors", folder / "best.safetensors"
        self._origin = origin

    def forget_best(self) -> None:
        """Remove the best weights of a run that was here before."""
        self._best_path.unlink(missing_ok=True)

    def save_last(self, tensors: Tensors, state: RunState) -> None:
        """Write all tensors of a run."""
        save_checkpoint(self.last_path, Checkpoint(tensors=tensors, state=state, origin=self._origin))

    def save_best(self, learner: Learner, state: RunState) -> None:
        """Write the weights that were validated: the average, where there is one."""
        with learner.average.in_place():
            weights = with_prefix("model", model_tensors(learner.model))
            save_checkpoint(self._best_path, Checkpoint(tensors=weights, state=state, origin=self._origin))

    def load_best(self, learner: Learner) -> None:
        """Put the best weights into the model."""
        load_model_tensors(learner.model, under("model", load_checkpoint(self._best_path).tensors))

    def match_best(self, learner: Learner, state: RunState) -> None:
        """See to it that the best weights are those of the run at `state`, which has just been put back.

        Raises:
            BundleError: they are of another step.
        """
        if state.best_step == state.step:
            self.save_best(learner, state)  # the process may have died between writing last and best
        elif state.best_step is not None and load_checkpoint(self._best_path).state.step != state.best_step:
            raise BundleError(f"{self._best_path} is not of step {state.best_step}, as {self.last_path} says")
