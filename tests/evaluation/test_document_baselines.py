"""The counting baselines of classifiers, against sums worked out by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from anaphora.data.documents import EncodedDocuments
from anaphora.evaluation.document_baselines import BASELINES, LabelShares, NaiveBayes

V = 3


def encoded(documents: list[list[int]], labels: Sequence[object]) -> EncodedDocuments:
    return EncodedDocuments(
        token_ids=np.array([token for one in documents for token in one], dtype=np.int32),
        offsets=np.cumsum([0, *map(len, documents)]),
        labels=np.array(labels),
    )


TRAIN = encoded([[0, 0, 1], [0], [1, 2, 2]], [0, 0, 1])
NEW = encoded([[0, 0], [2], [1]], [0, 1, 1])


def test_label_shares() -> None:
    found = np.exp(LabelShares().fit(TRAIN, 2, V).log_probs(NEW))
    assert found == pytest.approx(np.tile([3 / 5, 2 / 5], (3, 1)))


def test_naive_bayes() -> None:
    # Types by class, each once a document, one added: class 0 has 0: 3/6, 1: 2/6, 2: 1/6; class 1 has 1/5, 2/5, 2/5.
    words = np.array([[3 / 6, 2 / 6, 1 / 6], [1 / 5, 2 / 5, 2 / 5]])
    joint = np.array([3, 2]) * words[:, [0, 2, 1]].T
    found = np.exp(NaiveBayes().fit(TRAIN, 2, V).log_probs(NEW))
    assert found == pytest.approx(joint / joint.sum(1, keepdims=True))


def test_several_labels() -> None:
    train = encoded([[0, 0, 1], [0], [1, 2, 2]], [[1, 0], [1, 1], [0, 0]])
    found = np.exp(NaiveBayes().fit(train, 2, V).log_probs(NEW))
    inside, outside = np.array([3 / 6, 2 / 6, 1 / 6]), np.array([1 / 5, 2 / 5, 2 / 5])  # the first label, as above
    odds = (3 / 2) * (inside / outside)[[0, 2, 1]]
    assert found[:, 0] == pytest.approx(odds / (1 + odds))
    shares = np.exp(LabelShares().fit(train, 2, V).log_probs(NEW))
    assert shares == pytest.approx(np.tile([3 / 5, 2 / 5], (3, 1)))


@pytest.mark.parametrize("name", BASELINES)
def test_probabilities_add_up(name: str) -> None:
    rng = np.random.default_rng(0)
    documents = encoded([rng.integers(0, 9, size=rng.integers(1, 30)).tolist() for _ in range(50)], list(range(5)) * 10)
    found = BASELINES[name]().fit(documents, 5, 9).log_probs(documents)
    assert np.logaddexp.reduce(found, 1) == pytest.approx(np.zeros(50), abs=1e-9)
