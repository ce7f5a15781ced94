"""The SRU: gates that see the input and, unit by unit, the last cell; a highway around the layer.

    f_t = s(W_f x_t + v_f * c_{t-1} + b_f)        c_t = f_t c_{t-1} + (1 - f_t) (W x_t)
    r_t = s(W_r x_t + v_r * c_{t-1} + b_r)        h_t = r_t c_t + (1 - r_t) a x_t

Lei, Zhang, Wang, Dai and Artzi 2018, "Simple recurrent units for highly parallelizable recurrence" (arXiv 1709.02755),
with the paper's scaling a = sqrt(1 + 2 exp(b_r at the start)). The cell inside the gate makes the recurrence
non-linear: it goes step by step on every device. Where input and output differ in width, a matrix adapts the highway.
"""

import math
from typing import Any, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from anaphora.models.cells.cell import StackConfig
from anaphora.models.cells.gated import GatedCell
from anaphora.models.language_model import State, at_least_float32
from anaphora.models.slopes import through_sigmoid


class SruConfig(StackConfig):
    """Layers of SRU (Lei et al. 2018, arXiv 1709.02755); `dropout_weight` acts on the gates' matrix.

    Attributes:
        highway_bias: b_r at the start; below 0 the inputs pass the layer nearly unchanged at first, which deep stacks
            need (the paper's language models take -3).
    """

    name: Literal["sru"] = "sru"
    highway_bias: float = Field(default=-3.0, ge=-20.0, le=20.0)


class SruCell(GatedCell):
    """Lei et al. 2018. The state is c, (B, H)."""

    config_class = SruConfig
    config: SruConfig
    parts = 3

    def __init__(self, input_size: int, output_size: int, config: StackConfig) -> None:
        super().__init__(input_size, output_size, config)
        self.forget_memory = nn.Parameter(torch.empty(output_size))  # v_f
        self.reset_memory = nn.Parameter(torch.empty(output_size))  # v_r
        self.highway = nn.Linear(input_size, output_size, bias=False) if input_size != output_size else None
        self.scale = math.sqrt(1 + 2 * math.exp(self.config.highway_bias))

    def reset_parameters(self) -> None:
        super().reset_parameters()
        self.bias.data.chunk(self.parts)[2].fill_(self.config.highway_bias)
        for memory in (self.forget_memory, self.reset_memory):
            nn.init.uniform_(memory, -1.0, 1.0)
        if self.highway is not None:
            self.highway.reset_parameters()

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        candidates, forget, reset = map(at_least_float32, self._parts(inputs))
        cells = remember(forget, candidates, self.forget_memory, state[0])
        before = torch.cat([state[0].unsqueeze(0), cells.transpose(0, 1)[:-1]]).transpose(0, 1)
        reset = torch.addcmul(reset, self.reset_memory, before).sigmoid()
        passed = at_least_float32(inputs if self.highway is None else self.highway(inputs))
        return torch.lerp(self.scale * passed, cells, reset), (cells[:, -1],)

    def _parts(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the G parts, each (B, T, H), of the product with inputs (B, T, I)."""
        return self.product(inputs, self.bias).transpose(0, 1).chunk(self.parts, -1)


def remember(forget: Tensor, candidates: Tensor, memory: Tensor, state: Tensor) -> Tensor:
    """Return the cells c (B, T, H) of c_t = f_t c_{t-1} + (1 - f_t) candidates_t, f_t = s(forget_t + memory c_{t-1}).

    Args:
        forget: (B, T, H), the gates' share of the inputs.
        candidates: (B, T, H), u.
        memory: (H,), v_f.
        state: (B, H), the cells before.
    """
    cells = _Remember.apply(forget.transpose(0, 1), candidates.transpose(0, 1), memory, state)  # type: ignore[no-untyped-call]
    return cast(Tensor, cells).transpose(0, 1)


class _Remember(torch.autograd.Function):
    """`remember`, time-major, and its gradients written out.

    With d_t what the loss wants of c_t, through this step's output and through the next step:

        df_t = d_t (c_{t-1} - u_t) f_t (1 - f_t)        du_t = d_t (1 - f_t)
        d_{t-1} = dL/dc_{t-1} + d_t f_t + df_t v        dv = sum_t df_t c_{t-1}
    """

    @staticmethod
    def forward(ctx: Any, forget: Tensor, candidates: Tensor, memory: Tensor, state: Tensor) -> Tensor:
        """See `remember`."""
        gates = torch.empty_like(forget, memory_format=torch.contiguous_format)
        cells = gates.new_empty(len(gates) + 1, *state.shape)
        cells[0] = state
        slices = cells.unbind()
        steps = zip(forget.unbind(), candidates.unbind(), gates.unbind(), slices[:-1], slices[1:], strict=True)
        for logits, candidate, f, old, new in steps:
            torch.addcmul(logits, memory, old, out=f).sigmoid_()
            torch.lerp(candidate, old, f, out=new)
        ctx.save_for_backward(candidates, gates, memory, cells)
        return cells[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_cells: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients of `forward`'s arguments."""
        candidates, gates, memory, cells = ctx.saved_tensors
        d_forget, d_candidates = torch.empty_like(gates), torch.empty_like(gates)
        d = torch.zeros_like(cells[0])
        parts = (candidates, gates, cells[:-1], d_cells, d_forget, d_candidates)
        for u, f, old, d_cell, d_f, d_u in reversed(list(zip(*(part.unbind() for part in parts), strict=True))):
            d.add_(d_cell)
            torch.sub(old, u, out=d_f).mul_(d)
            through_sigmoid(d_f, f)
            kept = d * f
            torch.sub(d, kept, out=d_u)
            torch.addcmul(kept, d_f, memory, out=d)
        d_memory = torch.mul(d_forget, cells[:-1]).sum((0, 1))
        return d_forget, d_candidates, d_memory, d
