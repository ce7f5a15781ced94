"""The pass over time of minGRU, minLSTM and QRNN: from the product of all gates to the outputs, in the cache.

    h_t = k_t h_{t-1} + (1 - k_t) u_t        y_t = o_t h_t, or h_t

What a cell keeps (k), takes in (u) and shows (o) it makes of its parts of the product, see `GateRules`. All that lies
between product and outputs is done block by block, a few steps of time that stay in the cache: read and widened to
float32, squashed, run through the recurrence, shortened and written. Only the product and h are kept for the way back,
where the gates are made anew. A GPU, where each operation costs a launch, takes the whole window as one block.

Backward, with dy the gradient of the outputs and dh_t what the loss wants of h_t, through its output and the next step:

    dh_t = o_t dy_t + k_{t+1} dh_{t+1}     do_t = dy_t h_t     dk_t = dh_t (h_{t-1} - u_t)     du_t = dh_t (1 - k_t)

Shapes: B batch, T time, H hidden, P parts of the product, t steps of a block. Everything is time-major.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from anaphora.models.cells.scan import launches_cost, run_back, run_in_chunks

_BLOCK = 1 << 16  # numbers of the product in one block, for each thread: with their gradients half a megabyte


class Gates(NamedTuple):
    """What a cell does with its memory over some steps, each (t, B, H).

    Attributes:
        keep: the share of h that stays.
        candidates: what comes in its stead.
        output: the share of h that is shown; None shows all.
    """

    keep: Tensor
    candidates: Tensor
    output: Tensor | None = None


class GateRules(ABC):
    """How a cell makes gates of its parts of the product, and the way back.

    Attributes:
        num_parts: P.
        keep_part: which part the gradient of `keep` is written to, for `close`.
        candidates_part: likewise of `candidates`.
        output_part: likewise of `output`.
    """

    num_parts: ClassVar[int]
    keep_part: ClassVar[int]
    candidates_part: ClassVar[int]
    output_part: ClassVar[int | None] = None

    @abstractmethod
    def open(self, parts: Sequence[Tensor]) -> Gates:
        """Turn the parts, each (t, B, H), into gates, in place."""

    @abstractmethod
    def close(self, parts: Sequence[Tensor], gates: Gates, d_parts: Sequence[Tensor]) -> None:
        """Turn the gradients of the gates into those of the parts, in place.

        Args:
            parts: as `open` left them.
            gates: what it returned.
            d_parts: the gradients, each where the class attributes say; other parts hold nothing yet.
        """


def gated_scan(rules: GateRules, product: Tensor, bias: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the outputs y (T, B, H), in the product's number format, and the last h (B, H), at least in float32.

    Args:
        rules: of the cell.
        product: (T, B, P H), the parts side by side.
        bias: (P H,), added to it.
        state: (B, H), h before the first step.
    """
    outputs, last = _GatedScan.apply(rules, product, bias, state)  # type: ignore[no-untyped-call]
    return cast(Tensor, outputs), cast(Tensor, last)


class _GatedScan(torch.autograd.Function):
    """`gated_scan`, and its gradients written out."""

    @staticmethod
    def forward(ctx: Any, rules: GateRules, product: Tensor, bias: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See `gated_scan`."""
        wide = torch.promote_types(product.dtype, torch.float32)
        hidden = state.new_empty(len(product) + 1, *state.shape, dtype=wide)
        hidden[0] = state
        shows_all = rules.output_part is None and product.dtype == wide
        outputs = hidden[1:] if shows_all else product.new_empty(hidden[1:].shape)
        parts = _Parts(rules, product, wide)
        for block in parts.blocks():
            gates = rules.open(parts.read(product[block], bias))
            after = hidden[block.start + 1 : block.stop + 1]
            _run(gates, hidden[block.start], after)
            if gates.output is not None:
                torch.mul(gates.output, after, out=outputs[block])
            elif not shows_all:
                outputs[block] = after
        ctx.rules = rules
        ctx.save_for_backward(product, bias, hidden)
        return outputs, hidden[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_last: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of `forward`'s arguments."""
        rules, (product, bias, hidden) = ctx.rules, ctx.saved_tensors
        parts, d_parts = _Parts(rules, product, hidden.dtype), _Parts(rules, product, hidden.dtype)
        d_product, d_bias, d_state = torch.empty_like(product), torch.zeros_like(bias, dtype=hidden.dtype), d_last
        for block in reversed(list(parts.blocks())):
            opened = parts.read(product[block], bias)
            gates = rules.open(opened)
            d_opened = d_parts.room(len(opened[0]))
            before, after = hidden[block], hidden[block.start + 1 : block.stop + 1]
            d_hidden = d_outputs[block].to(hidden.dtype, copy=True)
            if gates.output is not None and rules.output_part is not None:
                torch.mul(d_hidden, after, out=d_opened[rules.output_part])
                d_hidden.mul_(gates.output)
            d_hidden[-1].add_(d_state)
            d_hidden = run_back(gates.keep, d_hidden)
            d_kept = d_hidden * gates.keep
            torch.sub(before, gates.candidates, out=d_opened[rules.keep_part]).mul_(d_hidden)
            torch.sub(d_hidden, d_kept, out=d_opened[rules.candidates_part])
            rules.close(opened, gates, d_opened)
            d_parts.write(d_opened, d_product[block], d_bias)
            d_state = d_kept[0]
        return None, d_product, d_bias.to(bias.dtype), d_state


class _Parts:
    """Room for the parts of one block in full digits, each in a piece of its own."""

    def __init__(self, rules: GateRules, product: Tensor, dtype: torch.dtype) -> None:
        seq_len, batch_size, width = product.shape
        steps = max(1, _BLOCK * torch.get_num_threads() // max(1, batch_size * width))
        self._seq_len, self._steps = seq_len, max(1, seq_len if launches_cost(product) else min(steps, seq_len))
        shape = (rules.num_parts, self._steps, batch_size, width // rules.num_parts)
        self._room = product.new_empty(shape, dtype=dtype)

    def blocks(self) -> Iterator[slice]:
        """Yield the blocks of the window, first to last."""
        for start in range(0, self._seq_len, self._steps):
            yield slice(start, min(start + self._steps, self._seq_len))

    def room(self, steps: int) -> tuple[Tensor, ...]:
        """Return a tensor (t, B, H) for each part, to be written to."""
        return self._room[:, :steps].unbind()

    def read(self, product: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
        """Return the parts of a product (t, B, P H), each (t, B, H), with their bias."""
        parts = self.room(len(product))
        for part, given, added in zip(parts, self._split(product), self._split(bias), strict=True):
            part.copy_(given).add_(added)
        return parts

    def write(self, parts: Sequence[Tensor], product: Tensor, bias: Tensor) -> None:
        """Do the opposite with gradients; that of the bias is added to."""
        for part, wanted, total in zip(parts, self._split(product), self._split(bias), strict=True):
            wanted.copy_(part)
            total.add_(part.sum((0, 1)))

    def _split(self, side_by_side: Tensor) -> tuple[Tensor, ...]:
        return side_by_side.chunk(len(self._room), -1)


def _run(gates: Gates, state: Tensor, hidden: Tensor) -> None:
    """Write h (t, B, H) after the state (B, H)."""
    if launches_cost(hidden):
        taken = gates.candidates - gates.keep * gates.candidates
        hidden.copy_(run_in_chunks(gates.keep, taken, state)[1:])
        return
    for keep, candidates, new in zip(gates.keep.unbind(), gates.candidates.unbind(), hidden.unbind(), strict=True):
        state = torch.lerp(candidates, state, keep, out=new)
