"""The pass over time of the fast cells, compiled: from the product of all gates to the outputs, and back.

    h_t = k_t h_{t-1} + w_t        y_t = o_t h_t, or h_t

What a cell keeps (k), takes in (w) and shows (o) it makes of its parts of the product and of some numbers that each
unit has for itself, see `_gates`. A unit's way through time depends on no other unit, so a loop takes sequence after
sequence, step after step, as many units at once as a vector register holds; nothing but the product and h is kept for
the way back, where the gates are made anew.

Backward, with dy the gradient of the outputs and dh_t what the loss wants of h_t, through its output and the next step:

    dh_t = o_t dy_t + k_{t+1} dh_{t+1}     do_t = dy_t h_t     dk_t = dh_t h_{t-1}     dw_t = dh_t

Shapes: B batch, T time, H hidden, P parts of the product, Q numbers of each unit (the biases of the parts, then any of
its own). Everything is time-major, float32; the product, the outputs and their gradients may be bfloat16.
"""

from collections.abc import Callable
from enum import IntEnum
from functools import cache

import numpy as np

from anaphora.compiled import compiled_on_vectors, inlined
from anaphora.models.vector_math import Array, exp, expm1, read, sigmoid, stored, tanh


class Gating(IntEnum):
    """Whose gates; with a product a and the numbers of a unit n."""

    MINGRU = 0  # a: update, candidate
    MINLSTM = 1  # a: forget, take, candidate
    QRNN = 2  # a: candidate, forget, output
    RGLRU = 3  # a: recurrence, take, value; n: the three biases, the rate of decay


_MINGRU, _MINLSTM, _QRNN, _RGLRU = (int(gating) for gating in Gating)
PARTS = {Gating.MINGRU: 2, Gating.MINLSTM: 3, Gating.QRNN: 3, Gating.RGLRU: 3}
_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
LEAST_VARIANCE = 1e-6  # of what an RG-LRU takes in: below it the root's slope would be a gradient without measure
_LEAST_VARIANCE = np.float32(LEAST_VARIANCE)

Numbers = tuple[np.float32, ...]


@inlined
def _at_least(variance: np.float32) -> np.float32:
    return _LEAST_VARIANCE if variance < _LEAST_VARIANCE else variance


@inlined
def _gates(gating: int, a: np.float32, b: np.float32, c: np.float32, rate: np.float32) -> Numbers:
    """Return k, w and o of one unit in one step, from its parts with their biases; a cell with two parts has no c."""
    if gating == _MINGRU:
        keep = sigmoid(-a)
        return keep, (_ONE - keep) * b, _ONE
    if gating == _MINLSTM:  # f / (f + i), where both may be too small for a quotient of the two
        forget, take = _ONE + exp(-a), _ONE + exp(-b)
        keep = take / (take + forget)
        return keep, (_ONE - keep) * c, _ONE
    if gating == _QRNN:
        keep = sigmoid(b)
        return keep, (_ONE - keep) * tanh(a), sigmoid(c)
    exponent = rate * sigmoid(a)
    return exp(-exponent), np.sqrt(_at_least(-expm1(-_TWO * exponent))) * sigmoid(b) * c, _ONE


@inlined
def _gradients(
    gating: int,
    a: np.float32,
    b: np.float32,
    c: np.float32,
    rate: np.float32,
    d_keep: np.float32,
    d_taken: np.float32,
    d_shown: np.float32,
) -> Numbers:
    """Return the gradients of a, b, c and rate. What `_gates` has computed as well the compiler computes once."""
    if gating == _MINGRU:
        keep = sigmoid(-a)
        return (d_taken * b - d_keep) * keep * (_ONE - keep), d_taken * (_ONE - keep), _ZERO, _ZERO
    if gating == _MINLSTM:
        e_forget, e_take = exp(-a), exp(-b)
        forget, take = _ONE + e_forget, _ONE + e_take
        keep = take / (take + forget)
        d_logit = (d_keep - d_taken * c) * keep * (_ONE - keep)
        return d_logit * (e_forget / forget), -d_logit * (e_take / take), d_taken * (_ONE - keep), _ZERO
    if gating == _QRNN:
        candidate, keep, shown = tanh(a), sigmoid(b), sigmoid(c)
        return (
            d_taken * (_ONE - keep) * (_ONE - candidate * candidate),
            (d_keep - d_taken * candidate) * keep * (_ONE - keep),
            d_shown * shown * (_ONE - shown),
            _ZERO,
        )
    recurrence, take = sigmoid(a), sigmoid(b)
    keep, variance = exp(-rate * recurrence), -expm1(-_TWO * rate * recurrence)
    scale = np.sqrt(_at_least(variance))
    d_variance = d_taken * take * c * _HALF / scale if variance > _LEAST_VARIANCE else _ZERO
    d_exponent = _TWO * d_variance * keep * keep - d_keep * keep
    return (
        d_exponent * rate * recurrence * (_ONE - recurrence),
        d_taken * scale * c * take * (_ONE - take),
        d_taken * scale * take,
        d_exponent * recurrence,
    )


