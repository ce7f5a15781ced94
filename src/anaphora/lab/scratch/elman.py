"""The Elman cell in its two forms: two products added, or one product of the two joined. They are the same sum.

Shapes as in cell.py. Elman, "Finding structure in time", Cognitive Science 14 (1990).
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from anaphora.lab.scratch.cell import Cell, FrameworkLayer, State


class ElmanTwoProducts(Cell):
    """h' = tanh(x W_xh + h W_hh + b_h)."""

    framework_layer: ClassVar[FrameworkLayer] = nn.RNN

    def __init__(self, input_dim: int, hidden_size: int) -> None:
        super().__init__(input_dim, hidden_size)
        self.w_xh = self.weight(input_dim, hidden_size)
        self.w_hh = self.weight(hidden_size, hidden_size)
        self.b_h = self.weight(hidden_size)

    def step(self, inputs: Tensor, state: State) -> State:
        (h,) = state
        return (torch.tanh(inputs @ self.w_xh + h @ self.w_hh + self.b_h),)

    def framework_weights(self) -> dict[str, Tensor]:
        return {
            "weight_ih_l0": self.w_xh.T,
            "weight_hh_l0": self.w_hh.T,
            "bias_ih_l0": self.b_h,
            "bias_hh_l0": torch.zeros_like(self.b_h),
        }


class ElmanOneProduct(Cell):
    """h' = tanh([x, h] W + b), where W is W_xh on top of W_hh."""

    framework_layer: ClassVar[FrameworkLayer] = nn.RNN

    def __init__(self, input_dim: int, hidden_size: int) -> None:
        super().__init__(input_dim, hidden_size)
        self.w = self.weight(input_dim + hidden_size, hidden_size)
        self.b = self.weight(hidden_size)

    def step(self, inputs: Tensor, state: State) -> State:
        (h,) = state
        return (torch.tanh(torch.cat([inputs, h], dim=1) @ self.w + self.b),)

    def framework_weights(self) -> dict[str, Tensor]:
        w_xh, w_hh = self.w.split([self.input_dim, self.hidden_size])
        return {
            "weight_ih_l0": w_xh.T,
            "weight_hh_l0": w_hh.T,
            "bias_ih_l0": self.b,
            "bias_hh_l0": torch.zeros_like(self.b),
        }
