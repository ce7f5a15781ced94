"""The task of a tagger: sentences, and the tag of each of their words."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from anaphora.data.buckets import Buckets
from anaphora.data.documents import spread
from anaphora.data.sentences import MAX_BATCH_WORDS, EncodedSentences, SentenceBatch
from anaphora.evaluation.tag_words import tag_words
from anaphora.models.language_model import Losses, State
from anaphora.models.tagger import Tagger, Words
from anaphora.training.config import TrainingConfig
from anaphora.training.task import Lesson, Task, Validated

_SPELLING = 8  # characters of a made-up word


class TagWords(Lesson):
    """Predict the tag of every word whose tag is known.

    Args:
        config: for the label smoothing.
    """

    def __init__(self, config: TrainingConfig) -> None:
        self._label_smoothing = config.label_smoothing

    def losses(self, model: Tagger, batch: SentenceBatch, carried: State | None) -> tuple[Losses, State]:
        logits, targets = model(batch.words)[batch.scored].float(), batch.tags[batch.scored]
        nats = F.cross_entropy(logits, targets)
        if self._label_smoothing == 0.0:
            return Losses(nats, nats), ()
        return Losses(nats, F.cross_entropy(logits, targets, label_smoothing=self._label_smoothing)), ()

    def example(self, model: Tagger, config: TrainingConfig, seq_len: int) -> SentenceBatch:
        shape = (config.batch_size, seq_len)
        words = Words(
            tokens=torch.randint(model.vocab_size, shape),
            ends=torch.arange(seq_len).expand(shape),
            lengths=torch.full(shape[:1], seq_len),
            spellings=torch.randint(1 + len(model.config.characters), (seq_len, _SPELLING)),
            spelling_lengths=torch.full((seq_len,), _SPELLING),
            spelling_of=torch.randint(seq_len, shape),
        )
        scored = torch.ones(shape, dtype=torch.bool)
        tags = torch.randint(len(model.config.tags), shape)
        return SentenceBatch(words=words, tags=tags, scored=scored, num_targets=scored.numel())


class Tagging(Task):
    """Learn to tag as the training sentences are tagged.

    Args:
        model: with `config.init` it comes with its weights.
        splits: "train", and "valid" where there is one.
        config: how to train.
        name: of the text.
        hashes: what `origin` says of text and tokenizer.
    """

    unit = "words"
    model: Tagger

    def __init__(
        self,
        model: Tagger,
        splits: dict[str, EncodedSentences],
        config: TrainingConfig,
        *,
        name: str,
        hashes: dict[str, str],
    ) -> None:
        num_valid = splits["valid"].num_words if "valid" in splits else 0
        super().__init__(model, config, TagWords(config), name=name, num_valid=num_valid)
        self._splits, self._hashes = splits, hashes
        self._batches = Buckets(splits["train"], config.batch_size, max_batch_tokens=MAX_BATCH_WORDS, seed=config.seed)

    @property
    def targets_per_step(self) -> int:
        train = self._splits["train"]
        return max(1, self.config.batch_size * train.num_words // len(train))

    def origin(self) -> dict[str, Any]:
        return {**self._hashes, "vocab_size": self.model.vocab_size, "labels": list(self.model.config.tags)}

    def epoch(self, number: int) -> Sequence[SentenceBatch]:
        return self._batches.epoch(number)

    def validate(self, limit: int) -> Validated:
        valid = self._splits["valid"]
        count = max(1, min(len(valid), limit * len(valid) // valid.num_words))
        found = tag_words(self.model, valid, spread(len(valid), count))  # of all parts of the split
        return Validated(found.loss, found.accuracy)
