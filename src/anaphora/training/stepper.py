"""One step of training: forward, backward, clipping, update, with the state carried over and cut from its past.

Truncated back-propagation through time (Williams and Peng 1990): the state flows from window to window, gradients
do not.
What a step measures stays on the device until `read`, because fetching a number makes the processor wait for a GPU.
"""

import math

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from anaphora.models.language_model import State, detach
from anaphora.runtime import Precision
from anaphora.training.config import TrainingConfig
from anaphora.training.language_modelling import NextToken
from anaphora.training.learner import Learner
from anaphora.training.run_state import StepResult
from anaphora.training.task import Lesson, TaskBatch


class Stepper:
    """Makes steps, and holds the carried state; None stands for the initial one.

    Args:
        learner: trained in place.
        config: for clipping, and for the lesson where none is given.
        precision: of the forward and backward pass.
        lesson: how to learn from a batch; by default, to predict the next token.
    """

    def __init__(
        self,
        learner: Learner,
        config: TrainingConfig,
        *,
        precision: Precision,
        lesson: Lesson | None = None,
    ) -> None:
        self._model, self._updater = learner.model, learner.updater
        self._max_grad_norm = math.inf if config.max_grad_norm is None else config.max_grad_norm
        self.lesson = NextToken(config) if lesson is None else lesson
        self._device = self._model.device
        self._autocast = torch.autocast(self._device.type, torch.bfloat16, enabled=precision == "bfloat16")
        self._unread: list[tuple[Tensor, int, float]] = []
        self.carried: State | None = None

    def step(self, batch: TaskBatch, learning_rate: float, momentum: float) -> None:
        """Train on one batch; what was measured waits for `read`."""
        batch = batch.to(self._device)
        with self._autocast:
            losses, state = self.lesson.losses(self._model, batch, self.carried)
        self.carried = detach(state)
        losses.objective.backward()
        grad_norm = clip_grad_norm_(self._updater.weights, self._max_grad_norm)
        with self._autocast:
            self._updater.step(learning_rate, momentum)
        measured = torch.stack([losses.nats.detach().float(), grad_norm.float()])
        self._unread.append((measured, batch.num_targets, learning_rate))

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
