"""The minLSTM: an LSTM without output gate, whose gates see the input only and share out what they keep and take.

    f_t = s(W_f x_t + b_f)        i_t = s(W_i x_t + b_i)        u_t = W_h x_t + b_h
    h_t = f_t / (f_t + i_t) h_{t-1} + i_t / (f_t + i_t) u_t

Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.2.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from anaphora.models.cells.cell import StackConfig
from anaphora.models.cells.gated import GatedCell, start_remembering
from anaphora.models.cells.gated_scan import GateRules, Gates
from anaphora.models.language_model import State
from anaphora.models.slopes import through_sigmoid


class MinLstmConfig(StackConfig):
    """Layers of minLSTM (Feng et al. 2024, arXiv 2410.01201); `dropout_weight` acts on the gates' matrix."""

    name: Literal["minlstm"] = "minlstm"


class MinLstmGates(GateRules):
    """Parts: a_f = W_f x + b_f, a_i likewise, and u. It keeps f / (f + i) = s(log f - log i), for both may be tiny."""

    num_parts = 3
    keep_part, candidates_part = 0, 2

    def open(self, parts: Sequence[Tensor]) -> Gates:
        forget, take, candidates = parts
        for part in (forget, take):
            part.copy_(F.logsigmoid(part))
        return Gates((forget - take).sigmoid_(), candidates)

    def close(self, parts: Sequence[Tensor], gates: Gates, d_parts: Sequence[Tensor]) -> None:
        (log_forget, log_take, _), (d_forget, d_take, _) = parts, d_parts
        d_difference = through_sigmoid(d_forget, gates.keep)
        torch.mul(d_difference, log_take.expm1_(), out=d_take)  # d log s(a) / da = 1 - s(a)
        d_difference.mul_(log_forget.expm1_()).neg_()


class MinLstmCell(GatedCell):
    """Feng et al. 2024. The state is h, (B, H)."""

    config_class = MinLstmConfig
    parts = MinLstmGates.num_parts

    def reset_parameters(self) -> None:
        super().reset_parameters()
        start_remembering(self.bias.data.chunk(self.parts)[0])

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, last = self.scan(MinLstmGates(), inputs, state[0])
        return hidden, (last,)
