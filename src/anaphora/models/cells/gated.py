"""What the fast cells have in common: all gates of a window in one product of the inputs, and nothing recurrent in it.

Shapes: B batch, T time, I input, H output, G parts of the product: gates, candidates and the like.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.cells.cell import Cell, StackConfig
from anaphora.models.layers.dropout import drop_weights


class GatedCell(Cell):
    """A cell whose gates see its inputs only, all steps in one product.

    Having no hidden-to-hidden matrix, it drops single weights (`dropout_weight`) of the matrix it has.
    """

    parts: ClassVar[int]  # G
    num_state_parts = 1

    def __init__(self, input_size: int, output_size: int, config: StackConfig) -> None:
        super().__init__(input_size, output_size, config)
        self.weight = nn.Parameter(torch.empty(self.parts * output_size, self.read_size))
        self.bias = nn.Parameter(torch.empty(self.parts * output_size))

    @property
    def read_size(self) -> int:
        """How many numbers the gates of one step see."""
        return self.input_size

    def reset_parameters(self) -> None:
        bound = self.read_size**-0.5
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.zeros_(self.bias)

    def gates(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the G parts, each (B, T, H), of the product with inputs (B, T, I)."""
        dropped = drop_weights(self.weight, self.config.scaled("dropout_weight"), training=self.training)
        # One row a time step and sample, in the order they have in memory, makes one large product without a copy.
        product = F.linear(inputs.transpose(0, 1), dropped, self.bias).transpose(0, 1)
        return product.chunk(self.parts, -1)


def start_remembering(bias: Tensor, *, sign: int = 1) -> None:
    """Fill the bias (H,) of a forget gate, or with sign -1 of an update gate, with memories of many lengths.

    A gate that stays at s(b) remembers for about 1 + exp(b) steps: b from -1 to 4 spreads the units, first to last,
    from one step to 56 (in the spirit of Tallec and Ollivier 2018, "Can recurrent neural networks warp time?").
    """
    bias.copy_(sign * torch.linspace(-1.0, 4.0, len(bias)))


def with_previous(inputs: Tensor, previous: Tensor) -> tuple[list[Tensor], Tensor]:
    """Shift a window over the border of two calls.

    Args:
        inputs: (B, T, I).
        previous: (B, k - 1, I), the inputs before them.

    Returns:
        k tensors (B, T, I), the inputs of k - 1 steps ago, ..., of 1 step ago, of now; the last k - 1 inputs.
    """
    joined = torch.cat([previous.transpose(0, 1).to(inputs.dtype), inputs.transpose(0, 1)]).transpose(0, 1)
    seq_len, reach = inputs.shape[1], previous.shape[1]
    return [joined[:, lag : lag + seq_len] for lag in range(reach + 1)], joined[:, seq_len:]
