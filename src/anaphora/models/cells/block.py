"""The modern block: norm, fast recurrence, norm, gated layer, with the stream of activations passing by unchanged.

    x <- x + cell(conv(norm(x)))        x <- x + W_2 (silu(u) * v),  [u, v] = W_1 norm(x)

The frame of De et al. 2024, "Griffin" (arXiv 2402.19427), around any of the fast cells, which alone see one step after
the other through gates that are blind to the past; the layers between them make up for that. Pre-norm as in Xiong et
al. 2020 (arXiv 2002.04745), the gated layer as in Shazeer 2020 (arXiv 2002.05202), the short convolution of Griffin
optional. Where a block is not as wide as what it reads, a matrix leads the stream across. The norm is LayerNorm
without a shift: RMSNorm, which the paper has, is not fused in PyTorch on CPUs and took two to three times as long
there.

Shapes: B batch, T time, D width of the stream, k window of the convolution.
"""

from typing import Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.cells.block_pass import add_and_norm, swiglu
from anaphora.models.cells.cell import Cell, StackConfig
from anaphora.models.cells.gated import GatedCell, windows
from anaphora.models.cells.mingru import MinGruCell
from anaphora.models.cells.minlstm import MinLstmCell
from anaphora.models.cells.qrnn import QrnnCell
from anaphora.models.cells.rglru import RgLruCell
from anaphora.models.cells.sru import SruCell
from anaphora.models.language_model import State

_INNER: dict[str, type[GatedCell]] = {
    "mingru": MinGruCell,
    "minlstm": MinLstmCell,
    "qrnn": QrnnCell,
    "rglru": RgLruCell,
    "sru": SruCell,
}


class BlockConfig(StackConfig):
    """Blocks of a fast recurrence and a gated layer, with residuals and norms (De et al. 2024, arXiv 2402.19427).

    Attributes:
        cell: the recurrence inside, with its own defaults; `dropout_weight` acts on it.
        expansion: width of the gated layer in multiples of `hidden_size`; 0 leaves it out.
        conv_window: k, inputs that a causal convolution, unit by unit, mixes before the recurrence; 1 is none.
        embedding_dim: best equal to `hidden_size`, so that the stream passes all blocks unchanged.
    """

    name: Literal["block"] = "block"
    cell: Literal["mingru", "minlstm", "qrnn", "rglru", "sru"] = "qrnn"
    expansion: float = Field(default=2.0, ge=0.0, le=16.0)
    conv_window: int = Field(default=1, ge=1, le=16)
    embedding_dim: int = Field(default=256, ge=1, le=1 << 16)
    hidden_size: int = Field(default=256, ge=1, le=1 << 16)
    num_layers: int = Field(default=2, ge=1, le=64)
    tie_weights: bool = False
    dropout_embedding: float = Field(default=0.0, ge=0.0, lt=1.0)
    dropout_input: float = Field(default=0.0, ge=0.0, lt=1.0)
    dropout_hidden: float = Field(default=0.0, ge=0.0, lt=1.0)
    dropout_output: float = Field(default=0.0, ge=0.0, lt=1.0)
    dropout_weight: float = Field(default=0.0, ge=0.0, lt=1.0)
    embedding_range: float = Field(default=1.0, gt=0.0)


class BlockCell(Cell):
    """De et al. 2024. The state: that of the cell inside and, last, the convolution's inputs before, (B, k - 1, D)."""

    config_class = BlockConfig
    config: BlockConfig
    is_residual = True

    def __init__(self, input_size: int, output_size: int, config: StackConfig) -> None:
        super().__init__(input_size, output_size, config)
        inner = _INNER[self.config.cell]
        dropout_weight = config.scaled("dropout_weight")
        self.cell = inner(
            input_size, output_size, inner.config_class(name=self.config.cell, dropout_weight=dropout_weight)
        )
        self.num_state_parts = self.cell.num_state_parts
        self.across = nn.Linear(input_size, output_size, bias=False) if input_size != output_size else None
        self.norm = nn.LayerNorm(input_size, bias=False)
        self.taps: nn.Parameter | None = None
        if self.config.conv_window > 1:
            self.taps = nn.Parameter(torch.empty(self.config.conv_window, input_size))  # the last is that of now
            self.num_state_parts += 1
        width = round(self.config.expansion * output_size)
        self.layer = GatedLayer(output_size, width) if width else None

    def reset_parameters(self) -> None:
        self.norm.reset_parameters()
        self.cell.reset_parameters()
        if self.across is not None:
            self.across.reset_parameters()
        if self.taps is not None:
            nn.init.zeros_(self.taps)
            nn.init.ones_(self.taps.data[-1])
        if self.layer is not None:
            self.layer.reset_parameters(self.config.num_layers)

    def initial_state(self, batch_size: int) -> State:
        state = self.cell.initial_state(batch_size)
        if self.taps is None:
            return state
        return (*state, self.taps.new_zeros(batch_size, len(self.taps) - 1, self.input_size))

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        stream, normed = add_and_norm(inputs.transpose(0, 1), None, self.norm.weight)
        normed = normed.transpose(0, 1)
        if self.taps is None:
            said, after = self.cell(normed, state)
        else:
            seen, previous = windows(normed, state[-1])
            mixed = (seen.unflatten(-1, self.taps.shape) * self.taps).sum(-2)
            said, after = self.cell(mixed, state[:-1])
            after = (*after, previous)
        return self._pass_on(stream, said), after

    def read_types(self, table: Tensor, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        if self.taps is not None:
            return super().read_types(table, tokens, state)
        _, normed = add_and_norm(table, None, self.norm.weight)
        said, after = self.cell.read_types(normed, tokens, state)
        return self._pass_on(F.embedding(tokens.t(), table), said), after

    def _pass_on(self, stream: Tensor, said: Tensor) -> Tensor:
        """Return the stream (B, T, H) after the block, from the one before (T, B, I) and what the recurrence said."""
        if self.across is not None:
            stream = self.across(stream)
        said = said.transpose(0, 1)
        after: Tensor = stream + said if self.layer is None else self.layer(stream, said)
        return after.transpose(0, 1)


class GatedLayer(nn.Module):
    """Norm, then SwiGLU (Shazeer 2020): silu(u) * v between a matrix that makes both and one that leads back."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size, bias=False)
        self.up = nn.Linear(size, 2 * width, bias=False)
        self.down = nn.Linear(width, size, bias=False)

    def reset_parameters(self, num_layers: int) -> None:
        """Draw all weights anew; the more layers add to the stream, the less each does at first (as in GPT-2)."""
        for part in (self.norm, self.up, self.down):
            part.reset_parameters()
        self.down.weight.data.mul_((2 * num_layers) ** -0.5)

    def forward(self, stream: Tensor, said: Tensor) -> Tensor:
        """Return the stream (..., D) after the layer, from the one before the recurrence and what that said."""
        stream, normed = add_and_norm(stream, said, self.norm.weight)
        return stream + cast(Tensor, self.down(swiglu(self.up(normed))))
