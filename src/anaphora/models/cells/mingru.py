"""The minGRU: a GRU without its reset gate, whose update gate and candidate see the input only.

    z_t = s(W_z x_t + b_z)        u_t = W_h x_t + b_h        h_t = (1 - z_t) h_{t-1} + z_t u_t

Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.1. The paper
adds a positive function around u_t where it computes with logarithms; the scan here needs none.
"""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from anaphora.models.cells.cell import StackConfig
from anaphora.models.cells.gated import GatedCell, start_remembering
from anaphora.models.cells.gated_scan import GateRules, Gates
from anaphora.models.language_model import State
from anaphora.models.slopes import through_sigmoid


class MinGruConfig(StackConfig):
    """Layers of minGRU (Feng et al. 2024, arXiv 2410.01201); `dropout_weight` acts on the gates' matrix."""

    name: Literal["mingru"] = "mingru"


class MinGruGates(GateRules):
    """Parts: a_z = W_z x + b_z and u. It keeps 1 - z = s(-a_z)."""

    num_parts = 2
    keep_part, candidates_part = 0, 1

    def open(self, parts: Sequence[Tensor]) -> Gates:
        update, candidates = parts
        return Gates(update.neg_().sigmoid_(), candidates)

    def close(self, parts: Sequence[Tensor], gates: Gates, d_parts: Sequence[Tensor]) -> None:
        through_sigmoid(d_parts[0], gates.keep).neg_()


class MinGruCell(GatedCell):
    """Feng et al. 2024. The state is h, (B, H)."""

    config_class = MinGruConfig
    parts = MinGruGates.num_parts

    def reset_parameters(self) -> None:
        super().reset_parameters()
        start_remembering(self.bias.data.chunk(self.parts)[0], sign=-1)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, last = self.scan(MinGruGates(), inputs, state[0])
        return hidden, (last,)
