"""Choose among candidates by a weighted sum of features, and find the weights that make the fewest errors.

The search is minimum error rate training (Och 2003). Along any line through the space of weights each candidate's total
is a straight line, so the best candidate of an input changes at a few points only; between them the number of errors is
constant, and all of its values are found exactly. Directions are the axes and some random ones, until none helps.

Shapes: N candidates of all inputs, F features.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RANDOM_DIRECTIONS = 4
_NARROW = 1e-9  # an interval of weights that no number of four digits would hit


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What there is to choose from, and what each choice would cost.

    Attributes:
        groups: for each input the rows of its candidates, in the order in which ties are decided.
        features: (N, F).
        errors: (N,), the errors each candidate makes.
    """

    groups: Sequence[NDArray[np.int64]]
    features: Floats
    errors: NDArray[np.int64]

    def errors_with(self, weights: Floats) -> int:
        """Return the errors of the candidates that these weights (F,) choose."""
        totals = self.features @ weights
        return int(sum(self.errors[rows[np.argmax(totals[rows])]] for rows in self.groups))

    def fewest_errors(self) -> int:
        """Return the errors of the best candidates there are: no weights can do better."""
        return int(sum(self.errors[rows].min() for rows in self.groups))


def tune(choices: Choices, weights: Floats, free: Sequence[int], *, restarts: int, seed: int) -> Floats:
    """Return weights (F,) that make few errors, and no more than those that are given.

    Args:
        choices: of a development set.
        weights: where to start; the fixed ones among them stay.
        free: which weights may change.
        restarts: how often to start again from random weights.
        seed: of the random starts and directions.
    """
    chance = np.random.default_rng(seed)
    best, fewest = _descend(choices, weights, free, chance)
    for _ in range(restarts):
        start = weights.copy()
        start[list(free)] = chance.normal(scale=np.abs(weights).max(), size=len(free))
        found, errors = _descend(choices, start, free, chance)
        if errors < fewest:
            best, fewest = found, errors
    return best


def _descend(choices: Choices, weights: Floats, free: Sequence[int], chance: np.random.Generator) -> tuple[Floats, int]:
    """Walk along one direction after the other for as long as errors fall."""
    errors = choices.errors_with(weights)
    while True:
        steps = [_search(choices, weights, direction) for direction in _directions(len(weights), free, chance)]
        trials = [(choices.errors_with(trial), trial) for trial in steps]
        fewest, trial = min(trials, key=lambda pair: pair[0])
        if fewest >= errors:
            return weights, errors
        weights, errors = trial, fewest


def _directions(size: int, free: Sequence[int], chance: np.random.Generator) -> Iterable[Floats]:
    for axis in free:
        direction = np.zeros(size)
        direction[axis] = 1.0
        yield direction
    for _ in range(_RANDOM_DIRECTIONS if len(free) > 1 else 0):
        direction = np.zeros(size)
        direction[list(free)] = chance.normal(size=len(free))
        yield direction


def _search(choices: Choices, weights: Floats, direction: Floats) -> Floats:
    """Return the weights with the fewest errors on the line weights + t * direction: amid the widest such interval."""
    heights, slopes = choices.features @ weights, choices.features @ direction
    base, events = 0, list[tuple[float, int]]()
    for rows in choices.groups:
        envelope = upper_envelope(heights[rows], slopes[rows])
        errors = [int(choices.errors[rows[place]]) for _, place in envelope]
        base += errors[0]
        events += [
            (begin, after - before)
            for (begin, _), before, after in zip(envelope[1:], errors[:-1], errors[1:], strict=True)
            if after != before
        ]
    if not events:
        return weights
    events.sort()
    borders = np.array([border for border, _ in events])
    counts = base + np.concatenate(([0], np.cumsum([change for _, change in events])))
    begins, ends = np.concatenate(([borders[0] - 2.0], borders)), np.concatenate((borders, [borders[-1] + 2.0]))
    widths = np.where(ends - begins > _NARROW, ends - begins, 0.0)
    wide = np.flatnonzero(widths > 0)
    chosen = wide[np.lexsort((-widths[wide], counts[wide]))[0]]
    found: Floats = weights + direction * (begins[chosen] + ends[chosen]) / 2
    return found


def upper_envelope(heights: Floats, slopes: Floats) -> list[tuple[float, int]]:
    """Return which of some lines height + t * slope is on top, from left to right.

    Returns:
        (t, place) for each stretch: from t on the line at `place` is on top, the first from minus infinity on. Of equal
        lines the first one counts.
    """
    order = np.lexsort((np.arange(len(slopes)), -heights, slopes))
    envelope: list[tuple[float, int]] = []
    for place in order.tolist():
        if envelope and slopes[place] == slopes[envelope[-1][1]]:
            continue  # parallel to the last one, and below it
        crossing = -np.inf
        while envelope:
            begin, other = envelope[-1]
            crossing = float((heights[other] - heights[place]) / (slopes[place] - slopes[other]))
            if crossing > begin:
                break
            envelope.pop()
        envelope.append((crossing, place))
    return envelope
