"""Averages of the weights along a run: what is validated, and kept as the best, in place of the last step's weights.

    "ema"       exponential moving average of every step (Polyak and Juditsky 1992; Tarvainen and Valpola 2017)
    "swa"       plain mean of snapshots from the last part of the run (Izmailov et al. 2018, arXiv 1803.05407)
    "nt-asgd"   plain mean of every step since validation stopped improving (Merity et al. 2018, arXiv 1708.02182)

One copy of the weights is held, however long the run. Its tensors belong to checkpoints, as the optimizer's do.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from anaphora.training.config import TrainingConfig
from anaphora.training.run_state import RunState

_COUNT = "count"


class WeightAverage:
    """A running average x of a model's weights w: x moves towards w by a share of the way, each time one is added."""

    def __init__(self, model: nn.Module) -> None:
        self._weights = dict(model.named_parameters())
        self._average: dict[str, Tensor] = {}
        self.count = 0

    @torch.no_grad()
    def add(self, share: float) -> None:
        """Take in the current weights; the first are taken as they are."""
        self.count += 1
        if not self._average:
            self._average = {name: weight.detach().clone() for name, weight in self._weights.items()}
            return
        for name, average in self._average.items():
            average.lerp_(self._weights[name], share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Run the block with the average in the model, and put the weights back after; before the first, do nothing."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def settle(self) -> None:
        """Leave the average in the model."""
        for name, average in self._average.items():
            self._weights[name].copy_(average)

    def tensors(self) -> dict[str, Tensor]:
        """Return the average and how many weights are in it, not copied; nothing before the first."""
        return {**self._average, _COUNT: torch.tensor(self.count)} if self._average else {}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` returned; copies.

        Raises:
            ValueError: the tensors are not an average of this model's weights.
        """
        names = {*self._weights, _COUNT} if tensors else set()
        if tensors.keys() != names:
            raise ValueError(f"the averaged weights differ: {', '.join(sorted(tensors.keys() ^ names))}")
        average = {name: tensors[name] for name in self._weights if tensors}
        for name, tensor in average.items():
            if tensor.shape != self._weights[name].shape:
                raise ValueError(f"the average of {name!r} has shape {tuple(tensor.shape)}")
        self._average = {name: tensor.to(self._weights[name].device).clone() for name, tensor in average.items()}
        self.count = int(tensors[_COUNT]) if tensors else 0

    @torch.no_grad()
    def _swap(self) -> None:
        """Exchange weights and average bit for bit, each where it lies: cuDNN's flat weights stay one piece."""
        for name, average in self._average.items():
            weight = self._weights[name]
            before = weight.clone()
            weight.copy_(average)
            average.copy_(before)


class Averaging:
    """Says when the weights are added to the average, and with what share.

    Args:
        average: of the model in training.
        config: for the kind of average.
    """

    def __init__(self, average: WeightAverage, config: TrainingConfig) -> None:
        self._average, self._config = average, config
        self._kind = "nt-asgd" if config.optimizer == "nt-asgd" else config.average

    def after_step(self, state: RunState, fraction: float) -> None:
        """Take in the weights of the step that `state` has just counted, where they are due.

        Args:
            state: of the run.
            fraction: of the run that is done.
        """
        config, count = self._config, self._average.count
        if self._kind == "ema":
            # The beginning is forgotten sooner, so that the average of a short run is not that of its first steps.
            decay = min(config.average_decay, (1 + count) / (10 + count))
            self._average.add(1 - decay)
        elif self._kind == "swa":
            if fraction >= config.average_start and state.step % config.average_every == 0:
                self._average.add(1 / (count + 1))
        elif self._kind == "nt-asgd" and state.averaged_since is not None:
            self._average.add(1 / (count + 1))

    def after_validation(self, state: RunState, loss: float) -> None:
        """Begin to average, for "nt-asgd", when a loss is worse than the best of those before the last n.

        The paper's algorithm 1, as its authors' code reads it: n = `average_trigger` validations of patience.
        """
        if self._kind != "nt-asgd" or state.averaged_since is not None:
            return
        if state.best_before_recent is not None and loss > state.best_before_recent:
            state.averaged_since = state.step
        state.recent_valid_losses.append(loss)
        if len(state.recent_valid_losses) > self._config.average_trigger:
            oldest = state.recent_valid_losses.pop(0)
            best = state.best_before_recent
            state.best_before_recent = oldest if best is None else min(best, oldest)
