"""What lies between the products of a block, compiled: residual sum and norm in one pass, and SwiGLU in one.

    x' = x + added        y = w (x' - mean) / sqrt(variance + eps)                 silu(u) v, silu(u) = u s(u)

As whole-array operations they take most of the block's time on a CPU. Under autocast the stream stays in float32, and
what goes into a product is written in bfloat16 at once. Double precision and GPUs take the framework's operations.

Backward, with g = w dy and x^ the normed numbers before the weight:

    dx' += (g - mean(g) - x^ mean(g x^)) / deviation     dv = d u s(u)     du = d v s(u) (1 + u (1 - s(u)))

Shapes: ... any, D width of the stream, W width of the gated layer. Rows lie one after the other in memory.
"""

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from anaphora.compiled import compiled_on_vectors
from anaphora.models.language_model import product_format
from anaphora.models.vector_math import Array, as_array, in_lanes, loops_serve, read, sigmoid, stored

_ZERO, _ONE, _EPSILON = np.float32(0.0), np.float32(1.0), 1e-5  # the last as in nn.LayerNorm
_EPS = np.float32(_EPSILON)
_BLOCK = 64  # rows that share a sum of the weight's gradient, whatever the number of threads


def add_and_norm(stream: Tensor, added: Tensor | None, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of both (..., D), and what LayerNorm without a shift makes of it, ready for a product.

    Args:
        stream: (..., D).
        added: (..., D), in any number format; None adds nothing.
        weight: (D,).
    """
    stream = stream.contiguous()
    if loops_serve(stream, weight, *([] if added is None else [added])) and stream.dtype == torch.float32:
        total, normed = _AddAndNorm.apply(stream, added, weight, product_format(stream))  # type: ignore[no-untyped-call]
        return (stream if added is None else cast(Tensor, total)), cast(Tensor, normed)
    total = stream if added is None else stream + added
    return total, F.layer_norm(total, weight.shape, weight, None, _EPSILON)


def swiglu(product: Tensor) -> Tensor:
    """Return silu(u) * v, (..., W), of a product (..., 2 W) that holds u and v side by side (Shazeer 2020)."""
    if loops_serve(product):
        return cast(Tensor, _SwiGlu.apply(product.contiguous()))  # type: ignore[no-untyped-call]
    gate, value = product.chunk(2, -1)
    return F.silu(gate) * value


class _AddAndNorm(torch.autograd.Function):
    """`add_and_norm` by the loops, and its gradients. Without something to add the first output is None."""

    @staticmethod
    def forward(
        ctx: Any, stream: Tensor, added: Tensor | None, weight: Tensor, dtype: torch.dtype
    ) -> tuple[Tensor | None, Tensor]:
        """See `add_and_norm`."""
        size = len(weight)
        total = stream if added is None else torch.empty_like(stream)
        normed = torch.empty_like(stream, dtype=dtype)
        scales = stream.new_empty(stream.numel() // size, 2)  # of each row: its mean, and 1 / its deviation
        plus = total if added is None else added.contiguous()
        rows = (part.view(-1, size) for part in (stream, plus, total, normed))
        given = (*map(as_array, rows), as_array(weight), as_array(scales), added is not None)
        in_lanes(_norm, len(scales), stream.numel(), given)
        ctx.save_for_backward(total, weight, scales)
        ctx.added = None if added is None else added.dtype
        return (None if added is None else total), normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_total: Tensor | None, d_normed: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of `forward`'s arguments."""
        total, weight, scales = ctx.saved_tensors
        size = len(weight)
        d_stream = torch.empty_like(total)
        d_added = d_stream if ctx.added in (None, total.dtype) else torch.empty_like(total, dtype=ctx.added)
        blocks = -(-len(scales) // _BLOCK)
        d_weight = total.new_zeros(blocks, size)
        passed = d_stream if d_total is None else d_total.contiguous()
        rows = (part.view(-1, size) for part in (total, d_normed.contiguous(), passed, d_stream, d_added))
        given = (*map(as_array, rows), as_array(weight), as_array(scales), as_array(d_weight))
        in_lanes(_norm_back, blocks, total.numel(), (*given, d_total is not None, d_added is not d_stream))
        return d_stream, None if ctx.added is None else d_added, d_weight.sum(0), None


@compiled_on_vectors
def _norm(
    first: int,
    last: int,
    stream: Array,
    added: Array,
    total: Array,
    normed: Array,
    weight: Array,
    scales: Array,
    adds: bool,
) -> None:
    """Sum and norm rows first .. last - 1."""
    size = len(weight)
    share = _ONE / np.float32(size)
    for row in range(first, last):
        x = total[row]
        if adds:
            before, plus = stream[row], added[row]
            for place in range(size):
                x[place] = before[place] + read(plus[place])
        mean = _ZERO
        for place in range(size):
            mean += x[place]
        mean *= share
        variance = _ZERO
        for place in range(size):
            variance += (x[place] - mean) * (x[place] - mean)
        scale = _ONE / np.sqrt(variance * share + _EPS)
        scales[row, 0], scales[row, 1] = mean, scale
        y = normed[row]
        for place in range(size):
            y[place] = stored((x[place] - mean) * scale * weight[place], normed)


@compiled_on_vectors
def _norm_back(
    first: int,
    last: int,
    total: Array,
    d_normed: Array,
    passed: Array,
    d_stream: Array,
    d_added: Array,
    weight: Array,
    scales: Array,
    d_weight: Array,
    passes: bool,
    copies: bool,
) -> None:
    """Write the gradients of blocks first .. last - 1, and each block's sum for the weight."""
    size = len(weight)
    share = _ONE / np.float32(size)
    for row in range(first * _BLOCK, min(last * _BLOCK, len(total))):
        x, dy, d_x, mean, scale = total[row], d_normed[row], d_stream[row], scales[row, 0], scales[row, 1]
        d_w = d_weight[row // _BLOCK]
        mean_g, mean_gx = _ZERO, _ZERO
        for place in range(size):
            unit, wanted = (x[place] - mean) * scale, read(dy[place])
            d_w[place] += wanted * unit
            mean_g += wanted * weight[place]
            mean_gx += wanted * weight[place] * unit
        mean_g, mean_gx = mean_g * share, mean_gx * share
        for place in range(size):
            unit = (x[place] - mean) * scale
            d_x[place] = (read(dy[place]) * weight[place] - mean_g - unit * mean_gx) * scale
        if passes:
            d_passed = passed[row]
            for place in range(size):
                d_x[place] += d_passed[place]
        if copies:
            d_plus = d_added[row]
            for place in range(size):
                d_plus[place] = stored(d_x[place], d_added)


class _SwiGlu(torch.autograd.Function):
    """`swiglu` by the loops, and its gradient."""

    @staticmethod
    def forward(ctx: Any, product: Tensor) -> Tensor:
        """See `swiglu`."""
        width = product.shape[-1] // 2
        result = product.new_empty(*product.shape[:-1], width)
        given = (as_array(product.view(-1, 2, width)), as_array(result.view(-1, width)))
        in_lanes(_swiglu, len(given[0]), product.numel(), given)
        ctx.save_for_backward(product)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_result: Tensor) -> Tensor:
        """Return the gradient of the product."""
        (product,) = ctx.saved_tensors
        d_product, width = torch.empty_like(product), product.shape[-1] // 2
        given = (product.view(-1, 2, width), d_result.contiguous().view(-1, width), d_product.view(-1, 2, width))
        in_lanes(_swiglu_back, len(given[0]), product.numel(), tuple(map(as_array, given)))
        return d_product


@compiled_on_vectors
def _swiglu(first: int, last: int, product: Array, result: Array) -> None:
    for row in range(first, last):
        gates, values, y = product[row, 0], product[row, 1], result[row]
        for place in range(len(y)):
            u = read(gates[place])
            y[place] = stored(u * sigmoid(u) * read(values[place]), result)


@compiled_on_vectors
def _swiglu_back(first: int, last: int, product: Array, d_result: Array, d_product: Array) -> None:
    for row in range(first, last):
        gates, values, wanted = product[row, 0], product[row, 1], d_result[row]
        d_gates, d_values = d_product[row, 0], d_product[row, 1]
        for place in range(len(wanted)):
            u, d = read(gates[place]), read(wanted[place])
            s = sigmoid(u)
            d_values[place] = stored(d * u * s, d_product)
            d_gates[place] = stored(d * read(values[place]) * s * (_ONE + u * (_ONE - s)), d_product)
