"""Is one model better than another, or was it luck? The paired bootstrap over lines (Koehn 2004).

Both models are scored on the same lines. The lines are drawn anew, with replacement, as many as there are, again and
again; how much the difference moves from draw to draw says how far it can be trusted.

Shapes: N lines, R draws.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DRAWN_AT_ONCE = 1 << 22  # lines over all draws of a block; bounds memory


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How two models differ on a text: `first` less `second` in loss, so that below zero the first is better.

    Attributes:
        first, second: loss of each over the whole text, per unit.
        difference: first - second.
        low, high: 95 % of the draws have a difference between these.
        p: two-sided; how often a difference so far on one side of zero would come about by the choice of lines.
        share_first_better: of the draws.
        draws: R.
        lines: N.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    share_first_better: float
    draws: int
    lines: int

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return dict(vars(self))


def paired_bootstrap(first: Floats, second: Floats, units: Floats, *, draws: int = 1000, seed: int = 1) -> Difference:
    """Compare two models by their costs on the same lines.

    Args:
        first: (N,), what each line costs the first model, in nats or bits.
        second: (N,), the same for the second.
        units: (N,), the tokens or bytes of each line; a loss is the sum of costs over the sum of units.
        draws: how often to draw the lines anew.
        seed: of the draws.

    p is twice the share of draws on the rarer side of zero (ties on both), with one draw added to it and to all
    (Davison and Hinkley 1997): no finite number of draws can show a p of 0.
    """
    costs = first - second
    chance = np.random.default_rng(seed)
    differences = np.empty(draws)
    block = max(1, _DRAWN_AT_ONCE // len(costs))
    for begin in range(0, draws, block):
        size = min(block, draws - begin)
        drawn = chance.integers(0, len(costs), (size, len(costs)))
        # A draw of nothing but lines without units, possible in a short text, says nothing: no difference.
        differences[begin : begin + size] = costs[drawn].sum(1) / np.maximum(units[drawn].sum(1), 1.0)
    below, above = int((differences <= 0).sum()), int((differences >= 0).sum())
    low, high = np.quantile(differences, [0.025, 0.975])
    total = float(units.sum())
    return Difference(
        first=float(first.sum()) / total,
        second=float(second.sum()) / total,
        difference=float(costs.sum()) / total,
        low=float(low),
        high=float(high),
        p=min(1.0, 2 * (min(below, above) + 1) / (draws + 1)),
        share_first_better=float((differences < 0).mean()),
        draws=draws,
        lines=len(costs),
    )


def largest(differences: NDArray[np.floating[Any]], count: int) -> tuple[list[int], list[int]]:
    """Return the places of the `count` lowest values below zero, lowest first, and of the highest above it."""
    order = np.argsort(differences, kind="stable")
    return (
        [place for place in order[:count].tolist() if differences[place] < 0],
        [place for place in order[::-1][:count].tolist() if differences[place] > 0],
    )
