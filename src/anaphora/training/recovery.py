"""The last good weights: where a run goes back to when its loss or gradients stop being finite."""

import torch

from anaphora.training.checkpoint import Tensors
from anaphora.training.learner import Learner


class LastGood:
    """Keeps a copy of a learner's tensors, on their device."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._copy: Tensors = {}

    def keep(self) -> None:
        """Copy the current tensors."""
        current = self._learner.tensors()
        with torch.no_grad():
            if self._copy.keys() == current.keys():
                for name, tensor in current.items():
                    self._copy[name].copy_(tensor)
            else:  # the optimizer has no memory before its first step, an average none before it begins
                self._copy = {name: tensor.detach().clone() for name, tensor in current.items()}

    def go_back(self) -> None:
        """Put the copy back."""
        self._learner.restore(self._copy)

    def tensors(self) -> Tensors:
        """Return the copy, under the names of a checkpoint."""
        return dict(self._copy)
