"""Validation during training: when the validation split is scored, and how much of it.

Runs by steps or epochs score it after every epoch or every tenth of the run, whichever comes sooner, and read at most
half as many targets as training does in between: rules without a clock, so that a resumed run does the very same. Runs
against the clock score no more than training gets through in 2 % of the time, and pause for 20 times as long as that
took. It is always the same part of the split; the finished model is scored on its own.
"""

import math
import time

from anaphora.training.run_state import RunState
from anaphora.training.task import Task, Validated

_CLOCK_SHARE = 0.02
_PAUSE = 20  # times the duration of one validation: at most 5 % of the time is spent on it
_PER_RUN = 20  # against the clock, validate at most this often
_MIN_TARGETS = 1000
_INTERVAL_SHARE, _MIN_INTERVAL_TARGETS = 0.5, 20_000


class Validator:
    """Scores the validation split of a task, if it has one.

    Args:
        time_limit: seconds for the run, or None for a run by steps or epochs.
        total_steps: of such a run; the tenth is taken from it.
        steps_per_epoch: as of the first epoch.
    """

    def __init__(self, task: Task, *, time_limit: float | None, total_steps: int | None, steps_per_epoch: int) -> None:
        self._task, self._config, self._time_limit = task, task.config, time_limit
        self.possible = task.num_valid > 0
        self._measured: float | None = None
        self._every_steps = self._config.eval_every_steps
        if self._every_steps is None and total_steps is not None:
            tenth = math.ceil(total_steps / 10)
            self._every_steps = tenth if tenth < steps_per_epoch else None
        self._interval_targets = (self._every_steps or steps_per_epoch) * task.targets_per_step

    def is_due(self, state: RunState, *, epoch_ended: bool, run_seconds: float | None = None) -> bool:
        """Say whether to validate after the step that `state` has just counted.

        Args:
            state: of the run.
            epoch_ended: that step was an epoch's last.
            run_seconds: how long a run against the clock will be; by default its limit.
        """
        if not self.possible:
            return False
        seconds = state.seconds - state.validated_seconds
        if self._config.eval_every_seconds is not None:
            return seconds >= self._config.eval_every_seconds
        if self._config.eval_every_steps is None and self._time_limit is not None:
            interval = (self._time_limit if run_seconds is None else run_seconds) / _PER_RUN
            return seconds >= max(interval, _PAUSE * self.expected_seconds(state))
        if self._every_steps is None:
            return epoch_ended
        return state.step % self._every_steps == 0

    def expected_seconds(self, state: RunState) -> float:
        """Return how long the next validation will take; before the first, what training needs to read as much."""
        if self._measured is not None or not self.possible or self._time_limit is None:
            return self._measured or 0.0
        most = self._time_limit * _CLOCK_SHARE
        return min(most, self._task.num_valid / state.tokens_per_second) if state.tokens else most

    def _affordable_targets(self, state: RunState) -> int:
        if self._time_limit is None:
            return max(_MIN_INTERVAL_TARGETS, int(_INTERVAL_SHARE * self._interval_targets))
        return max(_MIN_TARGETS, int(self._time_limit * _CLOCK_SHARE * state.tokens_per_second))

    def validate(self, state: RunState) -> Validated:
        """Score the split; how much of it is fixed at a run's first validation."""
        if state.valid_tokens is None:
            state.valid_tokens = min(self._task.num_valid, self._affordable_targets(state))
        start = time.monotonic()
        found = self._task.validate(state.valid_tokens)
        self._measured = time.monotonic() - start
        return found
