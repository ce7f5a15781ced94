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


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "cosine": cosine,
    "one-cycle": one_cycle,
    "plateau": constant,
}

# The others lay their curve over the whole run: its length cannot be changed half-way.
OPEN_ENDED = frozenset({"constant", "plateau"})


def _along_line(start: float, end: float, part: float) -> float:
    return start + (end - start) * part


def _along_cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(part, 1.0))) / 2
