"""The minGRU: a GRU without its reset gate, whose update gate and candidate see the input only.

    z_t = s(W_z x_t + b_z)        u_t = W_h x_t + b_h        h_t = (1 - z_t) h_{t-1} + z_t u_t

Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.1. The paper
adds a positive function around u_t where it computes with logarithms; the scan here needs none.
"""

from typing import Literal

from anaphora.models.cells.cell import StackConfig
from anaphora.models.cells.gated import ScannedCell, start_remembering
from anaphora.models.cells.gated_pass import PARTS, Gating


class MinGruConfig(StackConfig):
    """Layers of minGRU (Feng et al. 2024, arXiv 2410.01201); `dropout_weight` acts on the gates' matrix."""

    name: Literal["mingru"] = "mingru"


class MinGruCell(ScannedCell):
    """Feng et al. 2024. The state is h, (B, H)."""

    config_class = MinGruConfig
    gating = Gating.MINGRU
    parts = PARTS[gating]

    def reset_parameters(self) -> None:
        super().reset_parameters()
        start_remembering(self.bias.data.chunk(self.parts)[0], sign=-1)
