"""All tensors that the next step depends on, gathered for a checkpoint and put back from one."""

import torch

from anaphora.models.language_model import State
from anaphora.training.checkpoint import Tensors, under, with_prefix
from anaphora.training.learner import Learner
from anaphora.training.recovery import LastGood
from anaphora.training.stepper import Stepper


def gather(learner: Learner, stepper: Stepper, last_good: LastGood, *, good_is_current: bool) -> Tensors:
    """Return the tensors of a run. The last good weights are stored only where they are not the current ones."""
    carried = {str(i): part for i, part in enumerate(stepper.carried or ())}
    tensors = learner.tensors() | with_prefix("carried", carried)
    tensors |= with_prefix("generator", _generators(learner.model.device))
    return tensors if good_is_current else tensors | with_prefix("good", last_good.tensors())


def put_back(tensors: Tensors, learner: Learner, stepper: Stepper, last_good: LastGood, *, batch_size: int) -> None:
    """Undo `gather`.

    Raises:
        ValueError: the tensors are not those of this learner.
    """
    if good := under("good", tensors):
        learner.restore(good)
        last_good.keep()
    learner.restore(tensors)
    if not good:
        last_good.keep()
    _carry(stepper, under("carried", tensors), stepper.lesson.initial_state(learner.model, batch_size))
    _set_generators(learner.model.device, under("generator", tensors))


def _carry(stepper: Stepper, saved: Tensors, initial: State) -> None:
    if not saved:
        stepper.carried = None
        return
    state = tuple(saved.get(str(i), torch.empty(0)).to(part.device) for i, part in enumerate(initial))
    if len(saved) != len(initial) or any(
        part.shape != like.shape or part.dtype != like.dtype for part, like in zip(state, initial, strict=True)
    ):
        raise ValueError("the carried state does not fit the model")
    stepper.carried = state


def _generators(device: torch.device) -> Tensors:
    generators = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        generators["cuda"] = torch.cuda.get_rng_state(device)
    return generators


def _set_generators(device: torch.device, saved: Tensors) -> None:
    """Restore the generators. One that was not saved, on a device the run did not use before, stays as seeded."""
    try:
        if "cpu" not in saved:
            raise RuntimeError("there is none")
        torch.set_rng_state(saved["cpu"])
        if device.type == "cuda" and "cuda" in saved:
            torch.cuda.set_rng_state(saved["cuda"], device)
    except (RuntimeError, TypeError) as fault:
        raise ValueError(f"the state of the random generator is not usable: {fault}") from None
