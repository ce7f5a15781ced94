"""Self-training: which guesses are believed, and how long a student reads."""

import numpy as np
import pytest

from anaphora.training.self_training import Guesses, student_epochs


def test_the_surest_of_each_class_are_believed() -> None:
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.45, 0.55], [0.6, 0.4], [0.3, 0.7], [0.99, 0.01]])
    guesses = Guesses.surest(np.log(probs), 0.5, multi_label=False)
    assert guesses.documents.tolist() == [0, 4, 5]
    assert guesses.labels.tolist() == [0, 1, 0]
    assert guesses.labels.dtype == np.int64


def test_of_several_labels_the_least_sure_one_counts() -> None:
    probs = np.array([[0.9, 0.1], [0.9, 0.45], [0.2, 0.1], [0.5, 0.5]])
    guesses = Guesses.surest(np.log(probs), 0.5, multi_label=True)
    assert guesses.documents.tolist() == [0, 2]
    assert guesses.labels.tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert guesses.labels.dtype == np.float32


@pytest.mark.parametrize("multi_label", [False, True])
def test_guesses_come_back_from_their_file(multi_label: bool) -> None:
    guesses = Guesses.surest(np.log([[0.9, 0.1], [0.2, 0.8]]), 1.0, multi_label=multi_label)
    found = Guesses.from_json(guesses.to_json(), multi_label=multi_label)
    assert (found.documents == guesses.documents).all()
    assert (found.labels == guesses.labels).all()
    assert found.labels.dtype == guesses.labels.dtype


def test_all_documents_may_be_of_one_class_or_missing() -> None:
    assert Guesses.surest(np.log([[0.9, 0.1]] * 4), 0.5, multi_label=False).documents.tolist() == [0, 1]
    assert len(Guesses.surest(np.empty((0, 2)), 0.5, multi_label=False).documents) == 0


def test_a_student_reads_as_much_as_its_teacher_and_each_document_a_few_times() -> None:
    assert student_epochs(20, (400, 800)) == 10
    assert student_epochs(20, (400, 10_000)) == 4
    assert student_epochs(2, (400, 10_000)) == 2
