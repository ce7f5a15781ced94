"""`train` with a column of labels: from a table to a model of each kind of text."""

import json
from pathlib import Path
from random import Random

import pytest

from anaphora.api import TrainResult, generate, given, load, train
from anaphora.errors import ConfigError

SMALL = {
    "hidden_size": 24,
    "embedding_dim": 12,
    "condition_dim": 6,
    "batch_size": 8,
    "bptt": 16,
    "learning_rate": 0.03,
    "threads": 1,
    "precision": "float32",
}


@pytest.fixture(scope="module", name="table")
def _table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a table of texts that praise or blame."""
    chance, path = Random(1), tmp_path_factory.mktemp("tables") / "reviews.csv"
    words = {"pos": ("good", "warm"), "neg": ("bad", "dull")}
    rows = [(chance.choice(words[label]), label) for label in chance.choices(("pos", "neg"), k=200)]
    path.write_text("text,label\n" + "".join(f"a {word} film,{label}\n" for word, label in rows))
    return path


@pytest.fixture(scope="module", name="result")
def _result(table: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return train(table, condition="label", epochs=8, settings=SMALL, out=tmp_path_factory.mktemp("runs") / "reviews")


def test_texts_are_of_the_label_and_end_with_their_line(result: TrainResult) -> None:
    bundle = load(result.run, "cpu")
    for label, words in (("pos", {"good", "warm"}), ("neg", {"bad", "dull"})):
        samples = generate(given(bundle, label), "a ", num=4, stop=["\n"], seed=1, temperature=0.3)
        assert {sample.text.split()[0] for sample in samples} <= words
        assert all(sample.text.endswith(" film") for sample in samples)


def test_the_scores_stand_beside_those_without_the_label(result: TrainResult) -> None:
    assert result.test is not None
    without = result.baselines["without the label"]["test"]
    assert result.test.loss < without.loss < result.baselines["unigram"]["test"].loss
    assert "|context:document|lanes:1|condition:own-label|split:test|" in result.test.signature
    assert "condition" not in without.signature
    assert result.test.tokens == without.tokens
    assert result.name == "conditional lstm"
    assert load(result.run, "cpu").provenance["labels"] == ["neg", "pos"]


def test_a_finished_run_can_be_taken_up_again(result: TrainResult) -> None:
    again = train(resume=result.run)
    assert again.test == result.test
    assert again.steps == result.steps
    assert set(json.loads((result.run / "config.json").read_text())) == {
        "documents",
        "tokenizer",
        "model",
        "condition",
        "training",
    }


def test_what_cannot_be(table: Path, result: TrainResult, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="condition = 'label': name one table"):
        train([table, table], condition="label", steps=1)
    with pytest.raises(ConfigError, match="no documents were named"):
        train(condition="label", steps=1)
    with pytest.raises(ConfigError, match="a conditional model begins with new weights"):
        train(table, condition="label", init=result.run, steps=1)
    with pytest.raises(ConfigError, match="a conditional model takes one label for each document"):
        train(table, condition="label", settings={"multi_label": True}, steps=1)
    with pytest.raises(ConfigError, match="leave out CORPUS, --preset"):
        train(resume=result.run, condition="label")
    with pytest.raises(ConfigError, match=r"unknown key|no section has this key"):
        train(table, condition="label", settings=["max_chars=3"], steps=1)
