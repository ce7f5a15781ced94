"""One sitting of a training run: the loop, from its first step or a checkpoint until a rule to stop it applies.

After each step, in this order: read what was measured, write it down, validate, keep the weights, save. So the lines of
metrics.jsonl up to a checkpoint's step are on disk before that checkpoint is: none is lost or written twice.
"""

import math
import time
from collections.abc import Sequence

from anaphora.errors import BundleError, TrainingError
from anaphora.runtime import Precision
from anaphora.training.averaging import Averaging
from anaphora.training.checkpoint import Checkpoint
from anaphora.training.finetune import Thaw
from anaphora.training.interrupt import Interruption
from anaphora.training.learner import Learner
from anaphora.training.metrics_log import MetricsLog
from anaphora.training.optimizers import default_momentum
from anaphora.training.recovery import LastGood
from anaphora.training.reporter import Reporter
from anaphora.training.resume import gather, put_back
from anaphora.training.run_clock import RunClock
from anaphora.training.run_files import RunFiles
from anaphora.training.run_length import RunLength
from anaphora.training.run_state import RunState
from anaphora.training.schedules import SCHEDULES
from anaphora.training.stepper import Stepper
from anaphora.training.task import Task, TaskBatch
from anaphora.training.validation import Validator

_KEEP_EVERY = 100  # steps between copies of the weights to go back to
_SAVE_SECONDS = 60.0  # between checkpoints, at least
_SAVE_PAUSE = 50  # times the duration of the last save: at most 2 % of the time is spent on it
_MOST_NON_FINITE = 3
_HALF = 0.5


