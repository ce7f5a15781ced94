"""Learning to classify: a small task is learnt, weights and adversaries do what they say, and a broken run goes on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anaphora.bundle import load_bundle, load_classifier, save_classifier
from anaphora.data.documents import EncodedDocuments, encode_documents
from anaphora.errors import BundleError
from anaphora.models.classifier import ClassifierConfig, DocumentClassifier
from anaphora.models.encoders.registry import encoder_config
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer
from anaphora.training.classification import Classes, Classification, balanced_weights, document_logits
from anaphora.training.config import TrainingConfig
from anaphora.training.trainer import Trainer

V, A, B = 12, 1, 2  # two markers; the rest is noise


def order_task(count: int, seed: int, *, multi_label: bool = False) -> EncodedDocuments:
    """Return documents in which A stands before B, or after: no bag of words can tell."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(6, 20, size=count)
    labels = np.arange(count) % 2
    documents = []
    for length, label in zip(lengths, labels, strict=True):
        document = rng.integers(3, V, size=length)
        first, second = sorted(rng.choice(length, size=2, replace=False))
        document[first], document[second] = (A, B) if label else (B, A)
        documents.append(document.astype(np.int32))
    return EncodedDocuments(
        token_ids=np.concatenate(documents),
        offsets=np.concatenate([[0], lengths.cumsum()]),
        labels=np.stack([labels, 1 - labels], 1).astype(np.float32) if multi_label else labels,
    )


def make(**changes: Any) -> DocumentClassifier:
    torch.manual_seed(0)
    encoder = {"name": "lstm", "embedding_dim": 8, "hidden_size": 8, "bidirectional": False, "embedding_range": 1.0}
    plain = {"dropout_words": 0.0, "dropout_pooled": 0.0}
    return DocumentClassifier(
        ClassifierConfig(**{"encoder": {**encoder, "dropout_input": 0.0}, "labels": ("ba", "ab"), **plain, **changes}),
        V,
    )


def settings(**changes: Any) -> TrainingConfig:
    defaults: dict[str, Any] = {"batch_size": 16, "threads": 1, "precision": "float32", "learning_rate": 0.02}
    return TrainingConfig(**{**defaults, "epochs": 12, **changes})


def task(model: DocumentClassifier, config: TrainingConfig, *, multi_label: bool = False) -> Classification:
    train, valid = (order_task(count, seed, multi_label=multi_label) for count, seed in ((400, 1), (100, 2)))
    return Classification(model, train, valid, config, name="order", origin={"corpus": "made up"})


@pytest.mark.parametrize(
    "changes",
    [{}, {"pooling": "last"}, {"multi_label": True}, {"adversarial": 0.05}, {"class_weights": "balanced"}],
    ids=str,
)
def test_which_marker_came_first_is_learnt(tmp_path: Path, changes: dict[str, Any]) -> None:
    model = make(**changes)
    multi_label = model.config.multi_label
    learnt = task(model, settings(), multi_label=multi_label)
    outcome = Trainer(learnt, tmp_path / "run").run()
    assert outcome.tokens == 12 * 400  # targets are documents
    assert (learnt.validate(100).accuracy or 0.0) > 0.9


def test_a_run_that_was_broken_off_ends_like_the_unbroken_one(tmp_path: Path) -> None:
    config = settings(epochs=None, steps=40, schedule="constant", average="ema")
    whole, broken = make(dropout_words=0.2), make(dropout_words=0.2)
    Trainer(task(whole, config), tmp_path / "whole").run()
    first = config.replace(steps=17)
    Trainer(task(broken, first), tmp_path / "broken").run()
    Trainer(task(broken, config), tmp_path / "broken").run(resume=True)
    for (name, one), (_, two) in zip(whole.state_dict().items(), broken.state_dict().items(), strict=True):
        assert torch.equal(one, two), name


def test_being_too_sure_does_not_cost_a_validation(tmp_path: Path) -> None:
    model = make()
    learnt = task(model, settings(epochs=2))
    Trainer(learnt, tmp_path / "run").run()
    before = learnt.validate(100)
    with torch.no_grad():
        for weight in model.output.parameters():
            weight.mul_(3.0)
    after = learnt.validate(100)
    assert after.accuracy == before.accuracy
    assert after.loss == pytest.approx(before.loss, rel=1e-3)


