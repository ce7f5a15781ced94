"""What a run says while it goes on: events for the progress callback, with a smoothed loss and the current speed."""

import math
import time
from collections.abc import Mapping
from dataclasses import replace

from anaphora.progress import Event, Progress

_SMOOTHING = 0.98
_SECONDS_BETWEEN = 0.1  # a bar need not move more often


class Reporter:
    """Turns the numbers of single steps into events of the stage "train".

    The loss that users see is a moving average over about 50 steps, free of its start's bias (as in Adam).

    Args:
        progress: gets the events.
        unit: what the targets of a step are: the speed is told in it.
    """

    def __init__(self, progress: Progress, unit: str = "tokens") -> None:
        self._progress, self._speed_name = progress, f"{unit}_per_second"
        self._average, self._weight = 0.0, 0.0
        self._values: dict[str, float] = {}
        self._last_event = -math.inf
        self._place = Event(stage="train")
        self._since, self._targets = time.monotonic(), 0

    def add_step(self, loss: float, targets: int, learning_rate: float) -> None:
        """Take in one step."""
        self._average = _SMOOTHING * self._average + (1 - _SMOOTHING) * loss
        self._weight = _SMOOTHING * self._weight + (1 - _SMOOTHING)
        self._targets += targets
        self._values |= {"loss": self._average / self._weight, "learning_rate": learning_rate}

    def add_validation(self, found: Mapping[str, float]) -> None:
        """Take in what one validation found, by name."""
        self._values |= found

    def speed(self) -> float:
        """Return targets per second since the last call, or since `skip_pause`."""
        now = time.monotonic()
        speed = self._targets / max(now - self._since, 1e-9)
        self._since, self._targets = now, 0
        if self._values:
            self._values[self._speed_name] = speed
        return speed

    def skip_pause(self, seconds: float) -> None:
        """Leave `seconds` of validating or saving out of the speed."""
        self._since += seconds

    def show(self, done: float, total: float, unit: str, *, now: bool = False) -> None:
        """Send an event, unless the last one is too fresh and `now` is not set."""
        if now or time.monotonic() - self._last_event >= _SECONDS_BETWEEN:
            self._place = Event(stage="train", done=done, total=total, unit=unit, values=dict(self._values))
            self._progress(self._place)
            self._last_event = time.monotonic()

    def say(self, message: str) -> None:
        """Send a sentence for the user; the bar stays where it is."""
        self._progress(replace(self._place, message=message))
