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
from anaphora.models.cells.gated import GatedCell
from anaphora.models.cells.scan import scan
from anaphora.models.language_model import State, at_least_float32

_SHARPNESS = 8.0  # c in the paper
_LEAST_VARIANCE = 1e-6  # below it the root's slope would be a gradient without measure
_START_DECAYS = (0.9, 0.999)  # a at r = 1, uniform, as in the paper


class RgLruConfig(StackConfig):
    """Layers of RG-LRU (De et al. 2024, arXiv 2402.19427); `dropout_weight` acts on the gates' matrix."""

    name: Literal["rglru"] = "rglru"


class RgLruCell(GatedCell):
    """De et al. 2024. The state is h, (B, H)."""

    config_class = RgLruConfig
    parts = 3

    def __init__(self, input_size: int, output_size: int, config: StackConfig) -> None:
        super().__init__(input_size, output_size, config)
        self.decay = nn.Parameter(torch.empty(output_size))  # L

    def reset_parameters(self) -> None:
        super().reset_parameters()
        rates = -torch.empty_like(self.decay.data).uniform_(*_START_DECAYS).log() / _SHARPNESS
        self.decay.data.copy_(rates.expm1().log())  # the softplus of it is the rate

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        recurrence, take, values = map(at_least_float32, self.gates(inputs))
        log_decay = -_SHARPNESS * F.softplus(self.decay) * recurrence.sigmoid()
        variance = -torch.expm1(2 * log_decay)  # 1 - a^2, exact also where a is nearly 1
        gated = variance.clamp_min(_LEAST_VARIANCE).sqrt() * take.sigmoid() * values
        hidden = scan(log_decay.exp(), gated, state[0])
        return hidden, (hidden[:, -1],)
