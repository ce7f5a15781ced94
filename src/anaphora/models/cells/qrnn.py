"""The QRNN: a causal convolution makes candidates and gates, and a pool without weights carries them through time.

    z_t = tanh(W_z [x_{t-k+1} ... x_t] + b_z)    f_t = s(W_f [...] + b_f)    o_t = s(W_o [...] + b_o)
    c_t = f_t c_{t-1} + (1 - f_t) z_t            h_t = o_t c_t

Bradbury, Merity, Xiong and Socher 2016, "Quasi-recurrent neural networks" (arXiv 1611.01576), with fo-pooling. The
window of k inputs reaches over the border of two calls, so the last k - 1 inputs are a part of the state.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from anaphora.models.cells.cell import StackConfig
from anaphora.models.cells.gated import ScannedCell, start_remembering, windows
from anaphora.models.cells.gated_pass import PARTS, Gating
from anaphora.models.language_model import State, product_format
from anaphora.models.layers.type_table import look_up


class QrnnConfig(StackConfig):
    """Layers of QRNN (Bradbury et al. 2016, arXiv 1611.01576); `dropout_weight` acts on the gates' matrix.

    Attributes:
        window: k, how many inputs the gates of one step see, this step's included.
    """

    name: Literal["qrnn"] = "qrnn"
    window: int = Field(default=2, ge=1, le=16)


class QrnnCell(ScannedCell):
    """Bradbury et al. 2016. The state is c, (B, H), and the inputs before, (B, k - 1, I)."""

    config_class = QrnnConfig
    config: QrnnConfig
    gating = Gating.QRNN
    parts = PARTS[gating]
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
        seen, previous = windows(inputs.to(product_format(inputs)), state[1])  # else they would be shortened k times
        outputs, pooled = self.scan(self.product(seen), state)
        return outputs, (*pooled, previous.to(state[1].dtype))

    def read_types(self, table: Tensor, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        window, reach = self.config.window, self.config.window - 1
        last = F.embedding(tokens[:, max(0, tokens.shape[1] - reach) :], table)
        before, _ = windows(last.new_zeros(len(tokens), reach, self.input_size), state[1])
        # Each type alone in each place of an empty window, and what stands before the first step: one product.
        alone = [F.pad(table, ((reach - lag) * self.input_size, lag * self.input_size)) for lag in range(window)]
        product = F.linear(torch.cat([*alone, before.transpose(0, 1).flatten(0, 1)]), self.dropped_weight())
        tables, border = product.split([window * len(table), reach * len(tokens)])
        outputs, pooled = self.scan(
            look_up(
                tables.unflatten(0, (window, -1)),
                tokens.t(),
                border.view(reach, len(tokens), -1)[: tokens.shape[1]],
            ),
            state,
        )
        return outputs, (*pooled, windows(last, state[1])[1])
