"""The LSTM cell twice: four gates, each a layer of its own on [h, x]; and one big product that is cut in four.

The first is the one to read, the second is how fast layers do it: one large product beats four small ones.
Shapes as in cell.py. Hochreiter and Schmidhuber, Neural Computation 9 (1997); forget gate: Gers et al. (2000).
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from anaphora.lab.scratch.cell import Cell, FrameworkLayer, State


class LSTMFourGates(Cell):
    """Four layers look at [h, x]: what to forget, what to write, what that would be, and what to show.

    f = sigmoid([h, x] W_f + b_f)      i = sigmoid([h, x] W_i + b_i)      c' = f c + i g
    g = tanh([h, x] W_g + b_g)         o = sigmoid([h, x] W_o + b_o)      h' = o tanh(c')
    """

    framework_layer: ClassVar[FrameworkLayer] = nn.LSTM
    state_parts: ClassVar[int] = 2

    def __init__(self, input_dim: int, hidden_size: int) -> None:
        super().__init__(input_dim, hidden_size)
        self.forget_gate = nn.Linear(hidden_size + input_dim, hidden_size)
        self.input_gate = nn.Linear(hidden_size + input_dim, hidden_size)
        self.candidate = nn.Linear(hidden_size + input_dim, hidden_size)
        self.output_gate = nn.Linear(hidden_size + input_dim, hidden_size)

    def step(self, inputs: Tensor, state: State) -> State:
        h, c = state
        seen = torch.cat([h, inputs], dim=1)
        c = torch.sigmoid(self.forget_gate(seen)) * c
        c = c + torch.sigmoid(self.input_gate(seen)) * torch.tanh(self.candidate(seen))
        h = torch.sigmoid(self.output_gate(seen)) * torch.tanh(c)
        return h, c

    def framework_weights(self) -> dict[str, Tensor]:
        gates = (self.input_gate, self.forget_gate, self.candidate, self.output_gate)  # the framework's order
        weights = torch.cat([gate.weight for gate in gates])
        bias = torch.cat([gate.bias for gate in gates])
        return {
            "weight_ih_l0": weights[:, self.hidden_size :],
            "weight_hh_l0": weights[:, : self.hidden_size],
            "bias_ih_l0": bias,
            "bias_hh_l0": torch.zeros_like(bias),
        }


class LSTMOneProduct(Cell):
    """The same cell: x W_x + h W_h + b is (B, 4H), and cut in four it holds i, f, g and o."""

    framework_layer: ClassVar[FrameworkLayer] = nn.LSTM
    state_parts: ClassVar[int] = 2

    def __init__(self, input_dim: int, hidden_size: int) -> None:
        super().__init__(input_dim, hidden_size)
        self.w_x = self.weight(input_dim, 4 * hidden_size)
        self.w_h = self.weight(hidden_size, 4 * hidden_size)
        self.b = self.weight(4 * hidden_size)

    def step(self, inputs: Tensor, state: State) -> State:
        h, c = state
        i, f, g, o = (inputs @ self.w_x + h @ self.w_h + self.b).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return h, c

    def framework_weights(self) -> dict[str, Tensor]:
        return {
            "weight_ih_l0": self.w_x.T,
            "weight_hh_l0": self.w_h.T,
            "bias_ih_l0": self.b,
            "bias_hh_l0": torch.zeros_like(self.b),
        }
