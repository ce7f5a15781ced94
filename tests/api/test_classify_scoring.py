"""How classifiers are scored: all documents, or those that there is time for; and what calibration does."""

import numpy as np
import pytest
import torch

from anaphora.api.classify_scoring import DocumentSplits, affordable, calibrate, score_baselines, score_split, spread
from anaphora.data.documents import EncodedDocuments
from anaphora.models.classifier import ClassifierConfig, DocumentClassifier
from anaphora.models.encoders.registry import encoder_config

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


def test_a_part_of_the_documents_stands_in_the_signature(model: DocumentClassifier, splits: DocumentSplits) -> None:
    whole, _ = score_split(model, splits, "test", model_hash="m" * 64)
    part, _ = score_split(model, splits, "test", model_hash="m" * 64, chosen=spread(500, 200))
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
    scores, before = score_split(model, splits, "test", model_hash="")
    assert scores.calibration_error < 0.1 < before


def test_baselines_are_scored_on_what_they_were_not_fitted_on(splits: DocumentSplits) -> None:
    found = score_baselines(splits, V)
    assert list(found) == ["label shares", "naive bayes"]
    assert [list(scores) for scores in found.values()] == [["test"], ["test"]]
    assert found["label shares"]["test"].loss == pytest.approx(np.log(3), abs=1e-3)
