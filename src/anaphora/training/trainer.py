"""The door to training: a task with its model and configuration goes in, the best weights come out.

A run can be broken off anywhere, even by kill -9, and be taken up again; each time is one sitting (`sitting.py`).
On the CPU, with the same precision and threads, a run by steps or epochs is exact: broken off and resumed, it has
the losses and weights of the unbroken run, bit for bit. A run against the clock goes on with the time it has left.
"""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from anaphora.errors import ConfigError
from anaphora.files import remove_partials
from anaphora.progress import Progress, silent
from anaphora.runtime import Precision, available_cpus, choose_device, num_threads, seed_everything
from anaphora.training.checkpoint import load_checkpoint
from anaphora.training.interrupt import Interruption
from anaphora.training.metrics_log import MetricsLog
from anaphora.training.origin import check_same_run, origin_of
from anaphora.training.probe import choose_precision, choose_threads, speed_of
from anaphora.training.reporter import Reporter
from anaphora.training.run_files import RunFiles
from anaphora.training.sitting import Sitting
from anaphora.training.task import Task
from anaphora.training.tracking import open_tracker


@dataclass(frozen=True, kw_only=True)
class TrainingOutcome:
    """How a run ended.

    Attributes:
        steps, epochs, tokens: what was trained on, over all sittings of the run; the targets of a task count as tokens.
        seconds: wall-clock time, over all sittings.
        tokens_per_second: training speed; validating and saving are left out.
        best_valid_loss, best_step: the best validation; None when there was none.
        interrupted: broken off by Ctrl-C or SIGTERM; the run can be resumed.
        stopped_by: "steps", "epochs", "time", "patience" or "interrupt".
    """

    steps: int
    epochs: float
    tokens: int
    seconds: float
    tokens_per_second: float
    best_valid_loss: float | None
    best_step: int | None
    interrupted: bool
    stopped_by: str


@dataclass(frozen=True, kw_only=True)
class _Conditions:
    """What a resumed run takes over from its first sitting, unless the user says otherwise."""

    time_limit: float | None
    precision: Precision
    threads: int


class Trainer:
    """Trains the model of one task, in one run folder.

    Args:
        task: its model is moved to the configured device and trained in place.
        folder: receives metrics.jsonl and checkpoints/ (last and best).
        time_limit: seconds for `run`, all sittings together; by default the configured minutes. A run that is
            resumed with the same `minutes` keeps the limit it was begun with.
        progress: gets events of the stage "train".
        track: name of a tracker, see `tracking.TRACKERS`.

    Raises:
        ConfigError: nothing says when to stop, or a setting needs a validation split that is not there.
    """

    def __init__(
        self,
        task: Task,
        folder: Path,
        *,
        time_limit: float | None = None,
        progress: Progress = silent,
        track: str | None = None,
    ) -> None:
        config = task.config
        if time_limit is None and config.minutes is not None:
            time_limit = config.minutes * 60
        if time_limit is None and config.epochs is None and config.steps is None:
            raise ConfigError("nothing in [training] says when to stop; set minutes, epochs or steps")
        if task.num_valid == 0 and (config.patience is not None or config.schedule == "plateau"):
            key = "schedule = 'plateau'" if config.patience is None else f"patience = {config.patience}"
            raise ConfigError(f"{key} in [training] needs a validation split, and {task.name} has none")
        task.model.to(choose_device(config.device))
        self._task, self._config, self._time_limit = task, config, time_limit
        self._folder, self._checkpoints = folder, folder / "checkpoints"
        self._progress, self._track = progress, track

    def run(self, *, resume: bool = False) -> TrainingOutcome:
        """Train until a rule to stop applies or the user interrupts; on return the model holds its best weights.

        Args:
            resume: go on from checkpoints/last instead of starting afresh.

        Raises:
            BundleError: there is no checkpoint to resume, or it is damaged.
            ConfigError: the checkpoint is of a run on another text or with other settings.
            CorpusError: the training split is too short for one batch.
            TrainingError: loss or gradients stopped being finite three times.
            KeyboardInterrupt: a second Ctrl-C while the first was being granted.
        """
        started, reporter = time.monotonic(), Reporter(self._progress, self._task.unit)
        for written_to in (self._folder, self._checkpoints):
            remove_partials(written_to)
        last = load_checkpoint(self._checkpoints / "last.safetensors") if resume else None
        origin = origin_of(self._task)
        if last is not None:
            check_same_run(last.origin, origin)
        conditions = self._conditions({} if last is None else last.origin)
        seed_everything(self._config.seed)
        after_step = None if last is None else last.state.step
        tracker = open_tracker(self._track, self._folder, after_step) if self._track else None
        with (
            Interruption() as interruption,
            num_threads(conditions.threads),
            MetricsLog(self._folder / "metrics.jsonl", after_step=after_step, tracker=tracker) as log,
        ):
            sitting = Sitting(
                self._task,
                files=RunFiles(self._checkpoints, origin | asdict(conditions)),
                time_limit=conditions.time_limit,
                precision=conditions.precision,
                log=log,
                reporter=reporter,
                started=started,
            )
            self._task.model.train()
            if last is None:
                sitting.begin()
            else:
                sitting.go_on_from(last)
            stopped_by = sitting.loop(interruption)
            sitting.end(interrupted=stopped_by == "interrupt")
        self._task.model.eval()
        return _outcome(sitting, stopped_by)

    def _conditions(self, before: dict[str, Any]) -> _Conditions:
        """Settle what a probe or a clock decides; `before` is what a checkpoint says about it."""
        model, config, time_limit = self._task.model, self._config, self._time_limit
        speed = speed_of(self._task.lesson)
        if before and before["training"]["minutes"] == config.minutes:
            time_limit = before.get("time_limit")
        threads = before.get("threads") if config.threads is None else config.threads
        if not isinstance(threads, int) or not 1 <= threads <= available_cpus():
            threads = choose_threads(model, config, speed=speed)
        precision = before.get("precision") if config.precision == "auto" else config.precision
        if precision not in ("float32", "bfloat16"):
            precision = choose_precision(model, config, threads=threads, speed=speed)
        return _Conditions(time_limit=time_limit, precision=cast(Precision, precision), threads=threads)


def _outcome(sitting: Sitting, stopped_by: str) -> TrainingOutcome:
    state = sitting.state
    return TrainingOutcome(
        steps=state.step,
        epochs=sitting.epochs(),
        tokens=state.tokens,
        seconds=state.seconds,
        tokens_per_second=state.tokens_per_second,
        best_valid_loss=state.best_valid_loss,
        best_step=state.best_step,
        interrupted=stopped_by == "interrupt",
        stopped_by=stopped_by,
    )
