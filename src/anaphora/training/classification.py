"""The task of a document classifier: documents of about equal length side by side, and the classes of each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from anaphora.data.buckets import Buckets
from anaphora.data.documents import DocumentBatch, EncodedDocuments, spread
from anaphora.evaluation.calibration import fit_temperature
from anaphora.models.classifier import Classifier, DocumentClassifier
from anaphora.models.language_model import Losses, State
from anaphora.training.config import TrainingConfig
from anaphora.training.task import Lesson, Task, Validated

MAX_BATCH_TOKENS = 1 << 16  # with padding: bounds the memory of a step
_SCORED_TOGETHER = 256  # documents


class Classes(Lesson):
    """Tell the classes of each document.

    Args:
        config: for label smoothing.
        class_weights: (C,), how much a document of each class counts; None for all alike.
        adversarial: see `ClassifierConfig`.
    """

    def __init__(self, config: TrainingConfig, class_weights: Tensor | None = None, adversarial: float = 0.0) -> None:
        self._label_smoothing, self._class_weights = config.label_smoothing, class_weights
        self._adversarial = adversarial

    def losses(self, model: DocumentClassifier, batch: DocumentBatch, carried: State | None) -> tuple[Losses, State]:
        embedded = model.embed(batch.tokens)
        adversary = self._adversarial > 0 and embedded.requires_grad  # layers that are frozen need none
        words = embedded.detach().requires_grad_() if adversary else embedded
        logits = model.logits_from_embedded(words, batch.lengths)
        objective = self._objective(logits, batch.labels)
        if adversary:
            objective, gradient = _backpropagated(objective, words, embedded, model)
            moved = embedded + self._worst(gradient, words, batch.lengths)
            objective = objective + self._objective(model.logits_from_embedded(moved, batch.lengths), batch.labels)
        return Losses(nats(logits, batch.labels).mean(), objective), ()

    def example(self, model: DocumentClassifier, config: TrainingConfig, seq_len: int) -> DocumentBatch:
        labels = torch.zeros(config.batch_size, dtype=torch.int64)
        if model.config.multi_label:
            labels = torch.zeros(config.batch_size, len(model.labels))
        tokens = torch.randint(model.vocab_size, (config.batch_size, seq_len))
        return DocumentBatch(tokens=tokens, lengths=torch.full((config.batch_size,), seq_len), labels=labels)

    def _objective(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return what to differentiate: smoothed and weighted."""
        smoothing = self._label_smoothing
        weights = None if self._class_weights is None else self._class_weights.to(logits.device)
        if labels.ndim == 1:
            return F.cross_entropy(logits, labels, weight=weights, label_smoothing=smoothing)
        wanted = labels * (1.0 - smoothing) + smoothing / 2
        return F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=weights)

    def _worst(self, gradient: Tensor, words: Tensor, lengths: Tensor) -> Tensor:
        """Return the step (B, T, E) from the embedded words of each document that raises the loss most, to first order.

        Its norm over a document is a share of that of the words, so the embedding cannot outgrow it.
        """
        places = torch.arange(words.shape[1], device=words.device)
        inside = (places < lengths.unsqueeze(1)).unsqueeze(2)
        size = (words.detach() * inside).float().square().sum((1, 2), keepdim=True).sqrt()
        steepness = gradient.float().square().sum((1, 2), keepdim=True).sqrt()
        share = self._adversarial * size / (steepness + torch.finfo(torch.float32).tiny)
        return (gradient * share).to(words.dtype)


