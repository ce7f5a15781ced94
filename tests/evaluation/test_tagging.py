"""Accuracy, F1 of tags and of spans: every expected figure is counted by hand in the comment beside it."""

import pytest

from anaphora.evaluation.retrieval import Retrieval
from anaphora.evaluation.tagging import find_spans, marks_spans, score_tags


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        # IOB2: each span begins with B.
        ("O B-PER I-PER O B-LOC", {("PER", 1, 2), ("LOC", 4, 4)}),
        ("B-PER B-PER I-PER", {("PER", 0, 0), ("PER", 1, 2)}),
        # IOB1: B only between neighbours of one type.
        ("I-PER I-PER B-PER O I-LOC", {("PER", 0, 1), ("PER", 2, 2), ("LOC", 4, 4)}),
        # IOBES: E ends a span, S is one.
        ("B-ORG I-ORG E-ORG S-PER S-PER O", {("ORG", 0, 2), ("PER", 3, 3), ("PER", 4, 4)}),
        # BILOU calls the two L and U.
        ("B-ORG L-ORG U-PER", {("ORG", 0, 1), ("PER", 2, 2)}),
        # IOE: the end is marked, the beginning follows from it.
        ("I-X E-X I-X E-X", {("X", 0, 1), ("X", 2, 3)}),
        # What conlleval forgives: a span without a beginning, and a change of type within.
        ("O I-PER I-LOC", {("PER", 1, 1), ("LOC", 2, 2)}),
        ("B-PER I-LOC", {("PER", 0, 0), ("LOC", 1, 1)}),
        ("B-PER-X I-PER-X", {("PER-X", 0, 1)}),
        ("O O", set()),
        ("", set()),
    ],
)
def test_spans(tags: str, spans: set[tuple[str, int, int]]) -> None:
    assert find_spans(tags.split()) == spans


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"O", "B-PER", "I-PER"}, True),
        ({"S-X"}, True),
        ({"O"}, False),
        ({"NOUN", "VERB"}, False),
        ({"O", "B-PER", "X"}, False),
        ({"B-"}, False),
    ],
)
def test_which_tag_sets_mark_spans(tags: set[str], expected: bool) -> None:
    assert marks_spans(tags) is expected


def test_parts_of_speech() -> None:
    expected = [["DET", "NOUN", "VERB"], ["NOUN"]]
    predicted = [["DET", "VERB", "VERB"], ["NOUN"]]
    scores = score_tags(expected, predicted, unknown=[[False, True, False], [True]])
    assert (scores.tokens, scores.correct, scores.accuracy) == (4, 3, 0.75)
    assert (scores.unknown_tokens, scores.unknown_accuracy) == (2, 0.5)
    assert (scores.sentences, scores.sentences_correct) == (2, 1)
    assert scores.spans is None
    assert scores.tags == {
        "NOUN": Retrieval(correct=1, found=1, expected=2),  # precision 1, recall 1/2, F1 2/3
        "DET": Retrieval(correct=1, found=1, expected=1),
        "VERB": Retrieval(correct=1, found=2, expected=1),  # precision 1/2, recall 1, F1 2/3
    }
    assert scores.macro_f1 == pytest.approx((2 / 3 + 1 + 2 / 3) / 3)


def test_spans_are_right_as_a_whole_or_not_at_all() -> None:
    # Expected: PER 0-1, LOC 3-3; ORG 0-2. Found: PER 0-1, ORG 3-3; ORG 0-1, ORG 2-2. Correct: PER 0-1 alone.
    expected = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG", "I-ORG", "I-ORG"]]
    predicted = [["B-PER", "I-PER", "O", "B-ORG"], ["B-ORG", "I-ORG", "B-ORG"]]
    scores = score_tags(expected, predicted)
    assert scores.spans == Retrieval(correct=1, found=4, expected=3)
    assert (scores.spans.precision, scores.spans.recall) == (1 / 4, 1 / 3)
    assert scores.spans.f1 == pytest.approx(2 * (1 / 4) * (1 / 3) / (1 / 4 + 1 / 3))
    assert scores.span_types == {
        "LOC": Retrieval(correct=0, found=0, expected=1),
        "ORG": Retrieval(correct=0, found=3, expected=1),
        "PER": Retrieval(correct=1, found=1, expected=1),
    }
    assert scores.correct == 5
    assert scores.unknown_accuracy is None


def test_nothing_found_and_nothing_expected_is_nought() -> None:
    nothing = Retrieval(0, 0, 0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (0.0, 0.0, 0.0)


def test_all_of_it_is_json() -> None:
    scores = score_tags([["B-X", "O"]], [["B-X", "O"]]).to_json()
    assert scores["accuracy"] == scores["sentence_accuracy"] == 1.0
    assert scores["spans"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "correct": 1, "found": 1, "expected": 1}
    assert scores["tags"]["O"]["f1"] == 1.0
    assert scores["unknown_accuracy"] is None
