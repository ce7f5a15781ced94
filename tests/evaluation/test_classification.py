"""Scores of classified documents, against figures worked out by hand."""

import json
import math

import numpy as np
import pytest

from anaphora.evaluation.classification import score_classes, wilson_interval
from anaphora.evaluation.retrieval import Retrieval
from anaphora.evaluation.signature import DocumentSignature

# Six documents of three classes; each row is what the classifier says.
PROBS = np.array(
    [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.4, 0.5, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4], [0.9, 0.05, 0.05]]
)
LABELS = np.array([0, 1, 0, 1, 2, 1])


def test_one_label_a_document() -> None:
    scores = score_classes(np.log(PROBS), LABELS, ("a", "b", "c"), "signature")
    assert scores.documents == 6
    assert scores.accuracy == pytest.approx(4 / 6)
    assert scores.confusion == ((1, 1, 0), (1, 2, 0), (0, 0, 1))
    assert scores.classes == {"a": Retrieval(1, 2, 2), "b": Retrieval(2, 3, 3), "c": Retrieval(1, 1, 1)}
    assert [one.f1 for one in scores.classes.values()] == pytest.approx([0.5, 2 / 3, 1.0])
    assert scores.macro_f1 == pytest.approx((0.5 + 2 / 3 + 1) / 3)
    assert scores.micro_f1 == pytest.approx(scores.accuracy)
    assert scores.loss == pytest.approx(-np.log([0.8, 0.7, 0.4, 0.6, 0.4, 0.05]).mean())
    # Each confidence falls into a bin of its own: sure 0.8 0.7 0.5 0.6 0.4 0.9, right 1 1 0 1 1 0.
    assert scores.calibration_error == pytest.approx((0.2 + 0.3 + 0.5 + 0.4 + 0.6 + 0.9) / 6)
    assert json.loads(json.dumps(scores.to_json(), allow_nan=False))["classes"]["b"]["precision"] == 2 / 3


def test_a_class_that_never_occurs_does_not_pull_the_mean_down() -> None:
    scores = score_classes(np.log(PROBS[:2]), LABELS[:2], ("a", "b", "c"), "")
    assert scores.macro_f1 == 1.0
    assert scores.classes["c"] == Retrieval(0, 0, 0)


def test_several_labels() -> None:
    probs = np.array([[0.9, 0.6], [0.2, 0.7], [0.4, 0.1]])
    labels = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    scores = score_classes(np.log(probs), labels, ("a", "b"), "")
    assert scores.accuracy == pytest.approx(1 / 3)  # of the second alone all is right
    assert scores.classes == {"a": Retrieval(1, 1, 2), "b": Retrieval(1, 2, 1)}
    assert scores.micro_f1 == pytest.approx(2 * 2 / 6)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert scores.loss == pytest.approx(-np.log([0.9, 0.4, 0.8, 0.7, 0.4, 0.9]).mean())
    assert scores.confusion is None


def test_certain_and_wrong() -> None:
    with np.errstate(divide="ignore"):
        scores = score_classes(np.log(np.array([[1.0, 0.0]])), np.array([1]), ("a", "b"), "")
        several = score_classes(np.log(np.array([[1.0, 0.5]])), np.array([[0.0, 1.0]]), ("a", "b"), "")
    assert math.isinf(scores.loss)
    assert math.isinf(several.loss)
    assert scores.to_json()["loss"] is None
    assert scores.macro_f1 == 0.0


def test_how_sure_one_can_be() -> None:
    # Agresti and Coull's textbook case: of 10 trials none succeeded.
    assert wilson_interval(0, 10) == pytest.approx((0.0, 0.27753), abs=1e-5)
    assert wilson_interval(8, 10) == pytest.approx((0.49016, 0.94332), abs=1e-5)
    low, high = wilson_interval(22_500, 25_000)
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(0.9 * 0.1 / 25_000), rel=1e-3)


def test_the_signature() -> None:
    from anaphora import __version__

    signature = DocumentSignature(documents=6, labels=3, split="test", tokenizer="0123456789", corpus="abcdefghij")
    assert str(signature) == (
        f"documents:6|labels:3|split:test|tokenizer:01234567|corpus:abcdefgh|model:-|version:{__version__}"
    )
    assert "labels:2-together" in str(DocumentSignature(documents=1, labels=2, split="all", multi_label=True))
