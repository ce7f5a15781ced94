"""The RG-LRU: a linear recurrence whose decay is learnt for each unit and sharpened by a gate that sees the input.

    r_t = s(W_r x_t + b_r)        i_t = s(W_i x_t + b_i)        u_t = W_u x_t + b_u
    log a_t = -8 softplus(L) r_t        h_t = a_t h_{t-1} + sqrt(1 - a_t^2) (i_t u_t)

De, Smith, Fernando et al. 2024, "Griffin: Mixing gated linear recurrences with local attention for efficient language
models" (arXiv 2402.19427), section 2.4. The paper's gates see u_t through block-diagonal matrices; here they see the
layer's input, so that gates and values are one product. The root keeps the variance of h_t at that of its input.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.cells.cell import StackConfig
from anaphora.models.cells.gated import ScannedCell
from anaphora.models.cells.gated_pass import PARTS, Gating

_SHARPNESS = 8.0  # c in the paper
_START_DECAYS = (0.9, 0.999)  # a at r = 1, uniform, as in the paper


class RgLruConfig(StackConfig):
    """Layers of RG-LRU (De et al. 2024, arXiv 2402.19427); `dropout_weight` acts on the gates' matrix."""

    name: Literal["rglru"] = "rglru"


class RgLruCell(ScannedCell):
    """De et al. 2024. The state is h, (B, H)."""

    config_class = RgLruConfig
    gating = Gating.RGLRU
    parts = PARTS[gating]

    def __init__(self, input_size: int, output_size: int, config: StackConfig) -> None:
        super().__init__(input_size, output_size, config)
        self.decay = nn.Parameter(torch.empty(output_size))  # L

    def reset_parameters(self) -> None:
        super().reset_parameters()
        rates = -torch.empty_like(self.decay.data).uniform_(*_START_DECAYS).log() / _SHARPNESS
        self.decay.data.copy_(rates.expm1().log())  # the softplus of it is the rate

    @property
    def own_numbers(self) -> tuple[Tensor, ...]:
        return (_SHARPNESS * F.softplus(self.decay),)
