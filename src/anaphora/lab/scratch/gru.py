"""The GRU cell: a reset gate decides how much of the past the new thought sees, an update gate how much of it stays.

Shapes as in cell.py. Cho et al., EMNLP 2014 (arXiv 1406.1078). There the reset gate stands before the product, as in
(r h) W_hn; here it stands after it, r (h W_hn + b_hn), as in cuDNN and every fast layer: one product serves all gates.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from anaphora.lab.scratch.cell import Cell, FrameworkLayer, State


class GRU(Cell):
    """Two gates and no second memory: the state is shown as it is.

    r = sigmoid(x W_xr + h W_hr + b_r)
    z = sigmoid(x W_xz + h W_hz + b_z)
    n = tanh(x W_xn + b_xn + r (h W_hn + b_hn))
    h' = (1 - z) n + z h
    """

    framework_layer: ClassVar[FrameworkLayer] = nn.GRU

    def __init__(self, input_dim: int, hidden_size: int) -> None:
        super().__init__(input_dim, hidden_size)
        self.w_xr, self.w_hr = self.weight(input_dim, hidden_size), self.weight(hidden_size, hidden_size)
        self.w_xz, self.w_hz = self.weight(input_dim, hidden_size), self.weight(hidden_size, hidden_size)
        self.w_xn, self.w_hn = self.weight(input_dim, hidden_size), self.weight(hidden_size, hidden_size)
        self.b_r, self.b_z = self.weight(hidden_size), self.weight(hidden_size)
        self.b_xn, self.b_hn = self.weight(hidden_size), self.weight(hidden_size)

    def step(self, inputs: Tensor, state: State) -> State:
        (h,) = state
        reset = torch.sigmoid(inputs @ self.w_xr + h @ self.w_hr + self.b_r)
        update = torch.sigmoid(inputs @ self.w_xz + h @ self.w_hz + self.b_z)
        new = torch.tanh(inputs @ self.w_xn + self.b_xn + reset * (h @ self.w_hn + self.b_hn))
        return ((1 - update) * new + update * h,)

    def framework_weights(self) -> dict[str, Tensor]:
        nothing = torch.zeros_like(self.b_r)
        return {
            "weight_ih_l0": torch.cat([self.w_xr, self.w_xz, self.w_xn], dim=1).T,
            "weight_hh_l0": torch.cat([self.w_hr, self.w_hz, self.w_hn], dim=1).T,
            "bias_ih_l0": torch.cat([self.b_r, self.b_z, self.b_xn]),
            "bias_hh_l0": torch.cat([nothing, nothing, self.b_hn]),
        }