def _backpropagated(
    objective: Tensor, words: Tensor, embedded: Tensor, model: DocumentClassifier
) -> tuple[Tensor, Tensor]:
    """Differentiate an objective now; return one of the same value and gradients, and its gradient (B, T, E) by words.

    An adversary needs the gradient before the step's backward pass, which would go through the layers a second time.

    Args:
        objective: a function of `words` and of the weights above them.
        words: (B, T, E), cut off from the embedding.
        embedded: the same, not cut off.
        model: whose weights those are.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    gradient, *others = torch.autograd.grad(objective, [words, *weights], allow_unused=True)
    linear = (embedded * gradient).sum()
    for weight, slope in zip(weights, others, strict=True):
        if slope is not None:
            linear = linear + (weight * slope).sum()
    return objective.detach() + (linear - linear.detach()), gradient


class Classification(Task):
    """Learn to tell the classes of documents.

    Args:
        model: trained in place.
        train: documents to learn from.
        valid: documents to validate on; None for none.
        config: how to train.
        name: of the documents, for messages.
        origin: what tells these documents and their encoding from others.
    """

    unit = "documents"
    model: DocumentClassifier

    def __init__(
        self,
        model: DocumentClassifier,
        train: EncodedDocuments,
        valid: EncodedDocuments | None,
        config: TrainingConfig,
        *,
        name: str,
        origin: dict[str, Any],
    ) -> None:
        weights = balanced_weights(train.labels, len(model.labels)) if model.config.class_weights != "none" else None
        lesson = Classes(config, weights, model.config.adversarial)
        super().__init__(model, config, lesson, name=name, num_valid=0 if valid is None else len(valid))
        self._valid, self._origin = valid, origin
        self._batches = Buckets(train, config.batch_size, max_batch_tokens=MAX_BATCH_TOKENS, seed=config.seed)

    def origin(self) -> dict[str, Any]:
        return {**self._origin, "vocab_size": self.model.vocab_size, "labels": list(self.model.labels)}

    def epoch(self, number: int) -> Sequence[DocumentBatch]:
        return self._batches.epoch(number)

    def validate(self, limit: int) -> Validated:
        assert self._valid is not None
        chosen = spread(len(self._valid), limit)  # of all parts of the split
        self.model.eval()
        logits = document_logits(self.model, self._valid, chosen)
        self.model.train()
        labels = torch.from_numpy(self._valid.labels[chosen])
        # A finished classifier is given a temperature. Without one here, a net that is right more often, and too sure
        # of itself where it is wrong, would lose to one that has learnt less.
        temperature = fit_temperature(logits.double().numpy(), self._valid.labels[chosen])
        loss = float(nats(logits / temperature, labels).mean())
        return Validated(loss, float(correct(logits, labels).float().mean()))


@torch.inference_mode()
def document_logits(model: Classifier, documents: EncodedDocuments, indices: NDArray[np.int64] | None = None) -> Tensor:
    """Return the logits (N, C), float32, of the documents `indices` (by default all), on the CPU, in their order.

    Args:
        model: in evaluation mode.
        documents: to take them from.
        indices: (N,), of documents.
    """
    chosen = np.arange(len(documents)) if indices is None else indices
    logits = torch.empty(len(documents), len(model.labels))
    batches = Buckets(documents, _SCORED_TOGETHER, max_batch_tokens=MAX_BATCH_TOKENS)
    for rows, batch in batches.in_order(chosen):
        moved = batch.to(model.device)
        logits[rows] = model(moved.tokens, moved.lengths).cpu()
    return logits[chosen]


def nats(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of each document (N,), in nats, given logits (N, C); of several labels, the mean over them."""
    if labels.ndim == 1:
        return F.cross_entropy(logits, labels, reduction="none")
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(1)


def correct(logits: Tensor, labels: Tensor) -> Tensor:
    """Say of each document (N,) whether the likeliest class is its own; of several labels, whether all are right."""
    if labels.ndim == 1:
        return logits.argmax(1) == labels
    return ((logits > 0) == (labels > 0)).all(1)


def balanced_weights(labels: NDArray[Any], num_classes: int) -> Tensor:
    """Return how much a document of each class counts (C,), so that all classes count alike.

    Of several labels: how much more a document with the label counts than one without.
    """
    if labels.ndim == 1:
        counts = np.bincount(labels, minlength=num_classes)
        return torch.tensor(len(labels) / (num_classes * np.maximum(counts, 1)), dtype=torch.float32)
    positive = labels.sum(0)
    return torch.tensor((len(labels) - positive) / np.maximum(positive, 1), dtype=torch.float32)
