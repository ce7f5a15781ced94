"""An LSTM whose sums and cells are normalised at each step, over the units of the layer.

Ba, Kiros and Hinton 2016, "Layer normalization" (arXiv 1607.06450), equations 20 to 22. Shapes: B batch, T time,
I input, H output.
"""

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.cells.cell import StackConfig
from anaphora.models.cells.stepwise import LoopProduct, StepwiseConfig, StepwiseLstm
from anaphora.models.language_model import State


class LayerNormConfig(StepwiseConfig):
    """LSTM layers with layer normalisation of the two products and of the cells."""

    name: Literal["layernorm-lstm"] = "layernorm-lstm"


class LayerNormCell(StepwiseLstm):
    """The sums are LN(W_hh h) + LN(W_ih x) + b, and the output is h = o tanh(LN(c))."""

    config_class = LayerNormConfig

    def __init__(self, input_size: int, output_size: int, config: StackConfig) -> None:
        super().__init__(input_size, output_size, config)
        self.norm_ih = nn.LayerNorm(4 * output_size, bias=False)  # the sums have the layer's own bias
        self.norm_hh = nn.LayerNorm(4 * output_size, bias=False)
        self.norm_c = nn.LayerNorm(output_size)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        for norm in (self.norm_ih, self.norm_hh, self.norm_c):
            norm.reset_parameters()

    def _run(self, inputs: Tensor, state: State, weight_hh: Tensor) -> tuple[list[Tensor], State]:
        from_inputs = (self.norm_ih(F.linear(inputs, self.weight_ih)) + self.bias).unbind()
        (h, c), outputs = state, []
        nothing = self.bias.new_zeros(()).expand(len(inputs), len(h), len(self.bias))
        product = LoopProduct(nothing, weight_hh)
        for step, sums in enumerate(from_inputs):
            i, f, g, o = (sums + self.norm_hh(product(step, h))).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * self.norm_c(c).tanh()
            outputs.append(h)
        return outputs, (h, c)
