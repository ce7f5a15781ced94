"""Reviews a second in training: anaphora's classifier beside the textbook's plain one; same weights, same reviews.

Both read ten batches of 32 reviews as long as IMDb's a run, every review once. The textbook takes them in random order,
pads and packs; anaphora puts reviews of about equal length together, pads, and reads the state at the true length,
which keeps the framework's layers on their fast path. All that is done to a review after it has become ids is timed.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from anaphora.data.buckets import Buckets
from anaphora.data.documents import DocumentBatch, EncodedDocuments
from anaphora.models.classifier import ClassifierConfig, DocumentClassifier
from anaphora.models.encoders.stack import StackEncoderConfig
from anaphora.runtime import Precision
from anaphora.training.classification import MAX_BATCH_TOKENS, Classes
from anaphora.training.config import TrainingConfig
from anaphora.training.learner import Learner
from anaphora.training.stepper import Stepper
from benchmarks.harness import Figure, Options, Result, parse_options, take_turns
from benchmarks.texts import imdb_lengths
from benchmarks.twin_imdb import (
    BATCH_SIZE,
    CLASSIFIER_DIM,
    EMBEDDING_DIM,
    HIDDEN_SIZE,
    LEARNING_RATE,
    VOCAB_SIZE,
    ReviewTraining,
)

TARGET = 3.0  # times the twin's speed, in one direction
_BATCHES, _SEED = 10, 1
_TOLERANCE = 1e-4  # nats; float32 sums in different orders
_CONFIG = TrainingConfig(
    optimizer="adam",
    learning_rate=LEARNING_RATE,
    weight_decay=0.0,
    beta2=0.999,
    max_grad_norm=None,
    batch_size=BATCH_SIZE,
)


def reviews() -> tuple[EncodedDocuments, str]:
    """Return reviews as long as IMDb's, and where their lengths are from; which words they hold makes no difference."""
    lengths, source = imdb_lengths(_BATCHES * BATCH_SIZE)
    rng = np.random.default_rng(_SEED)
    ranks = np.exp(rng.uniform(0, np.log(VOCAB_SIZE - 2), size=lengths.sum()))  # as often as 1/rank
    documents = EncodedDocuments(
        token_ids=(1 + ranks).astype(np.int32),
        offsets=np.concatenate([[0], lengths.cumsum()]),
        labels=rng.integers(2, size=len(lengths)),
    )
    return documents, source


def run_twin(documents: EncodedDocuments, bidirectional: bool) -> Callable[[], object]:
    """Return the work of one timed run of the plain twin: an epoch in random order."""
    twin = ReviewTraining(bidirectional=bidirectional)
    tensors = [torch.from_numpy(documents[index].astype(np.int64)) for index in range(len(documents))]
    labels = torch.from_numpy(documents.labels).float()
    rng = np.random.default_rng(_SEED)

    def work() -> None:
        for rows in rng.permutation(len(tensors)).reshape(-1, BATCH_SIZE):
            twin.step([tensors[row] for row in rows], labels[rows])

    return work


def run_ours(documents: EncodedDocuments, bidirectional: bool, precision: Precision) -> Callable[[], object]:
    """Return the work of one timed run of anaphora; the loss of each step is read, as the twin does."""
    model = same_model(ReviewTraining(bidirectional=bidirectional).model, bidirectional)
    stepper = Stepper(Learner.of(model, _CONFIG), _CONFIG, precision=precision, lesson=Classes(_CONFIG))
    batches: Buckets[DocumentBatch] = Buckets(documents, BATCH_SIZE, max_batch_tokens=MAX_BATCH_TOKENS, seed=_SEED)
    epochs = iter(range(1_000))

    def work() -> None:
        for batch in batches.epoch(next(epochs)):
            stepper.step(batch, LEARNING_RATE, 0.9)
            stepper.read()

    return work


def same_model(twin: nn.Module, bidirectional: bool) -> DocumentClassifier:
    """Return anaphora's classifier with the weights of a twin; its two logits are 0 and the twin's only one."""
    encoder = StackEncoderConfig(
        bidirectional=bidirectional, embedding_dim=EMBEDDING_DIM, hidden_size=HIDDEN_SIZE, dropout_input=0.0
    )
    config = ClassifierConfig(
        encoder=encoder,
        labels=("blame", "praise"),
        pooling="last",
        classifier_dim=CLASSIFIER_DIM,
        dropout_words=0.0,
        dropout_pooled=0.0,
        dropout_classifier=0.0,
    )
    model = DocumentClassifier(config, VOCAB_SIZE)
    weights = dict(twin.state_dict())
    found = {"temperature": torch.ones(()), "encoder.embedding.weight": weights["embedding.weight"]}
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        for direction, suffix in enumerate(("", "_reverse")[: 1 + bidirectional]):
            found[f"encoder.layers.0.{direction}.{name}"] = weights[f"lstm.{name}_l0{suffix}"]
    for name in ("weight", "bias"):
        found[f"hidden.{name}"] = weights[f"hidden.{name}"]
        only = weights[f"output.{name}"]
        found[f"output.{name}"] = torch.cat([torch.zeros_like(only), only])
    model.load_state_dict(found)
    return model


def check_agreement(documents: EncodedDocuments, bidirectional: bool) -> dict[str, float]:
    """Return the loss of both before any training; fail when they differ."""
    twin = ReviewTraining(bidirectional=bidirectional)
    rows = np.arange(BATCH_SIZE)
    batch = documents.batch(rows)
    model = same_model(twin.model, bidirectional)
    losses, _ = Classes(_CONFIG).losses(model, batch, None)
    expected = twin.step(
        [torch.from_numpy(documents[row].astype(np.int64)) for row in range(BATCH_SIZE)], batch.labels.float()
    )
    assert abs(losses.nats.item() - expected) < _TOLERANCE, (losses.nats.item(), expected)
    return {"first loss, twin": expected, "first loss, anaphora": losses.nats.item()}


def measure(documents: EncodedDocuments, bidirectional: bool, options: Options, result: Result) -> None:
    """Time one model at each number of threads."""
    name = "bidirectional" if bidirectional else "LSTM"
    result.details[name] = check_agreement(documents, bidirectional)
    rivals = {
        f"{name}, plain twin, float32": run_twin(documents, bidirectional),
        f"{name}, anaphora, float32": run_ours(documents, bidirectional, "float32"),
        f"{name}, anaphora, bfloat16": run_ours(documents, bidirectional, "bfloat16"),
    }
    for threads in options.threads:
        rows = take_turns(rivals, options=options, threads=threads, units=len(documents), unit="reviews")
        result.rows += rows
        twin, single, half = rows
        where = twin.name.removeprefix(next(iter(rivals)))
        figure = f"{name}: anaphora's speed / the twin's, {{}}{where}"
        target = None if bidirectional else TARGET
        result.figures += [
            Figure(name=figure.format("float32"), value=single.rate / twin.rate, at_least=target),
            Figure(name=figure.format("bfloat16"), value=half.rate / twin.rate),
        ]


def main() -> None:
    """Measure the model in one direction and in both."""
    options = parse_options(__doc__ or "", repetitions=3)
    documents, source = reviews()
    result = Result(name="classification", about="training on reviews: batching, forward, backward and update")
    result.details["lengths of reviews"] = source
    for bidirectional in (False, True):
        measure(documents, bidirectional, options, result)
    result.publish(options)


if __name__ == "__main__":
    main()
