"""Validation during training: when the validation split is scored, and how much of it.

Runs by steps or epochs score it after every epoch or every tenth of the run, whichever comes sooner, and read at most
half as many tokens as training does in between: rules without a clock, so that a resumed run does the very same. Runs
against the clock read no more tokens than training gets through in 2 % of the time, and pause for 20 times as long as
that took. What is read is always the beginning of the split; the finished model is scored on its own.
"""

import math
import time

from anaphora.data.prepare import PreparedCorpus
from anaphora.evaluation.evaluate import evaluate_tokens
from anaphora.evaluation.signature import Signature
from anaphora.models.language_model import LanguageModel
from anaphora.training.config import TrainingConfig
from anaphora.training.run_state import RunState

_CLOCK_SHARE = 0.02
_PAUSE = 20  # times the duration of one validation: at most 5 % of the time is spent on it
_PER_RUN = 20  # against the clock, validate at most this often
_MIN_TOKENS = 1000
_INTERVAL_SHARE, _MIN_INTERVAL_TOKENS = 0.5, 20_000
_MAX_LANES = 64
_MIN_LANE = 1000  # tokens; each lane starts with an empty state, which shorter lanes would feel


class Validator:
    """Scores the validation split of a corpus, if it has one.

    Args:
        time_limit: seconds for the run, or None for a run by steps or epochs.
        total_steps: of such a run; the tenth is taken from it.
        steps_per_epoch: as of the first epoch.
    """

    def __init__(
        self,
        model: LanguageModel,
        corpus: PreparedCorpus,
        config: TrainingConfig,
        *,
        time_limit: float | None,
        total_steps: int | None,
        steps_per_epoch: int,
    ) -> None:
        self._model, self._corpus, self._config, self._time_limit = model, corpus, config, time_limit
        self.possible = "valid" in corpus.splits
        self._token_ids = corpus.token_ids("valid") if self.possible else None
        self._measured: float | None = None
        self._every_steps = config.eval_every_steps
        if self._every_steps is None and total_steps is not None:
            tenth = math.ceil(total_steps / 10)
            self._every_steps = tenth if tenth < steps_per_epoch else None
        self._interval_tokens = (self._every_steps or steps_per_epoch) * config.batch_size * config.bptt

    def is_due(self, state: RunState, *, epoch_ended: bool) -> bool:
        """Say whether to validate after the step that `state` has just counted."""
        if not self.possible:
            return False
        seconds = state.seconds - state.validated_seconds
        if self._config.eval_every_seconds is not None:
            return seconds >= self._config.eval_every_seconds
        if self._config.eval_every_steps is None and self._time_limit is not None:
            return seconds >= max(self._time_limit / _PER_RUN, _PAUSE * self.expected_seconds(state))
        if self._every_steps is None:
            return epoch_ended
        return state.step % self._every_steps == 0

    def expected_seconds(self, state: RunState) -> float:
        """Return how long the next validation will take; before the first, what training needs to read as much."""
        if self._measured is not None or self._token_ids is None or self._time_limit is None:
            return self._measured or 0.0
        most = self._time_limit * _CLOCK_SHARE
        return min(most, len(self._token_ids) / state.tokens_per_second) if state.tokens else most

    def _affordable_tokens(self, state: RunState) -> int:
        if self._time_limit is None:
            return max(_MIN_INTERVAL_TOKENS, int(_INTERVAL_SHARE * self._interval_tokens))
        return max(_MIN_TOKENS, int(self._time_limit * _CLOCK_SHARE * state.tokens_per_second))

    def loss(self, state: RunState) -> float:
        """Return the mean nats per token; the amount of text is fixed at a run's first validation."""
        assert self._token_ids is not None
        if state.valid_tokens is None:
            state.valid_tokens = min(len(self._token_ids), self._affordable_tokens(state))
        token_ids = self._token_ids[: state.valid_tokens]
        lanes = max(1, min(_MAX_LANES, len(token_ids) // _MIN_LANE))
        start = time.monotonic()
        result = evaluate_tokens(
            self._model,
            token_ids,
            self._corpus.counts["valid"],
            start_id=self._corpus.tokenizer.start_id,
            signature=Signature(unknown="scored", split="valid"),
            batch_size=lanes,
        )
        self._measured = time.monotonic() - start
        return result.loss
