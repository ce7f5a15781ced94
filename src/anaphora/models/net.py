"""What training asks of any module, whatever the module is for: where it is, how large it is, what its layers are."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from anaphora.settings import Settings


class Net(nn.Module):
    """A module with a configuration.

    Attributes:
        config: what it was made from.
    """

    config: Settings

    @property
    def device(self) -> torch.device:
        """The device that holds the model's tensors."""
        return next((t.device for group in (self.parameters(), self.buffers()) for t in group), torch.device("cpu"))

    @property
    def num_parameters(self) -> int:
        """How many weights are trained; a shared (tied) matrix counts once."""
        return sum(weight.numel() for weight in self.parameters())

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return all weights, each once, in groups from the embedding up to the head: fine-tuning treats them apart."""
        return [list(self.parameters())]

    def hidden_matrices(self) -> list[tuple[nn.Parameter, int]]:
        """Return the matrices between embedding and head, each with the number of gates stacked in its rows."""
        return []


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Run the block with the net in evaluation mode; its mode is restored after."""
    was_training = net.training
    net.eval()
    try:
        yield
    finally:
        net.train(was_training)
