"""The last good weights: where a run goes back to when its loss or gradients stop being finite."""

import torch
from torch import nn
from torch.optim import Optimizer

from anaphora.training.checkpoint import Tensors, load_model_tensors, model_tensors, under, with_prefix
from anaphora.training.optimizers import load_optimizer_tensors, optimizer_tensors


class LastGood:
    """Keeps a copy of the weights and of the optimizer's memory, on their device."""

    def __init__(self, model: nn.Module, optimizer: Optimizer) -> None:
        self._model, self._optimizer = model, optimizer
        self._copy: Tensors = {}

    def keep(self) -> None:
        """Copy the current weights and memory."""
        current = current_tensors(self._model, self._optimizer)
        with torch.no_grad():
            if self._copy.keys() == current.keys():
                for name, tensor in current.items():
                    self._copy[name].copy_(tensor)
            else:  # the optimizer has no memory before its first step
                self._copy = {name: tensor.detach().clone() for name, tensor in current.items()}

    def go_back(self) -> None:
        """Put the copy back into model and optimizer."""
        restore_tensors(self._model, self._optimizer, self._copy)

    def tensors(self) -> Tensors:
        """Return the copy, under the names of a checkpoint."""
        return dict(self._copy)


def current_tensors(model: nn.Module, optimizer: Optimizer) -> Tensors:
    """Return weights and optimizer memory, under the names of a checkpoint; not copied."""
    return with_prefix("model", model_tensors(model)) | with_prefix("optimizer", optimizer_tensors(optimizer))


def restore_tensors(model: nn.Module, optimizer: Optimizer, tensors: Tensors) -> None:
    """Copy what `current_tensors` returned back into model and optimizer.

    Raises:
        ValueError: the tensors do not fit.
    """
    load_model_tensors(model, under("model", tensors))
    load_optimizer_tensors(optimizer, under("optimizer", tensors))