@cache
def forward_loop(gating: Gating) -> Callable[..., None]:
    """Return the loop over sequences first .. last - 1 that fills hidden (T + 1, B, H) after its first, and outputs."""
    of, parts = int(gating), PARTS[gating]  # constants of the machine code

    def loop(first: int, last: int, product: Array, units: Array, hidden: Array, outputs: Array) -> None:
        """Product (T, B, P, H); units (Q, H); outputs (T, B, H)."""
        state = hidden[0, first:last].copy()  # apart from `hidden`, or steps might overlap for all the compiler knows
        for step in range(len(product)):
            for sequence in range(first, last):
                given, after, shown = product[step, sequence], hidden[step + 1, sequence], outputs[step, sequence]
                h = state[sequence - first]
                for unit in range(len(h)):
                    keep, taken, output = _gates(
                        of,
                        read(given[0, unit]) + units[0, unit],
                        read(given[1, unit]) + units[1, unit],
                        read(given[parts - 1, unit]) + units[parts - 1, unit],
                        units[len(units) - 1, unit],
                    )
                    new = keep * h[unit] + taken
                    h[unit] = new
                    after[unit] = new
                    shown[unit] = stored(output * new, outputs)

    return compiled_on_vectors(loop)


@cache
def backward_loop(gating: Gating) -> Callable[..., None]:
    """Return the loop over sequences first .. last - 1 that fills the gradients."""
    of, parts, has_rate = int(gating), PARTS[gating], gating == Gating.RGLRU

    def loop(
        first: int,
        last: int,
        product: Array,
        units: Array,
        hidden: Array,
        d_outputs: Array,
        d_state: Array,
        d_product: Array,
        d_units: Array,
    ) -> None:
        """d_state (B, H) comes as that of the last h and leaves as that of the first; d_units (B, Q, H) is added to."""
        own, d_own = len(units) - 1, d_units[first]
        for step in range(len(product) - 1, -1, -1):
            for sequence in range(first, last):
                given, before, after = product[step, sequence], hidden[step, sequence], hidden[step + 1, sequence]
                d_shown, d_given = d_outputs[step, sequence], d_product[step, sequence]
                d_h = d_state[sequence]
                for unit in range(len(d_h)):
                    a = read(given[0, unit]) + units[0, unit]
                    b = read(given[1, unit]) + units[1, unit]
                    c = read(given[parts - 1, unit]) + units[parts - 1, unit]
                    rate = units[own, unit]
                    keep, _, output = _gates(of, a, b, c, rate)
                    d_output = read(d_shown[unit])
                    d_new = d_h[unit] + output * d_output
                    d_a, d_b, d_c, d_rate = _gradients(
                        of, a, b, c, rate, d_new * before[unit], d_new, d_output * after[unit]
                    )
                    d_h[unit] = d_new * keep
                    d_given[0, unit] = stored(d_a, d_product)
                    d_given[1, unit] = stored(d_b, d_product)
                    d_own[0, unit] += d_a
                    d_own[1, unit] += d_b
                    if parts > 2:
                        d_given[2, unit] = stored(d_c, d_product)
                        d_own[2, unit] += d_c
                    if has_rate:
                        d_own[own, unit] += d_rate

    return compiled_on_vectors(loop)
