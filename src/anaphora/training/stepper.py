"""One step of training: forward, backward, clipping, update, with the state carried over and cut from its past.

Truncated back-propagation through time (Williams and Peng 1990): the state flows from window to window, gradients
do not.
What a step measures stays on the device until `read`, because fetching a number makes the processor wait for a GPU.
"""

import math

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from anaphora.data.stream import Batch
from anaphora.models.language_model import State, detach
from anaphora.runtime import Precision
from anaphora.training.config import TrainingConfig
from anaphora.training.learner import Learner
from anaphora.training.regularizers import Objective
from anaphora.training.run_state import StepResult


class Stepper:
    """Makes steps, and holds the carried state; None stands for the initial one.

    Args:
        learner: trained in place.
        config: for the objective, clipping and `dropout_state`.
        precision: of the forward and backward pass.
    """

    def __init__(
        self,
        learner: Learner,
        config: TrainingConfig,
        *,
        precision: Precision,
    ) -> None:
        self._model, self._updater = learner.model, learner.updater
        self._max_grad_norm = math.inf if config.max_grad_norm is None else config.max_grad_norm
        self._dropout_state = config.dropout_state
        self._objective = Objective.of(config)
        self._device = self._model.device
        self._autocast = torch.autocast(self._device.type, torch.bfloat16, enabled=precision == "bfloat16")
        self._unread: list[tuple[Tensor, int, float]] = []
        self.carried: State | None = None

    def step(self, batch: Batch, learning_rate: float, momentum: float) -> None:
        """Train on one batch; what was measured waits for `read`."""
        batch = batch.to(self._device)
        state = self._state_before(batch)
        with self._autocast:
            losses, state = self._objective(self._model, batch.inputs, batch.targets, state)
        self.carried = detach(state)
        losses.objective.backward()
        grad_norm = clip_grad_norm_(self._updater.weights, self._max_grad_norm)
        with self._autocast:
            self._updater.step(learning_rate, momentum)
        measured = torch.stack([losses.nats.detach().float(), grad_norm.float()])
        self._unread.append((measured, batch.targets.numel(), learning_rate))

    def _state_before(self, batch: Batch) -> State:
        """Return the carried state, with some rows dropped, or the initial one where nothing is carried."""
        initial = self._model.initial_state(len(batch.inputs))
        if self.carried is None or not batch.continues:
            return initial
        if self._dropout_state == 0.0:
            return self.carried
        dropped = (torch.rand(len(batch.inputs)) < self._dropout_state).to(self._device)
        return tuple(
            torch.where(dropped.view(-1, *(1 for _ in part.shape[1:])), start, part)
            for part, start in zip(self.carried, initial, strict=True)
        )

    def read(self) -> list[StepResult]:
        """Return what the steps since the last call measured; waits for the device."""
        if not self._unread:
            return []
        measured = torch.stack([numbers for numbers, _, _ in self._unread]).tolist()
        results = [
            StepResult(loss, grad_norm, tokens, learning_rate)
            for (loss, grad_norm), (_, tokens, learning_rate) in zip(measured, self._unread, strict=True)
        ]
        self._unread.clear()
        return results
