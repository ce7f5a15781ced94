"""The minLSTM: an LSTM without output gate, whose gates see the input only and share out what they keep and take.

    f_t = s(W_f x_t + b_f)        i_t = s(W_i x_t + b_i)        u_t = W_h x_t + b_h
    h_t = f_t / (f_t + i_t) h_{t-1} + i_t / (f_t + i_t) u_t

Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.2.
"""

from typing import Literal

from anaphora.models.cells.cell import StackConfig
from anaphora.models.cells.gated import ScannedCell, start_remembering
from anaphora.models.cells.gated_pass import PARTS, Gating


class MinLstmConfig(StackConfig):
    """Layers of minLSTM (Feng et al. 2024, arXiv 2410.01201); `dropout_weight` acts on the gates' matrix."""

    name: Literal["minlstm"] = "minlstm"


class MinLstmCell(ScannedCell):
    """Feng et al. 2024. The state is h, (B, H)."""

    config_class = MinLstmConfig
    gating = Gating.MINLSTM
    parts = PARTS[gating]

    def reset_parameters(self) -> None:
        super().reset_parameters()
        start_remembering(self.bias.data.chunk(self.parts)[0])
