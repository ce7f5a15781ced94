"""An LSTM with zoneout: now and then a unit keeps what it had.

Krueger et al. 2017, "Zoneout: regularizing RNNs by randomly preserving hidden activations" (arXiv 1606.01305). Shapes:
B batch, T time, I input, H output.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from anaphora.models.cells.stepwise import LoopProduct, StepwiseConfig, StepwiseLstm
from anaphora.models.language_model import State
from anaphora.models.layers.dropout import draw_mask
from anaphora.models.lstm_gates import lstm_step


class ZoneoutConfig(StepwiseConfig):
    """LSTM layers whose units keep their old value with some probability; in evaluation, to that share.

    Attributes:
        zoneout_cell: probability for the cells c; the paper's word models have 0.25.
        zoneout_hidden: probability for the outputs h; the paper's word models have 0.025.
    """

    name: Literal["zoneout-lstm"] = "zoneout-lstm"
    dropout_weight: float = Field(default=0.0, ge=0.0, lt=1.0)
    zoneout_cell: float = Field(default=0.25, ge=0.0, lt=1.0)
    zoneout_hidden: float = Field(default=0.025, ge=0.0, lt=1.0)


class ZoneoutCell(StepwiseLstm):
    """c_t = m c_{t-1} + (1 - m) c'_t and h_t = n h_{t-1} + (1 - n) h'_t, where c' and h' are an LSTM's; m, n masks."""

    config_class = ZoneoutConfig
    config: ZoneoutConfig

    def _run(self, inputs: Tensor, state: State, weight_hh: Tensor) -> tuple[list[Tensor], State]:
        product = LoopProduct(F.linear(inputs, self.weight_ih, self.bias), weight_hh)
        (h, c), outputs = state, []
        old_c, old_h = (self._shares(p, inputs, h) for p in (self.config.zoneout_cell, self.config.zoneout_hidden))
        for step in range(len(inputs)):
            new_h, new_c = lstm_step(product(step, h), c)
            c, h = torch.lerp(new_c, c, old_c[step]), torch.lerp(new_h, h, old_h[step])
            outputs.append(h)
        return outputs, (h, c)

    def _shares(self, p: float, inputs: Tensor, h: Tensor) -> Tensor:
        """Return how much of the old value stays, at each step (T, B, H): all or nothing, in evaluation the mean."""
        steps = h.new_empty(len(inputs), *h.shape) if self.training else h.new_empty(len(inputs), 1, 1)
        if not self.training or p == 0.0:
            return steps.fill_(p)
        return (draw_mask(steps, p) == 0).to(h.dtype)
