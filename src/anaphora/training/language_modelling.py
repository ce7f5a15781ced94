"""The task of a language model: windows of a text, and after each token the next."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch

from anaphora.data.prepare import PreparedCorpus
from anaphora.data.stream import Batch, WindowSampler
from anaphora.evaluation.evaluate import evaluate_tokens
from anaphora.evaluation.signature import Signature
from anaphora.models.baselines import unigram_log_probs
from anaphora.models.language_model import Losses, NeuralLanguageModel, State
from anaphora.training.config import TrainingConfig
from anaphora.training.regularizers import Objective
from anaphora.training.task import Lesson, Task, Validated
from anaphora.training.windows import make_sampler

_MAX_LANES = 64
_MIN_LANE = 1000  # tokens; each lane starts with an empty state, which shorter lanes would feel


class NextToken(Lesson):
    """Predict each target of a window, with the state of the window before where the text goes on.

    Args:
        config: for the objective and `dropout_state`.
    """

    def __init__(self, config: TrainingConfig) -> None:
        self._objective, self._dropout_state = Objective.of(config), config.dropout_state

    def losses(self, model: NeuralLanguageModel, batch: Batch, carried: State | None) -> tuple[Losses, State]:
        state = self._state_before(model, batch, carried)
        return self._objective(model, batch.inputs, batch.targets, state)

    def initial_state(self, model: NeuralLanguageModel, batch_size: int) -> State:
        return model.initial_state(batch_size)

    def example(self, model: NeuralLanguageModel, config: TrainingConfig, seq_len: int) -> Batch:
        # Zipf's law, for vocabularies list their types by frequency: heads spend more on rare types.
        tokens = (model.vocab_size ** torch.rand(config.batch_size, seq_len, dtype=torch.float64)).long() - 1
        return Batch(inputs=tokens, targets=tokens, continues=False)

    def _state_before(self, model: NeuralLanguageModel, batch: Batch, carried: State | None) -> State:
        """Return the carried state, with some rows dropped, or the initial one where nothing is carried."""
        initial = model.initial_state(len(batch.inputs))
        if carried is None or not batch.continues:
            return initial
        if self._dropout_state == 0.0:
            return carried
        dropped = (torch.rand(len(batch.inputs)) < self._dropout_state).to(batch.inputs.device)
        return tuple(
            torch.where(dropped.view(-1, *(1 for _ in part.shape[1:])), start, part)
            for part, start in zip(carried, initial, strict=True)
        )


class LanguageModelling(Task):
    """Learn to predict the training split of a corpus.

    Args:
        model: with `config.init` it comes with its weights; others begin with the frequencies of the tokens, where
            they can.
        corpus: needs a "train" split; "valid" is scored when it is there.
        config: how to train.
    """

    model: NeuralLanguageModel

    def __init__(self, model: NeuralLanguageModel, corpus: PreparedCorpus, config: TrainingConfig) -> None:
        num_valid = len(corpus.token_ids("valid")) if "valid" in corpus.splits else 0
        super().__init__(model, config, NextToken(config), name=corpus.name, num_valid=num_valid)
        self._corpus = corpus

    @cached_property
    def _sampler(self) -> WindowSampler:
        return make_sampler(self._corpus.token_ids("train"), self.config)

    @property
    def targets_per_step(self) -> int:
        return self.config.batch_size * self.config.bptt

    def origin(self) -> dict[str, Any]:
        return {
            "corpus": self._corpus.source_hash,
            "tokenizer": self._corpus.tokenizer.hash,
            "vocab_size": self.model.vocab_size,
        }

    def epoch(self, number: int) -> Sequence[Batch]:
        return self._sampler.epoch(number)

    def begin(self) -> None:
        if self.config.init is None:
            token_ids = self._corpus.token_ids("train")
            self.model.start_from_unigrams(unigram_log_probs(token_ids, self.model.vocab_size))

    def validate(self, limit: int) -> Validated:
        token_ids = self._corpus.token_ids("valid")[:limit]
        result = evaluate_tokens(
            self.model,
            token_ids,
            self._corpus.counts["valid"],
            start_id=self._corpus.tokenizer.start_id,
            signature=Signature(unknown="scored", split="valid"),
            batch_size=max(1, min(_MAX_LANES, len(token_ids) // _MIN_LANE)),
        )
        return Validated(result.loss)
