"""How classifiers are scored: all documents, or those that there is time for; and what calibration does."""

import numpy as np
import pytest
import torch

from anaphora.api.classify_scoring import DocumentSplits, affordable, calibrate, score_baselines, score_split
from anaphora.data.documents import EncodedDocuments, spread
from anaphora.models.classifier import ClassifierConfig, DocumentClassifier, LabelledConfig
from anaphora.models.classifier_ensemble import ClassifierEnsemble
from anaphora.models.encoders.registry import encoder_config
from anaphora.models.ngram_classifier import NgramClassifier
from anaphora.training.classification import document_logits
from anaphora.training.ngram_classification import NgramSettings, fit_ngram_classifier

V, LABELS = 7, ("a", "b", "c")


def documents(count: int, seed: int) -> EncodedDocuments:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, size=count)
    return EncodedDocuments(
        token_ids=rng.integers(0, V, size=int(lengths.sum())).astype(np.int32),
        offsets=np.concatenate([[0], lengths.cumsum()]),
        labels=np.arange(count) % 3,
    )


@pytest.fixture(name="model")
def _model() -> DocumentClassifier:
    torch.manual_seed(0)
    encoder = encoder_config({"name": "gru", "embedding_dim": 4, "hidden_size": 4})
    return DocumentClassifier(ClassifierConfig(encoder=encoder, labels=LABELS), V).eval()


@pytest.fixture(name="splits")
def _splits() -> DocumentSplits:
    encoded = {split: documents(count, seed) for seed, (split, count) in enumerate({"train": 30, "test": 500}.items())}
    return DocumentSplits(encoded=encoded, labels=LABELS, tokenizer_hash="t" * 64, source_hash="s" * 64)


def ngrams(splits: DocumentSplits) -> NgramClassifier:
    return fit_ngram_classifier(
        splits.encoded["train"], None, LabelledConfig(labels=LABELS), NgramSettings(), vocab_size=V
    )


def test_the_members_of_a_vote_are_scored_alone_too(model: DocumentClassifier, splits: DocumentSplits) -> None:
    counting = ngrams(splits)
    together = ClassifierEnsemble.of([model, model, counting]).eval()
    found = score_split(together, splits, "test")
    assert list(found.voters) == ["gru", "gru (2)", "n-grams"]
    assert found.voters["gru"] == score_split(model, splits, "test").scores
    assert found.voters["n-grams"] == score_split(counting, splits, "test").scores
    documents = splits.encoded["test"]
    log_probs = together.log_probs(document_logits(together, documents))
    assert found.scores.loss == pytest.approx(float(-log_probs[range(500), documents.labels].mean()), rel=1e-5)
    assert not score_split(model, splits, "test").voters


def test_a_part_of_the_documents_stands_in_the_signature(model: DocumentClassifier, splits: DocumentSplits) -> None:
    whole = score_split(model, splits, "test", model_hash="m" * 64).scores
    part = score_split(model, splits, "test", model_hash="m" * 64, chosen=spread(500, 200)).scores
    assert whole.signature.startswith("documents:500|labels:3|split:test|tokenizer:tttttttt|corpus:ssssssss|model:mmmm")
    assert part.signature.startswith("documents:200|")
    assert part.documents == sum(map(sum, part.confusion or ())) == 200


def test_what_there_is_time_for(model: DocumentClassifier, splits: DocumentSplits) -> None:
    assert affordable(model, splits.encoded["test"], 1e6) is None
    few = affordable(model, splits.encoded["test"], -1.0)
    assert few is not None
    assert (len(few), few[0], few[-1]) == (200, 0, 499)
    assert affordable(model, splits.encoded["train"], -1.0) is None, "so few are scored whatever the time"


def test_calibration_mends_certainty_without_reason(model: DocumentClassifier, splits: DocumentSplits) -> None:
    with torch.no_grad():
        model.output.weight *= 50  # very sure of what it cannot know
    calibrate(model, splits.encoded["test"])
    assert model.temperature > 2
    found = score_split(model, splits, "test")
    assert found.scores.calibration_error < 0.1 < found.calibration_error_before


def test_baselines_are_scored_on_what_they_were_not_fitted_on(splits: DocumentSplits) -> None:
    found = score_baselines(splits, V, ngrams(splits))
    assert list(found) == ["label shares", "naive bayes", "n-grams"]
    assert [list(scores) for scores in found.values()] == [["test"]] * 3
    assert found["label shares"]["test"].loss == pytest.approx(np.log(3), abs=1e-3)