class Sitting:
    """Trains the model of a task in place; `state` says how far the run is.

    Args:
        task: what is learnt.
        files: the run's checkpoints.
        time_limit: seconds, over all sittings.
        precision: of the forward and backward pass.
        started: when this sitting began, by `time.monotonic`.
    """

    def __init__(
        self,
        task: Task,
        *,
        files: RunFiles,
        time_limit: float | None,
        precision: Precision,
        log: MetricsLog,
        reporter: Reporter,
        started: float,
    ) -> None:
        config = task.config
        self._task, self._config, self._files = task, config, files
        self._length = RunLength(config, time_limit)
        self._log, self._reporter, self._clock = log, reporter, RunClock(reporter, started)
        self._batches: Sequence[TaskBatch] = task.epoch(0)
        self._learner = Learner.of(task.model, config)
        self._averaging = Averaging(self._learner.average, config)
        self._thaw = Thaw(task.model, config.unfreeze_share)
        self._schedule, self._momentum = SCHEDULES[config.schedule], default_momentum(config)
        self._stepper = Stepper(self._learner, config, precision=precision, lesson=task.lesson)
        self._last_good = LastGood(self._learner)
        self._validator = Validator(
            task, time_limit=time_limit, steps_per_epoch=len(self._batches), total_steps=self._total_steps()
        )
        # On a GPU, reading a number waits for all work before it; on the CPU it is free, and faults show at once.
        self._read_every = config.log_every if task.model.device.type != "cpu" else 1
        self._save_cost = self._saved_at = 0.0
        self._saved_step: int | None = None
        self.state = RunState()

    # Begin and end ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a run: from now on there is a checkpoint."""
        self._task.begin()
        self._files.forget_best()
        self._clock.start(self.state)
        self._last_good.keep()
        self._save()

    def go_on_from(self, last: Checkpoint) -> None:
        """Put everything back to where the checkpoint was written.

        Raises:
            BundleError: the checkpoint does not fit this run, or best.safetensors is not its companion.
        """
        self.state = last.state
        self._batches = self._task.epoch(self.state.epoch)
        if self.state.index >= len(self._batches):
            raise BundleError(
                f"checkpoint {self._files.last_path} names batch {self.state.index} of {len(self._batches)}"
            )
        try:
            put_back(last.tensors, self._learner, self._stepper, self._last_good, batch_size=self._config.batch_size)
        except ValueError as fault:
            raise BundleError(f"checkpoint {self._files.last_path} does not fit this run: {fault}") from None
        self._clock.start(self.state)
        self._saved_at = self.state.seconds
        self._files.match_best(self._learner, self.state)

    def end(self, *, interrupted: bool) -> None:
        """Close the sitting: a last validation, unless the run is to go on, a checkpoint, and the best weights.

        Without a validation the best weights are their average, where there is one.
        """
        if not self._read():
            self._go_back()
        if not interrupted:
            self._log_steps()
            self._saved_step = None
            if self._validator.possible and self.state.validated_step != self.state.step:
                self._validate()
        if self._saved_step != self.state.step:
            self._save()
        self._show(now=True)
        self._thaw.end()
        if self.state.best_step is not None:
            self._files.load_best(self._learner)
        else:
            self._learner.average.settle()

    # The loop --------------------------------------------------------------------------------------------------

    def loop(self, interruption: Interruption) -> str:
        """Make steps; return why it stopped, as in `TrainingOutcome.stopped_by`."""
        while not (reason := self._reason_to_stop()):
            if interruption.requested:
                return "interrupt"
            self._after_step(epoch_ended=self._step())
            self._show()
        return reason

    def epochs(self) -> float:
        """Return how often the text was read so far."""
        return self.state.epoch + self.state.index / len(self._batches)

    def _reason_to_stop(self) -> str:
        next_step, rest = self._clock.step_seconds(), self._seconds_after_training()
        return self._length.reason_to_stop(self.state, epochs=self.epochs(), next_step=next_step, rest=rest)

    def _run_seconds(self) -> float | None:
        return self._length.seconds(self.state, epochs=self.epochs())

    def _step(self) -> bool:
        """Train on the next batch; return True when it was the epoch's last."""
        state, batch = self.state, self._batches[self.state.index]
        fraction = self._length.fraction(state, epochs=self.epochs(), rest=self._seconds_after_training())
        scale, momentum = self._schedule(fraction)
        self._thaw.at(fraction)
        learning_rate = self._config.learning_rate * scale * state.learning_rate_scale * batch.learning_rate_scale
        self._stepper.step(batch, learning_rate, self._momentum if momentum is None else momentum)
        state.step += 1
        state.tokens += batch.num_targets
        state.index += 1
        epoch_ended = state.index == len(self._batches)
        if epoch_ended:
            state.epoch, state.index = state.epoch + 1, 0
            self._batches = self._task.epoch(state.epoch)
        self._averaging.after_step(state, fraction)
        self._clock.tick()
        return epoch_ended

    def _after_step(self, *, epoch_ended: bool) -> None:
        step = self.state.step
        log_due, keep_due = step % self._config.log_every == 0, step % _KEEP_EVERY == 0
        validation_due = self._validator.is_due(self.state, epoch_ended=epoch_ended, run_seconds=self._run_seconds())
        if not (epoch_ended or log_due or keep_due or validation_due or step % self._read_every == 0):
            return
        finite = self._read()
        if log_due:
            self._log_steps()
        if epoch_ended:
            self._log_epoch()
        if not finite:
            self._go_back()
            return
        if validation_due:
            self._validate()
        elif keep_due:
            self._keep()
        if self.state.seconds - self._saved_at >= max(_SAVE_SECONDS, _SAVE_PAUSE * self._save_cost):
            self._save()

    # After a step ----------------------------------------------------------------------------------------------

    def _read(self) -> bool:
        """Take in what the steps measured; return False when a number was not finite."""
        for result in self._stepper.read():
            if not result.is_finite:
                return False  # the steps after it trained broken weights
            self.state.add_result(result)
            self._reporter.add_step(result.loss, result.tokens, result.learning_rate)
        return True

    def _go_back(self) -> None:
        """Undo the steps since the last good weights, and go on from there with the next batch, more carefully."""
        state = self.state
        state.recoveries += 1
        state.learning_rate_scale *= _HALF
        self._last_good.go_back()
        self._stepper.carried = None
        fault = f"loss or gradients were not finite at step {state.step}"
        learning_rate = self._config.learning_rate * state.learning_rate_scale
        if state.recoveries >= _MOST_NON_FINITE:
            raise TrainingError(
                f"{fault}, for the {_MOST_NON_FINITE}rd time; the learning rate was halved to {2 * learning_rate:.3g} "
                f"before. Start a new run with a lower learning_rate (now {self._config.learning_rate:g}) or "
                f"max_grad_norm (now {self._config.max_grad_norm})"
            )
        self._log.write(self._place() | {"learning_rate_scale": state.learning_rate_scale})
        self._reporter.say(
            f"{fault}: back to the weights of step {state.good_step}, with learning rate {learning_rate:.3g}"
        )

    def _validate(self) -> None:
        state = self.state
        started = time.monotonic()
        with self._learner.average.in_place():
            found = self._validator.validate(state)
        loss = found.loss
        self._clock.leave_out(started)
        if not math.isfinite(loss):
            self._go_back()
            return
        best = state.add_validation(loss)
        self._averaging.after_validation(state, loss)
        if not best and self._config.schedule == "plateau":
            state.learning_rate_scale *= _HALF
        self._log.write(self._place() | found.to_json())
        self._reporter.add_validation(found.shown)
        self._show(now=True)
        self._keep()
        if best:
            # In this order: when the process dies in between, last holds the best weights itself.
            self._save()
            self._save_best()

    def _keep(self) -> None:
        self._last_good.keep()
        self.state.good_step = self.state.step

    def _log_steps(self) -> None:
        state = self.state
        if state.log_tokens:
            self._log.write(
                self._place()
                | {
                    "loss": state.log_nats / state.log_tokens,
                    "learning_rate": state.learning_rate,
                    "grad_norm": state.grad_norm,
                    f"{self._task.unit}_per_second": self._reporter.speed(),
                }
            )
        state.log_nats, state.log_tokens = 0.0, 0

    def _log_epoch(self) -> None:
        state = self.state
        if state.epoch_tokens:
            self._log.write(self._place() | {"train_loss": state.epoch_nats / state.epoch_tokens})
        state.epoch_nats, state.epoch_tokens = 0.0, 0

    def _place(self) -> dict[str, float]:
        return {"step": self.state.step, "epoch": self.epochs()}

    # Files -----------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        started = time.monotonic()
        current = self.state.good_step == self.state.step
        tensors = gather(self._learner, self._stepper, self._last_good, good_is_current=current)
        self._files.save_last(tensors, self.state)
        self._save_cost = self._clock.leave_out(started)
        self._saved_at, self._saved_step = self.state.seconds, self.state.step

    def _save_best(self) -> None:
        started = time.monotonic()
        self._files.save_best(self._learner, self.state)
        self._clock.leave_out(started)

    # Time ------------------------------------------------------------------------------------------------------

    def _seconds_after_training(self) -> float:
        """Return what the last validation and checkpoints will take."""
        return self._validator.expected_seconds(self.state) + 2 * self._save_cost

    # Progress --------------------------------------------------------------------------------------------------

    def _total_steps(self) -> int | None:
        """Return the steps of the whole run, None for a run against the clock; random windows make it a guess."""
        return self._config.steps or (self._config.epochs or 0) * len(self._batches) or None

    def _show(self, *, now: bool = False) -> None:
        if (seconds := self._run_seconds()) is not None:
            self._reporter.show(self.state.seconds, seconds, "seconds", now=now)
            return
        total = self._total_steps() or 0
        self._reporter.show(self.state.step, max(total, self.state.step), "steps", now=now)
