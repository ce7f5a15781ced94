"""How the linear classifier learns: pairs of words, against a twin step by step, held-out documents, rare classes."""

from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from anaphora.data.documents import EncodedDocuments
from anaphora.models.classifier import LabelledConfig
from anaphora.models.ngram_classifier import NgramClassifier, ngram_keys
from anaphora.training import ngram_classification
from anaphora.training.classification import document_logits
from anaphora.training.ngram_classification import NgramSettings, fit_ngram_classifier

V = 12


def pack(documents: list[list[int]], labels: Any) -> EncodedDocuments:
    return EncodedDocuments(
        token_ids=np.array(list(chain(*documents)), dtype=np.int32),
        offsets=np.concatenate([[0], np.cumsum([len(one) for one in documents])]),
        labels=np.array(labels),
    )


def orders(count: int, seed: int) -> EncodedDocuments:
    """Documents of the same words; whether 1 stands before 2, or 2 before 1, is the label."""
    rng = np.random.default_rng(seed)
    documents = []
    for number in range(count):
        words = rng.integers(3, V, size=rng.integers(2, 9)).tolist()
        place = int(rng.integers(len(words) + 1))
        documents.append([*words[:place], *((1, 2) if number % 2 else (2, 1)), *words[place:]])
    return pack(documents, [number % 2 for number in range(count)])


def fit(train: EncodedDocuments, valid: EncodedDocuments | None = None, **changes: Any) -> NgramClassifier:
    labels = changes.pop("labels", ("a", "b"))
    asked = LabelledConfig(labels=labels, multi_label=train.labels.ndim == 2)
    options = {key: changes.pop(key) for key in ("balanced", "most_tokens") if key in changes}
    return fit_ngram_classifier(train, valid, asked, NgramSettings(**changes), vocab_size=V, **options)


def accuracy(model: NgramClassifier, documents: EncodedDocuments) -> float:
    return float((document_logits(model, documents).argmax(1).numpy() == documents.labels).mean())


def test_the_order_of_words_is_learnt_from_pairs() -> None:
    train, test = orders(200, 1), orders(200, 2)
    assert accuracy(fit(train, order=2), test) == 1.0
    assert accuracy(fit(train, order=1), test) < 0.7


@pytest.mark.parametrize(("kind", "balanced"), [("two", False), ("two", True), ("three", True), ("several", False)])
def test_it_finds_what_a_plain_regression_finds(kind: str, balanced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: a dense matrix of features, in float64, and gradient descent by Newton's method of torch."""
    monkeypatch.setattr(ngram_classification, "_ITERATIONS", 200)
    monkeypatch.setattr(ngram_classification, "_USUAL_PENALTY", 0.5)
    rng = np.random.default_rng(0)
    documents = [rng.integers(0, V, size=rng.integers(1, 8)).tolist() for _ in range(40)]
    labels: Any = [one[0] % (3 if kind == "three" else 2) for one in documents]
    if kind == "several":
        labels = np.array([[5 in one, 6 in one, 7 in one] for one in documents], dtype=np.float32)
    names = ("a", "b") if kind == "two" else ("a", "b", "c")
    train = pack(documents, labels)
    model = fit(train, labels=names, order=2, min_count=1, balanced=balanced)
    found = document_logits(model, train).double()
    expected = twin(documents, train.labels, len(names), balanced=balanced)
    torch.testing.assert_close(log_probs(found, kind), log_probs(expected, kind), rtol=0, atol=2e-3)


def log_probs(logits: torch.Tensor, kind: str) -> torch.Tensor:
    return F.logsigmoid(logits) if kind == "several" else logits.log_softmax(1)


def twin(documents: list[list[int]], labels: Any, num_classes: int, *, balanced: bool) -> torch.Tensor:
    held = [{tuple(one[i : i + n]) for n in (1, 2) for i in range(len(one) - n + 1)} for one in documents]
    ngrams = sorted(set().union(*held))
    present = torch.tensor([[gram in one for gram in ngrams] for one in held], dtype=torch.float64)
    several = labels.ndim == 2
    members = torch.tensor(labels if several else labels[:, None] == np.arange(num_classes), dtype=torch.float64)
    two = not several and num_classes == 2
    questions = members[:, 1:] if two else members
    inside, outside = present.T @ questions + 1, present.T @ (1 - questions) + 1
    ratios = (inside / inside.sum(0)).log() - (outside / outside.sum(0)).log()
    features = present / torch.tensor([len(one) for one in documents]).double().sqrt()[:, None]
    weights = torch.zeros_like(ratios, requires_grad=True)
    bias = torch.zeros(questions.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=500, tolerance_grad=1e-9, line_search_fn="strong_wolfe")

    def cost() -> torch.Tensor:
        optimizer.zero_grad()
        logits = features @ (weights * ratios) + bias
        if two or several:
            importance = (
                torch.where(questions > 0, (1 - questions).sum(0) / questions.sum(0), 1.0) if balanced else None
            )
            loss = F.binary_cross_entropy_with_logits(logits, questions, weight=importance, reduction="sum") / len(
                labels
            )
        else:
            classes = len(labels) / (num_classes * members.sum(0)) if balanced else None
            loss = F.cross_entropy(logits, torch.tensor(labels), weight=classes)
        loss = loss + 0.25 / len(labels) * weights.square().sum()
        loss.backward()
        return loss

    optimizer.step(cost)
    logits = (features @ (weights * ratios) + bias).detach()
    return torch.cat([torch.zeros_like(logits), logits], 1) if two else logits


def test_held_out_documents_choose_the_penalty() -> None:
    train = orders(60, 1)
    noise = pack([[3, 4]] * 20, [0, 1] * 10)
    trusting, careful = fit(train, orders(40, 2), order=2), fit(train, noise, order=2)
    assert trusting.weights.abs().max() > 2 * careful.weights.abs().max()


def test_rare_ngrams_are_left_out_and_keys_ascend() -> None:
    train = pack([[1, 2], [1, 2], [1, 3]], [0, 1, 1])
    model = fit(train, order=2, min_count=2)
    pair, once = (int(ngram_keys(torch.tensor([pair]), 2)[1][0, 1]) for pair in ([1, 2], [1, 3]))
    assert model.config.num_ngrams == len(model.keys) == 3  # 1, 2, and 1 2
    assert pair in model.keys
    assert once not in model.keys
    assert (model.keys.diff() > 0).all()


def test_without_any_ngram_the_shares_of_the_labels_are_left() -> None:
    train = pack([[1], [2], [3], [4]], [0, 1, 1, 1])
    model = fit(train, min_count=2)
    probs = model.class_log_probs(torch.tensor([[5]]), torch.tensor([1])).exp()
    assert probs[0].tolist() == pytest.approx([0.25, 0.75], abs=0.01)


def test_of_too_much_text_a_part_is_read_and_of_too_many_weights_the_frequent_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train = orders(400, 1)
    assert accuracy(fit(train, order=2, most_tokens=len(train.token_ids) // 3), orders(100, 2)) > 0.9
    monkeypatch.setattr(ngram_classification, "_MOST_WEIGHTS", 10)
    assert fit(train, order=2).config.num_ngrams == 5


def test_the_same_documents_give_the_same_classifier() -> None:
    one, two = fit(orders(60, 1)), fit(orders(60, 1))
    assert torch.equal(one.weights, two.weights)
    assert torch.equal(one.bias, two.bias)
