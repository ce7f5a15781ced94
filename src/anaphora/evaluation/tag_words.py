"""A tagger applied to sentences: the tag of each word with its log-probability, and what the right ones cost."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.nn import functional as F

from anaphora.data.buckets import Buckets
from anaphora.data.sentences import MAX_BATCH_WORDS, EncodedSentences
from anaphora.evaluation.tagging import TaggingScores
from anaphora.models.stepping import inference
from anaphora.models.tagger import Tagger

_TAGGED_TOGETHER = 128  # sentences


@dataclass
class Tagged:
    """What a tagger says of sentences.

    Attributes:
        tags: of each sentence, the likeliest tag of each word.
        log_probs: their log-probabilities, in nats.
        nats: what the tags of the reference cost, summed over the words that have one; lower is better.
        correct: how many of those words have the right tag.
        scored: how many there are.
    """

    tags: list[tuple[str, ...]]
    log_probs: list[tuple[float, ...]]
    nats: float = field(default=0.0)
    correct: int = field(default=0)
    scored: int = field(default=0)

    @property
    def loss(self) -> float:
        """Mean nats per word; 0 where no word has a tag."""
        return self.nats / max(self.scored, 1)

    @property
    def accuracy(self) -> float:
        """The share of the words with the right tag; 0 where no word has one."""
        return self.correct / max(self.scored, 1)


def tag_words(model: Tagger, sentences: EncodedSentences, indices: NDArray[np.int64] | None = None) -> Tagged:
    """Tag some of the sentences, by default all; the answers come in the order of `indices`."""
    chosen = np.arange(len(sentences)) if indices is None else indices
    place = {int(number): position for position, number in enumerate(chosen)}
    found = Tagged(tags=[()] * len(chosen), log_probs=[()] * len(chosen))
    with inference(model):
        for rows, on_cpu in Buckets(sentences, _TAGGED_TOGETHER, max_batch_tokens=MAX_BATCH_WORDS).in_order(chosen):
            batch = on_cpu.to(model.device)
            log_probs = model.tag_log_probs(batch.words)
            known, tags = log_probs[batch.scored], batch.tags[batch.scored]
            found.nats += float(F.nll_loss(known, tags, reduction="sum"))
            found.correct += int((known.argmax(-1) == tags).sum())
            found.scored += batch.num_targets
            best, best_tags = (part.tolist() for part in log_probs.max(-1))
            for row, (number, length) in enumerate(zip(rows.tolist(), on_cpu.words.lengths.tolist(), strict=True)):
                found.tags[place[number]] = tuple(model.config.tags[tag] for tag in best_tags[row][:length])
                found.log_probs[place[number]] = tuple(best[row][:length])
    return found


@dataclass(frozen=True, kw_only=True)
class TagEvaluation:
    """How well sentences were tagged, and under which conditions.

    Attributes:
        scores: accuracy and F1.
        loss: mean nats per word whose tag the tagger knows; None for a baseline, which has no probabilities.
        signature: the conditions; two results compare when theirs differ in the model alone.
    """

    scores: TaggingScores
    loss: float | None
    signature: str

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {**self.scores.to_json(), "loss": self.loss, "signature": self.signature}
