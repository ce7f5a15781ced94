"""From logits to the gradient of the cross-entropy, in their own place and in one go over each row, compiled.

    log p_t = z_t - log Z        dL/dz = p - (1 - e) onehot(t) - e / V, with label smoothing e

A row of logits is read, turned into probabilities and written while it is in the cache. Shapes: N rows, V types.
"""

import math

import numpy as np
from torch import Tensor

from anaphora.compiled import compiled_on_vectors
from anaphora.models.vector_math import Array, as_array, check_rows, exp, in_lanes, of_rank, rank, read, stored

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


def to_gradient(
    logits: Tensor, bias: Tensor, targets: Tensor, label_smoothing: float, scale: float
) -> tuple[Tensor, Tensor]:
    """Turn logits (N, V), float32 or bfloat16, into gradients of the rows' losses, in place.

    Args:
        logits: without their bias.
        bias: (V,), float32.
        targets: (N,), int64.
        label_smoothing: e.
        scale: what all gradients are multiplied by.

    Returns:
        log-probabilities of the targets, and the mean log-probability of all types, (N,) each, in float32; without
        label smoothing the second is not computed and is 0.
    """
    check_rows(targets, len(bias))
    log_probs, means = bias.new_empty(2, len(logits)).unbind()
    given = (*map(as_array, (logits, bias, targets, log_probs, means)), np.float32(label_smoothing), np.float32(scale))
    in_lanes(_rows, len(logits), logits.numel(), given)
    return log_probs, means


def add_to_bias(d_logits: Tensor, factors: Tensor, d_bias: Tensor) -> None:
    """Add gradients of logits (N, V), each row times its factor (N,), float32, to that of the bias (V,)."""
    if d_logits.dtype == d_bias.dtype:
        d_bias.addmv_(d_logits.t(), factors)
    else:
        in_lanes(_columns, len(d_bias), d_logits.numel(), tuple(map(as_array, (d_logits, factors, d_bias))))


@compiled_on_vectors
def _rows(
    first: int,
    last: int,
    logits: Array,
    bias: Array,
    targets: Array,
    log_probs: Array,
    means: Array,
    smoothing: np.float32,
    scale: np.float32,
) -> None:
    size = logits.shape[1]
    scratch = np.empty(size, np.float32)
    for row in range(first, last):
        z = logits[row]
        highest = rank(-np.float32(np.inf))
        for place in range(size):
            value = read(z[place]) + bias[place]
            scratch[place] = value
            highest = max(highest, rank(value))
        top = of_rank(highest)
        wanted = scratch[targets[row]]
        if smoothing > _ZERO:
            total = _ZERO
            for place in range(size):
                total += scratch[place] - top
            means[row] = total / np.float32(size)
        else:
            means[row] = _ZERO
        normaliser = _ZERO
        for place in range(size):
            value = exp(scratch[place] - top)
            scratch[place] = value
            normaliser += value
        log_z = np.float32(math.log(normaliser))
        log_probs[row] = wanted - top - log_z
        if smoothing > _ZERO:
            means[row] -= log_z
        each, less = scale / normaliser, scale * smoothing / np.float32(size)
        for place in range(size):
            z[place] = stored(scratch[place] * each - less, logits)
        target = targets[row]
        z[target] = stored(scratch[target] * each - less - scale * (_ONE - smoothing), logits)


@compiled_on_vectors
def _columns(first: int, last: int, d_logits: Array, factors: Array, d_bias: Array) -> None:
    for row in range(len(d_logits)):
        d, factor = d_logits[row], factors[row]
        for place in range(first, last):
            d_bias[place] += read(d[place]) * factor
