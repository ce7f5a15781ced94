"""What the from-scratch cells share: a step from one token to the next, and the loop over a window.

    step:     input of one token (B, E), state -> state           one line per equation of the textbook
    forward:  inputs of a window (B, T, E), state -> hidden (B, T, H), state

Shapes: B batch, T time, E input, H hidden. A state is (h,) or (h, c), each (B, H). Each cell stands beside the layer
of the framework that computes the same: `framework_weights` lays its weights out the way that layer wants them.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]
FrameworkLayer = type[nn.RNN] | type[nn.LSTM] | type[nn.GRU]


class Cell(nn.Module, ABC):
    """A recurrent layer that is read, not raced. It starts like the framework's: uniform within 1 / sqrt(H)."""

    framework_layer: ClassVar[FrameworkLayer]
    state_parts: ClassVar[int] = 1

    def __init__(self, input_dim: int, hidden_size: int) -> None:
        super().__init__()
        self.input_dim = input_dim
        self.hidden_size = hidden_size

    def weight(self, *shape: int) -> nn.Parameter:
        """Return a new weight of this shape."""
        bound = self.hidden_size**-0.5
        return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))

    def initial_state(self, batch_size: int) -> State:
        """Return zeros."""
        like = next(self.parameters())
        return tuple(like.new_zeros(batch_size, self.hidden_size) for _ in range(self.state_parts))

    @abstractmethod
    def step(self, inputs: Tensor, state: State) -> State:
        """Read inputs (B, E) of one token; return the state after it, its first part being the output h (B, H)."""

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Read inputs (B, T, E); return the output after each token, (B, T, H), and the state after the last."""
        hidden = []
        for token in inputs.unbind(1):
            state = self.step(token, state)
            hidden.append(state[0])
        return torch.stack(hidden, 1), state

    @abstractmethod
    def framework_weights(self) -> dict[str, Tensor]:
        """Return weight_ih_l0 (G*H, E), weight_hh_l0 (G*H, H) and the biases (G*H,), made of this cell's weights."""


def run_framework_layer(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Do what `cell` does in the framework's layer, with the cell's own weights; gradients flow back to them."""
    layer = cell.framework_layer(cell.input_dim, cell.hidden_size, batch_first=True, dtype=inputs.dtype)
    before = tuple(part.unsqueeze(0) for part in state)
    arguments = (inputs, before if len(before) > 1 else before[0])
    hidden, after = torch.func.functional_call(layer, cell.framework_weights(), arguments)
    parts = after if isinstance(after, tuple) else (after,)
    return hidden, cast(State, tuple(part.squeeze(0) for part in parts))
