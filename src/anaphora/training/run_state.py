"""Where a training run stands: every counter that the next step depends on, and that a checkpoint must hold.

Tensors (weights, optimizer, carried state, random generators) are the other half; `checkpoint.py` stores both.
"""

import math
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

_Count = Annotated[int, Field(ge=0)]
_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class StepResult:
    """What one step measured: mean nats per token before the update, gradient norm before clipping, its settings."""

    loss: float
    grad_norm: float
    tokens: int
    learning_rate: float

    @property
    def is_finite(self) -> bool:
        """Whether loss and gradients were ordinary numbers."""
        return math.isfinite(self.loss) and math.isfinite(self.grad_norm)


@dataclass
class RunState:
    """The counters of a run.

    Attributes:
        step: updates made. Updates that were taken back count too: the data moved on.
        epoch, index: the next batch is number `index` of epoch `epoch`.
        tokens: targets trained on: tokens, or whatever else the task counts.
        seconds: wall-clock time of the run, over all its sittings.
        overhead_seconds: the part of it that went into validating and saving.
        learning_rate_scale: halved by a recovery and by the plateau schedule.
        recoveries: how often the run went back to its last good weights.
        good_step: the step after which these were kept.
        best_valid_loss, best_step: the best validation; None before the first.
        stale_validations: validations since the best one.
        validated_step, validated_seconds: when the last validation was.
        valid_tokens: how many targets of the validation split are scored; None before the first validation.
        recent_valid_losses: the last ones, as many as NT-ASGD has patience for.
        best_before_recent: the best of those before.
        averaged_since: the step after which NT-ASGD began to average; None before.
        learning_rate, grad_norm: of the last step.
        log_nats, log_tokens: summed loss since the last line of metrics.jsonl.
        epoch_nats, epoch_tokens: summed loss since the epoch began.
    """

    step: _Count = 0
    epoch: _Count = 0
    index: _Count = 0
    tokens: _Count = 0
    seconds: _Amount = 0.0
    overhead_seconds: _Amount = 0.0
    learning_rate_scale: _Amount = 1.0
    recoveries: _Count = 0
    good_step: _Count = 0
    best_valid_loss: _Amount | None = None
    best_step: _Count | None = None
    stale_validations: _Count = 0
    validated_step: _Count = 0
    validated_seconds: _Amount = 0.0
    valid_tokens: _Count | None = None
    recent_valid_losses: list[_Amount] = field(default_factory=list)
    best_before_recent: _Amount | None = None
    averaged_since: _Count | None = None
    learning_rate: _Amount = 0.0
    grad_norm: _Amount = 0.0
    log_nats: _Amount = 0.0
    log_tokens: _Count = 0
    epoch_nats: _Amount = 0.0
    epoch_tokens: _Count = 0

    @property
    def tokens_per_second(self) -> float:
        """Training speed; time spent on validating and saving is left out."""
        busy = self.seconds - self.overhead_seconds
        return self.tokens / busy if busy > 0 else 0.0

    def add_result(self, result: StepResult) -> None:
        """Count what one step measured."""
        self.learning_rate, self.grad_norm = result.learning_rate, result.grad_norm
        nats = result.loss * result.tokens
        self.log_nats += nats
        self.log_tokens += result.tokens
        self.epoch_nats += nats
        self.epoch_tokens += result.tokens

    def add_validation(self, loss: float) -> bool:
        """Count one validation; return True when it is the best so far."""
        self.validated_step, self.validated_seconds = self.step, self.seconds
        if self.best_valid_loss is not None and loss >= self.best_valid_loss:
            self.stale_validations += 1
            return False
        self.best_valid_loss, self.best_step, self.stale_validations = loss, self.step, 0
        return True
