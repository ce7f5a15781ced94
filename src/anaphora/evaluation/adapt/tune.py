"""Choose an adaptation's settings on text that is not the one to be scored.

One value at a time, those that matter most first, each from a short list; what was found for one is kept for the next.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from anaphora.evaluation.adapt.settings import AdaptSettings
from anaphora.evaluation.metrics import finite_or_none, perplexity
from anaphora.progress import Event, Progress, silent

# learning_rate and decay are for segments of 20 tokens; the authors of dynamic evaluation let them grow with those.
GRID: dict[str, tuple[int | float, ...]] = {
    "learning_rate": (1e-5, 2e-5, 4e-5, 8e-5, 2e-4),
    "theta": (0.1, 0.3, 0.6, 1.0),
    "weight": (0.03, 0.1, 0.2, 0.3),
    "decay": (0.0, 0.005, 0.02, 0.08),
    "window": (100, 500, 2000),
}
_GROW_WITH_SEGMENT = ("learning_rate", "decay")
_SEGMENT = 20


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What a search found.

    Attributes:
        settings: the best.
        loss: theirs, in nats per token.
        tried: all settings that were tried, each with its loss.
        tokens: of the text they were tried on.
    """

    settings: AdaptSettings
    loss: float
    tried: dict[AdaptSettings, float]
    tokens: int

    def to_json(self) -> dict[str, Any]:
        """Return the search as JSON values."""
        tried = [{**settings.values, "loss": finite_or_none(loss)} for settings, loss in self.tried.items()]
        return {"tokens": self.tokens, "loss": finite_or_none(self.loss), "tried": tried}


def search(
    settings: AdaptSettings, score: Callable[[AdaptSettings], float], *, tokens: int, progress: Progress = silent
) -> Tuning:
    """Search from `settings` for better ones.

    Args:
        settings: the start, and what the grid does not touch.
        score: returns the loss under given settings, on text kept for this.
        tokens: how long that text is.
        progress: told of every try, with a message for each value that was chosen.
    """
    candidates = list(_candidates(settings))
    tried: dict[AdaptSettings, float] = {}

    def loss_of(candidate: AdaptSettings) -> float:
        """Score what was not scored yet; a rate so high that the weights end as no numbers is infinitely bad."""
        if candidate not in tried:
            loss = score(candidate)
            tried[candidate] = loss if math.isfinite(loss) else math.inf
        return tried[candidate]

    loss_of(settings)
    best, done, total = settings, 1, 1 + sum(len(values) for _, values in candidates)
    for key, values in candidates:
        for value in values:
            candidate = best.changed(key, value)
            loss, done = loss_of(candidate), done + 1
            progress(Event(stage="tune", done=done, total=total, unit="tries", values={"loss": loss}))
        best = min(tried, key=tried.__getitem__)
        chosen = f"{key} = {best.values[key]:g}: validation perplexity {perplexity(tried[best]):,.2f}"
        progress(Event(stage="tune", message=chosen))
    return Tuning(settings=best, loss=tried[best], tried=tried, tokens=tokens)


def _candidates(settings: AdaptSettings) -> Iterator[tuple[str, tuple[int | float, ...]]]:
    """Yield the keys of the methods in force, each with the values to try."""
    scale = settings.dynamic.segment / _SEGMENT if settings.dynamic else 1.0
    for key, values in GRID.items():
        if key in settings.values:
            yield key, tuple(value * scale for value in values) if key in _GROW_WITH_SEGMENT else values
