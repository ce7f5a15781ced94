"""When a model made up its mind, and what an explanation says as JSON."""

import json
from dataclasses import replace

import pytest

from anaphora.evaluation.explanation import Explanation

EXPLANATION = Explanation(
    model="reviews",
    model_hash="0f",
    labels=("neg", "pos"),
    multi_label=False,
    label="pos",
    method="leave-one-out",
    pieces=("not", " bad", " at", " all"),
    contributions=(0.5, -1.0, 0.0, 0.25),
    gap=None,
    probabilities=((0.8, 0.2), (0.4, 0.6), (0.7, 0.3), (0.1, 0.9)),
    num_tokens=4,
)


def test_the_answer_is_the_last_one() -> None:
    assert EXPLANATION.text == "not bad at all"
    assert EXPLANATION.answer == {"neg": 0.1, "pos": 0.9}


@pytest.mark.parametrize(
    ("of_the_label", "decided_at"),
    [((0.2, 0.6, 0.3, 0.9), 4), ((0.6, 0.7, 0.8, 0.9), 1), ((0.2, 0.6, 0.7, 0.9), 2), ((0.9, 0.8, 0.2, 0.1), 3)],
)
def test_a_mind_is_made_up_when_the_answer_changes_no_more(of_the_label: tuple[float, ...], decided_at: int) -> None:
    shares = tuple((1 - share, share) for share in of_the_label)
    assert replace(EXPLANATION, probabilities=shares).decided_at == decided_at


def test_of_several_labels_each_is_decided_alone() -> None:
    shares = ((0.9, 0.6), (0.1, 0.4), (0.9, 0.6), (0.1, 0.7))
    assert replace(EXPLANATION, multi_label=True, probabilities=shares).decided_at == 3


def test_everything_is_said_as_json() -> None:
    values = json.loads(json.dumps(EXPLANATION.to_json()))
    assert values["tokens"][1] == {
        "text": " bad",
        "contribution": -1.0,
        "probabilities": {"neg": 0.4, "pos": 0.6},
    }
    assert (values["label"], values["decided_at"], values["num_tokens"]) == ("pos", 4, 4)