def test_logits_come_in_the_order_of_the_documents() -> None:
    model, documents = make().eval(), order_task(30, 3)
    expected = torch.cat(
        [model(documents.batch([index]).tokens, documents.batch([index]).lengths) for index in range(30)]
    )
    torch.testing.assert_close(document_logits(model, documents), expected.detach(), rtol=0, atol=1e-5)
    chosen = np.array([7, 2, 20])
    torch.testing.assert_close(document_logits(model, documents, chosen), expected.detach()[chosen], rtol=0, atol=1e-5)


def test_the_adversary_raises_the_loss_and_knows_no_padding() -> None:
    model, batch = make(), order_task(8, 3).batch(range(8))
    lesson = Classes(settings(), adversarial=0.1)
    embedded = model.embed(batch.tokens)
    plain = lesson._objective(model.logits_from_embedded(embedded, batch.lengths), batch.labels)
    (gradient,) = torch.autograd.grad(plain, embedded, retain_graph=True)
    step = lesson._worst(gradient, embedded, batch.lengths).detach()
    moved = lesson._objective(model.logits_from_embedded(embedded + step, batch.lengths), batch.labels)
    assert moved > plain
    for row, length in enumerate(batch.lengths):
        assert not step[row, length:].any()
        share = step[row].norm() / embedded[row, :length].detach().norm()
        assert float(share) == pytest.approx(0.1, rel=1e-4)


def test_with_an_adversary_both_losses_are_learnt_from() -> None:
    model, batch = make(), order_task(8, 3).batch(range(8))
    lesson = Classes(settings(), adversarial=0.1)
    found = lesson.losses(model, batch, ())[0].objective
    gradients = torch.autograd.grad(found, list(model.parameters()))

    embedded = model.embed(batch.tokens)
    plain = lesson._objective(model.logits_from_embedded(embedded, batch.lengths), batch.labels)
    (gradient,) = torch.autograd.grad(plain, embedded, retain_graph=True)
    moved = embedded + lesson._worst(gradient, embedded, batch.lengths)
    both = plain + lesson._objective(model.logits_from_embedded(moved, batch.lengths), batch.labels)
    torch.testing.assert_close(found, both)
    for one, other in zip(gradients, torch.autograd.grad(both, list(model.parameters())), strict=True):
        torch.testing.assert_close(one, other)


def test_the_adversary_waits_for_the_embedding_to_thaw(tmp_path: Path) -> None:
    learnt = task(make(adversarial=0.05), settings(epochs=2, unfreeze_share=0.5))
    assert Trainer(learnt, tmp_path / "run").run().epochs == 2


def test_rare_classes_weigh_more() -> None:
    assert balanced_weights(np.array([0, 0, 0, 1]), 2).tolist() == pytest.approx([4 / 6, 2.0])
    assert balanced_weights(np.array([[1, 0], [1, 1], [1, 0], [0, 0]]), 2).tolist() == pytest.approx([1 / 3, 3.0])


def test_the_folder_of_a_classifier(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(TokenizerSettings(kind="chars"), ["abcdefghijkl"])
    config = ClassifierConfig(encoder=encoder_config({"name": "gru", "hidden_size": 4}), labels=("x", "y"))
    saved = save_classifier(tmp_path / "model", DocumentClassifier(config, tokenizer.vocab_size), tokenizer, {})
    loaded = load_classifier(tmp_path / "model")
    assert loaded.model.config == config
    documents = encode_documents(["abc", "defabc"], np.zeros(2, dtype=np.int64), tokenizer)
    expected, found = (document_logits(bundle.model, documents) for bundle in (saved, loaded))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert "A classifier made by" in (tmp_path / "model" / "README.md").read_text()
    with pytest.raises(BundleError, match="the model is a classifier, no language model; `anaphora classify` uses it"):
        load_bundle(tmp_path / "model")
