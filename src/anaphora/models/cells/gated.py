"""What the fast cells have in common: all gates of a window in one product of the inputs, and nothing recurrent in it.

Shapes: B batch, T time, I input, H output, G parts of the product: gates, candidates and the like.
"""

from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from anaphora.models.cells.cell import Cell, StackConfig
from anaphora.models.cells.gated_pass import Gating
from anaphora.models.cells.gated_scan import gated_scan
from anaphora.models.language_model import State
from anaphora.models.layers.dropout import drop_weights
from anaphora.models.layers.type_table import look_up


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

    def product(self, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return the product with inputs (B, T, I), time-major: (T, B, G H)."""
        # One row a time step and sample, in the order they have in memory, makes one large product without a copy.
        return F.linear(inputs.transpose(0, 1), self.dropped_weight(), bias)

    def dropped_weight(self) -> Tensor:
        """Return the matrix (G H, I) with what `dropout_weight` leaves of it, drawn anew."""
        return drop_weights(self.weight, self.config.scaled("dropout_weight"), training=self.training)


class ScannedCell(GatedCell):
    """A cell whose way from the product to its outputs is a `gated_scan`. The state is h, (B, H)."""

    gating: ClassVar[Gating]

    @property
    def own_numbers(self) -> tuple[Tensor, ...]:
        """What the gates ask of each unit beside its biases, (H,) each."""
        return ()

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        return self.scan(self.product(inputs), state)

    def read_types(self, table: Tensor, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        product = F.linear(table, self.dropped_weight()).unsqueeze(0)
        return self.scan(look_up(product, tokens.t(), product.new_empty(0, len(tokens), product.shape[2])), state)

    def scan(self, product: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the outputs (B, T, H) and the state after them, from the product (T, B, G H)."""
        units = torch.stack([*self.bias.chunk(self.parts), *self.own_numbers])
        outputs, last = gated_scan(self.gating, product, units, state[0])
        return outputs.transpose(0, 1), (last,)


def start_remembering(bias: Tensor, *, sign: int = 1) -> None:
    """Fill the bias (H,) of a forget gate, or with sign -1 of an update gate, with memories of many lengths.

    A gate that stays at s(b) remembers for about 1 + exp(b) steps: b from -1 to 4 spreads the units, first to last,
    from one step to 56 (in the spirit of Tallec and Ollivier 2018, "Can recurrent neural networks warp time?").
    """
    bias.copy_(sign * torch.linspace(-1.0, 4.0, len(bias)))


def windows(inputs: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
    """Put the k inputs that end with each step side by side, over the border of two calls.

    Args:
        inputs: (B, T, I).
        previous: (B, k - 1, I), the inputs before them.

    Returns:
        (B, T, k I), a view of a time-major tensor: the inputs of k - 1 steps ago, ..., of 1 step ago, of now; the last
        k - 1 inputs.
    """
    given = inputs.transpose(0, 1), previous.transpose(0, 1).to(inputs.dtype)
    reach = len(given[1])
    last = torch.cat([given[1], given[0][max(0, len(given[0]) - reach) :]])
    side_by_side = cast(Tensor, _Windows.apply(*given))  # type: ignore[no-untyped-call]
    return side_by_side.transpose(0, 1), last[len(last) - reach :].transpose(0, 1)


class _Windows(torch.autograd.Function):
    """`windows`, time-major, with each number copied once; composed of slices its gradient takes several passes."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, previous: Tensor) -> Tensor:
        """See `windows`."""
        ctx.reach = len(previous)
        seq_len, batch_size, size = inputs.shape
        result = inputs.new_empty(seq_len, batch_size, (ctx.reach + 1) * size)
        for place, slot in enumerate(result.chunk(ctx.reach + 1, -1)):
            lag = min(ctx.reach - place, seq_len)
            slot[:lag] = previous[place : place + lag]
            slot[lag:] = inputs[: seq_len - lag]
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_result: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of `forward`'s arguments."""
        *slots, now = d_result.chunk(ctx.reach + 1, -1)
        seq_len = len(now)
        d_inputs = now.clone(memory_format=torch.contiguous_format)
        d_previous = d_inputs.new_zeros(ctx.reach, *d_inputs.shape[1:])
        for place, slot in enumerate(slots):
            lag = min(ctx.reach - place, seq_len)
            d_previous[place : place + lag] += slot[:lag]
            d_inputs[: seq_len - lag] += slot[lag:]
        return d_inputs, d_previous
