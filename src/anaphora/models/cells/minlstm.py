"""The minLSTM: an LSTM without output gate, whose gates see the input only and share out what they keep and take.

    f_t = s(W_f x_t + b_f)        i_t = s(W_i x_t + b_i)        u_t = W_h x_t + b_h
    h_t = f_t / (f_t + i_t) h_{t-1} + i_t / (f_t + i_t) u_t

Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.2.
"""

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from anaphora.models.cells.cell import StackConfig
from anaphora.models.cells.gated import GatedCell, start_remembering
from anaphora.models.cells.scan import blend
from anaphora.models.language_model import State, at_least_float32


class MinLstmConfig(StackConfig):
    """Layers of minLSTM (Feng et al. 2024, arXiv 2410.01201); `dropout_weight` acts on the gates' matrix."""

    name: Literal["minlstm"] = "minlstm"


class MinLstmCell(GatedCell):
    """Feng et al. 2024. The state is h, (B, H)."""

    config_class = MinLstmConfig
    parts = 3

    def reset_parameters(self) -> None:
        super().reset_parameters()
        start_remembering(self.bias.data.chunk(self.parts)[0])

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        forget, take, candidates = self.gates(inputs)
        # i / (f + i) = s(log i - log f): the quotient of two gates that may both be tiny, without a division.
        update = F.logsigmoid(at_least_float32(take)) - F.logsigmoid(at_least_float32(forget))
        hidden = blend(update, candidates, state[0])
        return hidden, (hidden[:, -1],)
