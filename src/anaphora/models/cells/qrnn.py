"""The QRNN: a causal convolution makes candidates and gates, and a pool without weights carries them through time.

    z_t = tanh(W_z [x_{t-k+1} ... x_t] + b_z)    f_t = s(W_f [...] + b_f)    o_t = s(W_o [...] + b_o)
    c_t = f_t c_{t-1} + (1 - f_t) z_t            h_t = o_t c_t

Bradbury, Merity, Xiong and Socher 2016, "Quasi-recurrent neural networks" (arXiv 1611.01576), with fo-pooling. The
window of k inputs reaches over the border of two calls, so the last k - 1 inputs are a part of the state.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from anaphora.models.cells.cell import StackConfig
from anaphora.models.cells.gated import GatedCell, start_remembering, windows
from anaphora.models.cells.gated_scan import GateRules, Gates
from anaphora.models.language_model import State
from anaphora.models.slopes import through_sigmoid, through_tanh


class QrnnConfig(StackConfig):
    """Layers of QRNN (Bradbury et al. 2016, arXiv 1611.01576); `dropout_weight` acts on the gates' matrix.

    Attributes:
        window: k, how many inputs the gates of one step see, this step's included.
    """

    name: Literal["qrnn"] = "qrnn"
    window: int = Field(default=2, ge=1, le=16)


class QrnnGates(GateRules):
    """Parts: what z, f and o are made of."""

    num_parts = 3
    candidates_part, keep_part, output_part = 0, 1, 2

    def open(self, parts: Sequence[Tensor]) -> Gates:
        candidates, forget, output = parts
        return Gates(forget.sigmoid_(), candidates.tanh_(), output.sigmoid_())

    def close(self, parts: Sequence[Tensor], gates: Gates, d_parts: Sequence[Tensor]) -> None:
        for through, part, d_part in zip((through_tanh, through_sigmoid, through_sigmoid), parts, d_parts, strict=True):
            through(d_part, part)


class QrnnCell(GatedCell):
    """Bradbury et al. 2016. The state is c, (B, H), and the inputs before, (B, k - 1, I)."""

    config_class = QrnnConfig
    config: QrnnConfig
    parts = QrnnGates.num_parts
    num_state_parts = 2

    @property
    def read_size(self) -> int:
        return self.config.window * self.input_size

    def reset_parameters(self) -> None:
        super().reset_parameters()
        start_remembering(self.bias.data.chunk(self.parts)[1])

    def initial_state(self, batch_size: int) -> State:
        previous = self.weight.new_zeros(batch_size, self.config.window - 1, self.input_size)
        return self.weight.new_zeros(batch_size, self.output_size), previous

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        kind = inputs.device.type
        if torch.is_autocast_enabled(kind):  # the product would shorten them k times
            inputs = inputs.to(torch.get_autocast_dtype(kind))
        seen, previous = windows(inputs, state[1])
        outputs, pooled = self.scan(QrnnGates(), seen, state[0])
        return outputs, (pooled, previous.to(state[1].dtype))
