"""The element-wise half of an LSTM step and its gradient, written out once for all who take an LSTM step by step.

With s the logistic function and a the sums, (B, 4H), that the gates i, f, g, o are made of, forward:

    i, f, o = s(a^i), s(a^f), s(a^o)        g = tanh(a^g)        c_t = f c_{t-1} + i g        h_t = o tanh(c_t)

and backward, given dh_t and what comes from the next step's cells, dc_t:

    dc_t += dh_t o (1 - tanh(c_t)^2)         da^i = dc g i (1 - i)           da^f = dc c_{t-1} f (1 - f)
    dc_{t-1} = dc_t f                        da^g = dc i (1 - g^2)           da^o = dh tanh(c_t) o (1 - o)

A capped input gate, min(i, 1 - f), keeps the cells within -1 and 1 for ever (Melis, Dyer and Blunsom 2018, "On the
state of the art of evaluation in neural language models", arXiv 1707.05589). Where it is capped its gradient goes to f:

    da^i = 0        da^f = dc (c_{t-1} - g) f (1 - f)

Shapes: B batch, H hidden. The functions write into tensors that the caller holds, so that a loop allocates nothing.
"""

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from anaphora.models.slopes import through_sigmoid, through_tanh


def lstm_step(sums: Tensor, c: Tensor, *, cap_input_gate: bool = False) -> tuple[Tensor, Tensor]:
    """Return the outputs h and the cells c, each (B, H), after a step from cells (B, H) with gate sums (B, 4H)."""
    return cast(tuple[Tensor, Tensor], _Step.apply(sums.to(c.dtype), c, cap_input_gate))  # type: ignore[no-untyped-call]


class _Step(torch.autograd.Function):
    """One node of the graph instead of a dozen."""

    @staticmethod
    def forward(ctx: Any, sums: Tensor, c: Tensor, cap_input_gate: bool) -> tuple[Tensor, Tensor]:
        """See `lstm_step`."""
        gates, new_c, h = sums.clone(), torch.empty_like(c), torch.empty_like(c)
        advance(gates, c, new_c, h, cap_input_gate=cap_input_gate)
        ctx.save_for_backward(gates, c, new_c)
        ctx.cap_input_gate = cap_input_gate
        return h, new_c

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_h: Tensor, d_c: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients of `forward`'s arguments from those of what it returned."""
        gates, old_c, c = ctx.saved_tensors
        d_sums, d_c = torch.empty_like(gates), d_c.clone()
        spare = c.new_empty(2, *c.shape)
        retreat(gates, old_c, c, d_h, d_c, d_sums, spare, cap_input_gate=ctx.cap_input_gate)
        return d_sums, d_c, None


def advance(gates: Tensor, c: Tensor, new_c: Tensor, new_h: Tensor, *, cap_input_gate: bool = False) -> None:
    """Turn the sums in `gates` (B, 4H) into the gates, and write the step's cells and outputs, (B, H) each."""
    i, f, g, o = gates.chunk(4, 1)
    for gate in (i, f, o):
        gate.sigmoid_()
    if cap_input_gate:
        torch.minimum(i, 1 - f, out=i)
    g.tanh_()
    torch.mul(f, c, out=new_c).addcmul_(i, g)
    torch.tanh(new_c, out=new_h).mul_(o)


def retreat(
    gates: Tensor,
    old_c: Tensor,
    c: Tensor,
    d_h: Tensor,
    d_c: Tensor,
    d_sums: Tensor,
    spare: Tensor,
    *,
    cap_input_gate: bool = False,
) -> None:
    """Go back through `advance`: write d_sums (B, 4H), and turn d_c, that of the new cells, into that of the old.

    Args:
        gates: (B, 4H), as `advance` left them.
        old_c: (B, H), the cells before the step.
        c: (B, H), the cells after it.
        d_h: (B, H), the gradient of its outputs.
        d_c: (B, H), the gradient of its cells; changed.
        d_sums: (B, 4H), written.
        spare: (2, B, H), to compute in.
        cap_input_gate: as `advance` was told.
    """
    tanh_c, d_tanh_c = spare.unbind()
    (i, f, g, o), (d_i, d_f, d_g, d_o) = gates.chunk(4, 1), d_sums.chunk(4, 1)
    torch.tanh(c, out=tanh_c)
    d_c.add_(through_tanh(torch.mul(d_h, o, out=d_tanh_c), tanh_c))
    through_sigmoid(torch.mul(d_c, g, out=d_i), i)
    through_sigmoid(torch.mul(d_c, old_c, out=d_f), f)
    through_tanh(torch.mul(d_c, i, out=d_g), g)
    through_sigmoid(torch.mul(d_h, tanh_c, out=d_o), o)
    d_c.mul_(f)

    if cap_input_gate:
        # There da^i is dc g i (1 - i) with i = 1 - f, so -dc g f (1 - f), what a^f lacks, is that with its sign turned.
        capped = i >= 1 - f
        d_f.sub_(torch.where(capped, d_i, 0.0))
        d_i.masked_fill_(capped, 0.0)
