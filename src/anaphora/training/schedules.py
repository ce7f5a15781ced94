"""How learning rate and momentum move through a run: pure functions of the progress, a fraction from 0 to 1.

Steps, epochs and wall-clock time all give such a fraction, so one function serves every way to stop a run. "plateau" is
constant here: its halving answers to the validation loss, which the trainer knows and a function of time cannot.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

_WARMUP = 0.02  # cosine: share of the run in which the learning rate rises
_RISE = 0.25  # one-cycle: the same
_START = 1 / 25  # of the highest learning rate, for both
_END = 1e-5
_CUT, _RATIO = 0.1, 32  # slanted triangle: share of the rise, and how far it rises
_CYCLES, _GROWTH = 4, 2  # warm restarts: how many, and how much longer each is than the one before
_MOMENTUM_HIGH, _MOMENTUM_LOW = 0.95, 0.85


class Point(NamedTuple):
    """One point of a schedule.

    Attributes:
        scale: factor on the configured learning rate.
        momentum: what takes the place of the configured momentum; None leaves it alone.
    """

    scale: float
    momentum: float | None = None


Schedule = Callable[[float], Point]


def constant(fraction: float) -> Point:
    """Stay at the configured learning rate."""
    del fraction
    return Point(1.0)


def cosine(fraction: float) -> Point:
    """Rise for 2 % of the run, then fall to zero along half a cosine (Loshchilov and Hutter 2017, one period)."""
    if fraction < _WARMUP:
        return Point(_along_line(_START, 1.0, fraction / _WARMUP))
    return Point(_along_cosine(1.0, 0.0, (fraction - _WARMUP) / (1 - _WARMUP)))


def one_cycle(fraction: float) -> Point:
    """Rise for a quarter of the run and fall for the rest, while momentum does the opposite (Smith 2018).

    Both halves follow a cosine, from 1/25 of the highest learning rate to all of it to 1e-5 of it; momentum (Adam's
    beta1) goes from 0.95 to 0.85 and back.
    """
    if fraction < _RISE:
        part, ends, momenta = fraction / _RISE, (_START, 1.0), (_MOMENTUM_HIGH, _MOMENTUM_LOW)
    else:
        part, ends, momenta = (fraction - _RISE) / (1 - _RISE), (1.0, _END), (_MOMENTUM_LOW, _MOMENTUM_HIGH)
    return Point(_along_cosine(*ends, part), _along_cosine(*momenta, part))


def slanted_triangular(fraction: float) -> Point:
    """Rise along a line for a tenth of the run, and fall along another for the rest (Howard and Ruder 2018, section 3).

    Both ends are at 1/32 of the highest learning rate, the paper's `ratio`; its `cut_frac` is the tenth.
    """
    part = fraction / _CUT if fraction < _CUT else (1 - fraction) / (1 - _CUT)
    return Point(_along_line(1 / _RATIO, 1.0, max(part, 0.0)))


def warm_restarts(fraction: float) -> Point:
    """Fall to zero along half a cosine four times, each time for twice as long (Loshchilov and Hutter 2017, "SGDR")."""
    total = _GROWTH**_CYCLES - 1  # in units of the first cycle, of which k cycles take 2^k - 1
    elapsed = min(fraction, 1.0) * total
    number = min(int(math.log(elapsed + 1, _GROWTH)), _CYCLES - 1)
    start, length = _GROWTH**number - 1, _GROWTH**number
    return Point(_along_cosine(1.0, 0.0, (elapsed - start) / length))


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "cosine": cosine,
    "one-cycle": one_cycle,
    "plateau": constant,
    "slanted-triangular": slanted_triangular,
    "warm-restarts": warm_restarts,
}

# The others lay their curve over the whole run: its length cannot be changed half-way.
OPEN_ENDED = frozenset({"constant", "plateau"})


def _along_line(start: float, end: float, part: float) -> float:
    return start + (end - start) * part


def _along_cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(part, 1.0))) / 2
