"""A layer's product with the embedded tokens, looked up: made once for each type instead of once for each position.

What a matrix makes of an embedded token depends on the token alone. Where a window holds many more positions than there
are types, as in a text by characters, the first layer's product costs next to nothing this way, and neither do its
gradients, which are sums per type.

Shapes: B batch, T time, V vocabulary, N width of the product, k inputs that a step sees, the lag of the last being 0.
"""

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from anaphora.compiled import compiled_on_vectors
from anaphora.models.vector_math import Array, as_array, check_rows, in_lanes, loops_serve, read, stored

_LEAST_POSITIONS = 2  # of each type, on average


def table_pays(embedding: Tensor, tokens: Tensor) -> bool:
    """Whether `look_up` beats a product on tokens (B, T) embedded by a matrix (V, E)."""
    return loops_serve(embedding) and tokens.numel() >= _LEAST_POSITIONS * len(embedding)


def look_up(tables: Tensor, tokens: Tensor, border: Tensor) -> Tensor:
    """Return the product (T, B, N), in the number format of the tables: of each step the sum of its k tokens' rows.

    Args:
        tables: (k, V, N), what a type adds 0, 1, ..., k - 1 steps after it was read.
        tokens: (T, B), int64.
        border: (k - 1, B, N), or T of it where that is less: what inputs before the first add to the first steps.
    """
    return cast(Tensor, _LookUp.apply(tables, tokens, border))  # type: ignore[no-untyped-call]


class _LookUp(torch.autograd.Function):
    """`look_up`; gradients are summed in float32."""

    @staticmethod
    def forward(ctx: Any, tables: Tensor, tokens: Tensor, border: Tensor) -> Tensor:
        """See `look_up`."""
        check_rows(tokens, tables.shape[1])
        tables, tokens, border = tables.contiguous(), tokens.contiguous(), border.to(tables.dtype).contiguous()
        product = tables.new_empty(*tokens.shape, tables.shape[2])
        given = tuple(map(as_array, (tables, tokens, border, product)))
        in_lanes(_fill, len(tokens), product.numel(), given)
        ctx.save_for_backward(tokens)
        ctx.num_lags, ctx.vocab_size, _ = tables.shape
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_product: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of `forward`'s arguments."""
        (tokens,), d_product = ctx.saved_tensors, d_product.contiguous()
        width = d_product.shape[2]
        d_tables = d_product.new_zeros(ctx.num_lags, ctx.vocab_size, width, dtype=torch.float32)
        in_lanes(_add_up, width, d_product.numel(), tuple(map(as_array, (d_product, tokens, d_tables))))
        return d_tables.to(d_product.dtype), None, d_product[: ctx.num_lags - 1]


@compiled_on_vectors
def _fill(first: int, last: int, tables: Array, tokens: Array, border: Array, product: Array) -> None:
    """Write the product of steps first .. last - 1."""
    for step in range(first, last):
        lags = min(len(tables), step + 1)
        for sequence in range(tokens.shape[1]):
            total = product[step, sequence]
            now = tables[0, tokens[step, sequence]]
            if step < len(border):
                before = border[step, sequence]
                for place in range(len(total)):
                    total[place] = stored(read(now[place]) + read(before[place]), product)
            else:
                total[:] = now
            for lag in range(1, lags):
                earlier = tables[lag, tokens[step - lag, sequence]]
                for place in range(len(total)):
                    total[place] = stored(read(total[place]) + read(earlier[place]), product)


@compiled_on_vectors
def _add_up(first: int, last: int, d_product: Array, tokens: Array, d_tables: Array) -> None:
    """Add the gradients of places first .. last - 1 of the product to those of the tables."""
    for step in range(len(tokens)):
        lags = min(len(d_tables), step + 1)
        for sequence in range(tokens.shape[1]):
            wanted = d_product[step, sequence]
            for lag in range(lags):
                total = d_tables[lag, tokens[step - lag, sequence]]
                for place in range(first, last):
                    total[place] += read(wanted[place])
