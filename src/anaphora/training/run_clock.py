"""The time of a run over all its sittings, and the part of it that is no training."""

import time

from anaphora.training.reporter import Reporter
from anaphora.training.run_state import RunState


class RunClock:
    """Keeps `seconds` and `overhead_seconds` of a RunState.

    Args:
        reporter: told of pauses, which its speed leaves out.
        started: when this sitting began, by `time.monotonic`.
    """

    def __init__(self, reporter: Reporter, started: float) -> None:
        self._reporter, self._started = reporter, started
        self._state, self._before = RunState(), 0.0

    def start(self, state: RunState) -> None:
        """Go on counting from the time of earlier sittings; what went before the first step is no training."""
        self._state, self._before = state, state.seconds
        self.leave_out(self._started)

    def tick(self) -> None:
        """Bring `seconds` up to date."""
        self._state.seconds = self._before + time.monotonic() - self._started

    def leave_out(self, started: float) -> float:
        """Keep the time since `started` out of the training speed; return it."""
        seconds = time.monotonic() - started
        self._state.overhead_seconds += seconds
        self._reporter.skip_pause(seconds)
        self.tick()
        return seconds

    def step_seconds(self) -> float:
        """Return how long a step takes, on average."""
        return (self._state.seconds - self._state.overhead_seconds) / max(self._state.step, 1)
