"""What textbooks promise of a language model: it tells homophones apart, and knows the order of words."""

from pathlib import Path
from typing import Any, cast

import pytest

from anaphora.api import TrainResult, rescore, train
from anaphora.errors import ConfigError

SETTINGS = {
    "hidden_size": 24,
    "embedding_dim": 12,
    "batch_size": 4,
    "bptt": 12,
    "learning_rate": 0.02,
    "threads": 1,
    "precision": "float32",
}

ENGLISH = """\
we want machines to recognize speech
machines that recognize speech learn from speech
it is hard to recognize speech in noise
they walk along a nice beach
we went to a nice beach in summer
the storm will wreck a ship
to recognize speech is what machines learn
"""

CHINESE = """\
你先走，我等他。
我先走了，你等他吧。
他先走，我们先等。
你先说，我先听。
你走吧，我先睡。
他走了，你先吃。
"""


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    folder = tmp_path_factory.mktemp("english")
    (folder / "text.txt").write_text(ENGLISH * 30)
    return train(folder / "text.txt", tokenizer="words", steps=100, settings=SETTINGS, out=folder / "run")


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    folder = tmp_path_factory.mktemp("chinese")
    (folder / "text.txt").write_text(CHINESE * 30, encoding="utf-8")
    return train(folder / "text.txt", tokenizer="chars", steps=100, settings=SETTINGS, out=folder / "run")


HOMOPHONES = """\
0 ||| it is hard to wreck a nice beach ||| -20.0
0 ||| it is hard to recognize speech ||| -20.6
1 ||| they walk along a nice speech ||| -11.0
1 ||| they walk along a nice beach ||| -11.3
"""


def test_homophones(english: TrainResult, tmp_path: Path) -> None:
    (tmp_path / "heard.txt").write_text(HOMOPHONES)
    heard = rescore(english.model, tmp_path / "heard.txt", lm_weight=0.0)
    assert [own[0].candidate.line for own in heard.ranked.values()] == [1, 3], "the ear alone"
    understood = rescore(english.model, tmp_path / "heard.txt", lm_weight=1.0)
    assert [own[0].candidate.text for own in understood.ranked.values()] == [
        "it is hard to recognize speech",
        "they walk along a nice beach",
    ]


def test_word_order(chinese: TrainResult, tmp_path: Path) -> None:
    (tmp_path / "translations.tsv").write_text(
        "0\t你走先，我等他。\t-2.0\n0\t你先走，我等他。\t-2.5\n", encoding="utf-8"
    )
    best, other = rescore(chinese.model, tmp_path / "translations.tsv").ranked["0"]
    assert best.candidate.text.startswith("你先走")
    assert best.log_prob > other.log_prob


def test_the_sum_is_what_the_docstring_says(english: TrainResult, tmp_path: Path) -> None:
    (tmp_path / "heard.txt").write_text(HOMOPHONES)
    result = rescore(english.model, tmp_path / "heard.txt", lm_weight=0.5, word_penalty=0.25, length_penalty=-0.125)
    for own in result.ranked.values():
        assert [one.combined for one in own] == sorted((one.combined for one in own), reverse=True)
        for one in own:
            text = one.candidate.text
            expected = one.candidate.score + 0.5 * one.log_prob - 0.25 * len(text.split()) + 0.125 * len(text)
            assert one.combined == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["wer", "cer", "ser"])
def test_weights_are_found(metric: str, english: TrainResult, tmp_path: Path) -> None:
    (tmp_path / "heard.txt").write_text(HOMOPHONES)
    (tmp_path / "right.txt").write_text("it is hard to recognize speech\nthey walk along a nice beach\n")
    result = rescore(
        english.model, tmp_path / "heard.txt", lm_weight=0.0, references=tmp_path / "right.txt", metric=metric
    )
    tuning = result.tuning
    assert tuning is not None
    assert tuning.first_pass == tuning.before > 0.0
    assert tuning.after == tuning.best_possible == 0.0
    again = rescore(english.model, tmp_path / "heard.txt", **cast(dict[str, Any], result.weights))
    assert [own[0].candidate.line for own in again.ranked.values()] == [2, 4]


def test_word_errors_by_hand(english: TrainResult, tmp_path: Path) -> None:
    """Four of six words wrong in the first ("wreck a nice beach" for "recognize speech"), one of six in the second."""
    (tmp_path / "heard.txt").write_text(HOMOPHONES)
    (tmp_path / "right.txt").write_text("0 ||| it is hard to recognize speech\n1 ||| they walk along a nice beach\n")
    result = rescore(english.model, tmp_path / "heard.txt", references=tmp_path / "right.txt")
    assert result.tuning is not None
    assert result.tuning.first_pass == pytest.approx(5 / 12)


def test_json(english: TrainResult, tmp_path: Path) -> None:
    (tmp_path / "heard.txt").write_text(HOMOPHONES)
    result = rescore(english.model, tmp_path / "heard.txt")
    values = result.to_json()
    assert values.keys() == {"signature", "normalized", "weights", "tuning", "results"}
    assert [len(own["candidates"]) for own in values["results"]] == [1, 1]
    assert values["results"][0]["candidates"][0].keys() == {"line", "text", "score", "log_prob", "combined"}
    assert [len(own["candidates"]) for own in result.to_json(full=True)["results"]] == [2, 2]


def test_an_unknown_metric(english: TrainResult) -> None:
    with pytest.raises(ConfigError, match="metric = 'bleu'; use wer, cer, ser"):
        rescore(english.model, "list.txt", metric="bleu")
