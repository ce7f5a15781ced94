"""The task of a conditional language model: to predict each token of a document, given its label."""

from collections.abc import Sequence
from typing import Any

import torch

from anaphora.data.document_windows import NO_LABEL, DocumentWindow, DocumentWindows
from anaphora.data.documents import EncodedDocuments, spread
from anaphora.evaluation.conditional import score_documents
from anaphora.models.baselines import unigram_log_probs
from anaphora.models.conditional import ConditionalLanguageModel
from anaphora.models.language_model import Losses, State
from anaphora.training.config import TrainingConfig
from anaphora.training.regularizers import Objective
from anaphora.training.task import Lesson, Task, Validated


class NextTokenGivenLabel(Lesson):
    """Predict each target of a window under the label of its row.

    The state is cut from the window before, the condition is not: it comes from the table anew, so that every window
    of a document teaches it.
    """

    def __init__(self, config: TrainingConfig) -> None:
        self._objective = Objective.of(config)

    def losses(
        self, model: ConditionalLanguageModel, batch: DocumentWindow, carried: State | None
    ) -> tuple[Losses, State]:
        begin = model.initial_state(len(batch.inputs)) if carried is None or not batch.continues else carried
        state = model.with_condition(begin, batch.labels)
        return self._objective(model, batch.inputs, batch.targets, state, inside=batch.inside)

    def initial_state(self, model: ConditionalLanguageModel, batch_size: int) -> State:
        return model.initial_state(batch_size)

    def example(self, model: ConditionalLanguageModel, config: TrainingConfig, seq_len: int) -> DocumentWindow:
        tokens = torch.randint(model.vocab_size, (config.batch_size, seq_len))
        return DocumentWindow(
            inputs=tokens,
            targets=tokens,
            inside=torch.ones_like(tokens, dtype=torch.bool),
            labels=torch.full((config.batch_size,), NO_LABEL),
            continues=False,
            num_targets=tokens.numel(),
        )


class ConditionalModelling(Task):
    """Learn to predict documents, given their labels.

    Args:
        model: with as many labels as the documents have; begins with the frequencies of the tokens.
        splits: "train", and "valid" where there is one.
        config: how to train.
        start_id: the token that stands before a document.
        name: of the documents, for messages.
        origin: what tells these documents and their encoding from others.
    """

    model: ConditionalLanguageModel

    def __init__(
        self,
        model: ConditionalLanguageModel,
        splits: dict[str, EncodedDocuments],
        config: TrainingConfig,
        *,
        start_id: int,
        name: str,
        origin: dict[str, Any],
    ) -> None:
        self._train, self._valid = splits["train"], splits.get("valid")
        num_valid = 0 if self._valid is None else len(self._valid.token_ids)
        super().__init__(model, config, NextTokenGivenLabel(config), name=name, num_valid=num_valid)
        self._start_id, self._origin = start_id, origin
        self._windows = DocumentWindows(
            self._train,
            config.batch_size,
            config.bptt,
            start_id=start_id,
            dropout_label=model.config.dropout_condition,
            seed=config.seed,
        )

    @property
    def targets_per_step(self) -> int:
        return self.config.batch_size * self.config.bptt

    def origin(self) -> dict[str, Any]:
        return {**self._origin, "vocab_size": self.model.vocab_size, "labels": list(self.model.config.labels)}

    def epoch(self, number: int) -> Sequence[DocumentWindow]:
        return self._windows.epoch(number)

    def begin(self) -> None:
        self.model.start_from_unigrams(unigram_log_probs(self._train.token_ids, self.model.vocab_size))

    def validate(self, limit: int) -> Validated:
        assert self._valid is not None
        count = max(1, min(len(self._valid), limit * len(self._valid) // len(self._valid.token_ids)))
        chosen = spread(len(self._valid), count)  # of all parts of the split
        sums = score_documents(self.model, self._valid, start_id=self._start_id, indices=chosen)
        return Validated((sums.nats + sums.unknown_nats) / sums.tokens)
