"""From the product of all gates to the outputs of a fast cell: compiled loops on the CPU, tensor operations elsewhere.

The loops (`gated_pass.py`) go through the numbers once and keep nothing but the product and h for the way back. Double
precision and GPUs go through the same formulas as operations on whole tensors, which are also what tests hold the loops
to. Shapes: B batch, T time, H hidden, P parts of the product, Q numbers of each unit. Everything is time-major.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from anaphora.models.cells.gated_pass import LEAST_VARIANCE, PARTS, Gating, backward_loop, forward_loop
from anaphora.models.cells.scan import scan
from anaphora.models.language_model import at_least_float32
from anaphora.models.vector_math import as_array, in_lanes, loops_serve


class Gates(NamedTuple):
    """What a cell does with its memory, each (T, B, H).

    Attributes:
        keep: k, the share of h that stays.
        taken: w, what comes to it.
        output: o, the share of h that is shown; None shows all.
    """

    keep: Tensor
    taken: Tensor
    output: Tensor | None = None


def gated_scan(gating: Gating, product: Tensor, units: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the outputs y (T, B, H), in the product's number format, and the last h (B, H), at least in float32.

    Args:
        gating: whose gates.
        product: (T, B, P H), the parts side by side.
        units: (Q, H): the biases of the parts, then what else the gates ask of each unit.
        state: (B, H), h before the first step.
    """
    if loops_serve(product, units, state):
        outputs, last = _Compiled.apply(gating, product, units, state)  # type: ignore[no-untyped-call]
        return cast(Tensor, outputs), cast(Tensor, last)
    return composed(gating, product, units, state)


def composed(gating: Gating, product: Tensor, units: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Do what `gated_scan` says in operations on whole tensors."""
    parts = at_least_float32(product).unflatten(-1, (PARTS[gating], -1)) + units[: PARTS[gating]]
    gates = _OPEN[gating](parts.unbind(-2), units)
    hidden = scan(gates.keep.transpose(0, 1), gates.taken.transpose(0, 1), state).transpose(0, 1)
    outputs = hidden if gates.output is None else gates.output * hidden
    return outputs.to(product.dtype), hidden[-1]


def _mingru(parts: tuple[Tensor, ...], _: Tensor) -> Gates:
    update, candidates = parts
    return Gates(torch.sigmoid(-update), update.sigmoid() * candidates)


def _minlstm(parts: tuple[Tensor, ...], _: Tensor) -> Gates:
    forget, take, candidates = parts
    logits = F.logsigmoid(forget) - F.logsigmoid(take)  # f / (f + i) = s(log f - log i), for both may be tiny
    return Gates(logits.sigmoid(), (-logits).sigmoid() * candidates)


def _qrnn(parts: tuple[Tensor, ...], _: Tensor) -> Gates:
    candidates, forget, output = parts
    return Gates(forget.sigmoid(), torch.sigmoid(-forget) * candidates.tanh(), output.sigmoid())


def _rglru(parts: tuple[Tensor, ...], units: Tensor) -> Gates:
    recurrence, take, values = parts
    exponents = units[-1] * recurrence.sigmoid()
    variance = -torch.expm1(-2 * exponents)  # 1 - k^2, exact also where k is nearly 1
    return Gates(torch.exp(-exponents), variance.clamp_min(LEAST_VARIANCE).sqrt() * take.sigmoid() * values)


_OPEN: dict[Gating, Callable[[tuple[Tensor, ...], Tensor], Gates]] = {
    Gating.MINGRU: _mingru,
    Gating.MINLSTM: _minlstm,
    Gating.QRNN: _qrnn,
    Gating.RGLRU: _rglru,
}


class _Compiled(torch.autograd.Function):
    """`gated_scan` by the loops, and its gradients."""

    @staticmethod
    def forward(ctx: Any, gating: Gating, product: Tensor, units: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See `gated_scan`."""
        product = product.contiguous()
        hidden = state.new_empty(len(product) + 1, *state.shape, dtype=torch.float32)
        hidden[0] = state
        units = units.float().contiguous()
        outputs = product.new_empty(hidden[1:].shape)
        given = (product.unflatten(-1, (PARTS[gating], -1)), units, hidden, outputs)
        in_lanes(forward_loop(gating), len(state), product.numel(), tuple(map(as_array, given)))
        ctx.gating = gating
        ctx.save_for_backward(product, units, hidden)
        return outputs, hidden[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_last: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of `forward`'s arguments."""
        gating, (product, units, hidden) = ctx.gating, ctx.saved_tensors
        d_product, d_state = torch.empty_like(product), d_last.clone(memory_format=torch.contiguous_format)
        d_units = units.new_zeros(len(d_state), *units.shape)
        by_parts = (PARTS[gating], -1)
        given = (
            product.unflatten(-1, by_parts),
            units,
            hidden,
            d_outputs.contiguous(),
            d_state,
            d_product.unflatten(-1, by_parts),
            d_units,
        )
        in_lanes(backward_loop(gating), len(d_state), product.numel(), tuple(map(as_array, given)))
        return None, d_product, d_units.sum(0), d_state
