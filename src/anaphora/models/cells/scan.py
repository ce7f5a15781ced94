"""The element-wise linear recurrence under the fast cells: h_t = a_t h_{t-1} + b_t, forwards and backwards.

Nothing is multiplied by a matrix from step to step, so that a cell makes all its products for a whole window at once
and leaves to this file what must go in order. On a CPU that is one pass over the time, one fused operation a step; on a
GPU, where each operation costs a launch, the window is cut into chunks that advance side by side.

Shapes: B batch, T time, H hidden. Arguments may have any strides; results are time-major in memory.
"""

import math
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from anaphora.models.language_model import at_least_float32


def scan(decay: Tensor, inputs: Tensor, state: Tensor) -> Tensor:
    """Return h (B, T, H) of h_t = decay_t h_{t-1} + inputs_t, differentiable in all three.

    Args:
        decay: (B, T, H).
        inputs: (B, T, H).
        state: (B, H), what stands before the first step.

    What comes in bfloat16 is computed and returned in float32: a sum over hundreds of steps needs the digits.
    """
    decay, inputs, state = map(at_least_float32, (decay, inputs, state))
    hidden = _Scan.apply(decay.transpose(0, 1), inputs.transpose(0, 1), state)  # type: ignore[no-untyped-call]
    return cast(Tensor, hidden).transpose(0, 1)


def launches_cost(tensor: Tensor) -> bool:
    """Whether few large operations on such a tensor are faster than many small ones in the cache."""
    return tensor.is_cuda


def run(decay: Tensor, inputs: Tensor, state: Tensor) -> Tensor:
    """Return all states of the recurrence, (T + 1, B, H), the given one first; decay and inputs are (T, B, H)."""
    return run_in_chunks(decay, inputs, state) if launches_cost(decay) else run_in_steps(decay, inputs, state)


def run_in_steps(decay: Tensor, inputs: Tensor, state: Tensor) -> Tensor:
    """Do what `run` says, step by step, each step one fused operation on a slice that stays in the cache."""
    hidden = inputs.new_empty(len(inputs) + 1, *state.shape)
    hidden[0] = state
    slices = hidden.unbind()
    for old, a, b, new in zip(slices, decay.unbind(), inputs.unbind(), slices[1:], strict=False):
        torch.addcmul(b, a, old, out=new)
    return hidden


def run_in_chunks(decay: Tensor, inputs: Tensor, state: Tensor) -> Tensor:
    """Do what `run` says in about 2 sqrt(T) operations instead of T.

    sqrt(T) chunks start side by side from zero; then their last states are handed from chunk to chunk; then each
    step adds what came into its chunk, times the product of the decays since. There are only products of decays and
    sums, no quotients of products and no logarithms, so nothing can overflow that does not in the plain recurrence.
    """
    seq_len = len(inputs)
    length = math.isqrt(max(seq_len - 1, 0)) + 1
    num_chunks = -(-seq_len // length)
    missing = num_chunks * length - seq_len
    a = torch.cat([decay, decay.new_ones(missing, *state.shape)]).unflatten(0, (num_chunks, length))
    local = torch.cat([inputs, inputs.new_zeros(missing, *state.shape)]).unflatten(0, (num_chunks, length))
    since = a.clone()
    for t in range(1, length):
        local[:, t].addcmul_(a[:, t], local[:, t - 1])
        since[:, t].mul_(since[:, t - 1])
    starts = torch.empty_like(local[:, 0])
    start = state
    for chunk in range(num_chunks):
        starts[chunk] = start
        start = torch.addcmul(local[chunk, -1], since[chunk, -1], start)
    hidden = torch.addcmul(local, since, starts.unsqueeze(1)).flatten(0, 1)
    return torch.cat([state.unsqueeze(0), hidden[:seq_len]])


def run_back(decay: Tensor, d_hidden: Tensor) -> Tensor:
    """Return the gradient of every sum, d_t = d_hidden_t + decay_{t+1} d_{t+1}: the same recurrence, from the end."""
    if launches_cost(decay):
        decay, d_hidden = decay[1:].flip(0), d_hidden.flip(0)
        return run_in_chunks(decay, d_hidden[1:], d_hidden[0]).flip(0)
    d_sums = torch.empty_like(d_hidden, memory_format=torch.contiguous_format)
    slices = d_sums.unbind()
    slices[-1].copy_(d_hidden[-1])
    later = zip(decay[1:].unbind(), slices[1:], d_hidden[:-1].unbind(), slices[:-1], strict=True)
    for a, d_next, d_output, d_now in reversed(list(later)):
        torch.addcmul(d_output, a, d_next, out=d_now)
    return d_sums


class _Scan(torch.autograd.Function):
    """`scan`, time-major."""

    @staticmethod
    def forward(ctx: Any, decay: Tensor, inputs: Tensor, state: Tensor) -> Tensor:
        """See `scan`."""
        hidden = run(decay, inputs, state)
        ctx.save_for_backward(decay, hidden)
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hidden: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients of `forward`'s arguments."""
        decay, hidden = ctx.saved_tensors
        d_inputs = run_back(decay, d_hidden)
        return d_inputs * hidden[:-1], d_inputs, d_inputs[0] * decay[0]
