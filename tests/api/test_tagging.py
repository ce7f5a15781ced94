"""A tagger's run, its resumption, its figures beside the baseline's, and its answers."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from anaphora.api import TagResult, evaluate_tagger, load, load_tagger, tag, train, train_tagger
from anaphora.errors import BundleError, ConfigError

SMALL = {
    "encoder.embedding_dim": 12,
    "encoder.hidden_size": 16,
    "encoder.dropout_input": 0.0,
    "spelling.embedding_dim": 4,
    "spelling.hidden_size": 4,
    "learning_rate": 0.02,
    "threads": 1,
    "precision": "float32",
}


def write(path: Path, sentences: int, seed: int) -> Path:
    """Write sentences in which a number word belongs to the scale that comes next, or to the ones."""
    chance = Random(seed)
    lines = []
    for _ in range(sentences):
        for scale in chance.choice((("hundred",), ("thousand",), ("thousand", "hundred"), ())):
            lines += [f"{chance.choice(('two', 'six'))}\tB-{scale}", f"{scale}\tO"]
        lines += [f"{chance.choice(('two', 'six'))}\tB-one", ""]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module", name="file")
def _file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("tags") / "numbers.tsv", 200, seed=1)


@pytest.fixture(scope="module", name="result")
def _result(file: Path, tmp_path_factory: pytest.TempPathFactory) -> TagResult:
    test = write(file.parent / "test.tsv", 50, seed=2)
    return train_tagger(file, test=test, epochs=12, settings=SMALL, out=tmp_path_factory.mktemp("runs") / "numbers")


def test_a_run_is_measured_beside_its_baseline(result: TagResult) -> None:
    assert set(result.scores) == set(result.baseline) == {"valid", "test"}
    assert result.tags[:2] == ("O", "B-one")
    assert result.scores["test"].scores.accuracy > 0.98
    assert result.baseline["test"].scores.accuracy < 0.9
    spans = result.scores["test"].scores.spans
    assert spans is not None
    assert spans.f1 > 0.98
    assert result.scores["test"].signature.startswith("words:")
    assert result.baseline["test"].signature.split("|")[:3] == result.scores["test"].signature.split("|")[:3]
    assert result.to_json()["scores"]["test"]["accuracy"] == result.scores["test"].scores.accuracy


def test_the_folder_gives_the_same_figures(result: TagResult, file: Path) -> None:
    assert evaluate_tagger(result.run, file.parent / "test.tsv").scores == result.scores["test"].scores
    assert load_tagger(result.model).provenance["results"]["test"]["accuracy"] == result.scores["test"].scores.accuracy


@pytest.mark.parametrize("sentences", [[["two", "hundred", "six"], ["six", "thousand", "two"]]])
def test_words_come_back_with_tags(result: TagResult, sentences: Sequence[Sequence[str]], tmp_path: Path) -> None:
    found = tag(result.run, sentences)
    assert [one.tags for one in found] == [("B-hundred", "O", "B-one"), ("B-thousand", "O", "B-one")]
    assert all(log_prob <= 0 for one in found for log_prob in one.log_probs)
    path = tmp_path / "words.txt"
    path.write_text("\n\n".join("\n".join(words) for words in sentences))
    assert [one.tags for one in tag(load_tagger(result.run), path)] == [one.tags for one in found]


def test_a_broken_run_goes_on(file: Path, tmp_path: Path) -> None:
    about: dict[str, Any] = {"settings": {**SMALL, "schedule": "constant"}}
    whole = train_tagger(file, steps=12, out=tmp_path / "whole", **about)
    train_tagger(file, steps=5, out=tmp_path / "parts", **about)
    parts = train_tagger(resume=tmp_path / "parts", steps=12)
    assert parts.steps == 12
    weights = [load_tagger(run.model).model.state_dict() for run in (whole, parts)]
    assert all(map(torch.equal, weights[0].values(), weights[1].values()))


def test_a_language_model_below(file: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("six hundred two\nsix thousand two hundred six\n" * 40)
    net = {"hidden_size": 8, "embedding_dim": 8, "batch_size": 2, "bptt": 8, "threads": 1, "precision": "float32"}
    below = train(text, tokenizer="words", steps=3, settings=net, out=tmp_path / "below")
    result = train_tagger(file, encoder=below.run, steps=3, settings=SMALL, out=tmp_path / "run")
    bundle = load_tagger(result.run)
    assert bundle.tokenizer.hash == load(below.run, "cpu").tokenizer.hash
    assert bundle.model.language_model is not None
    assert train_tagger(resume=result.run, steps=3).steps == 3


def test_what_cannot_be(result: TagResult, file: Path, text_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no sentences were named"):
        train_tagger(epochs=1)
    with pytest.raises(ConfigError, match="goes on with that run's own sentences"):
        train_tagger(file, resume=result.run)
    with pytest.raises(ConfigError, match=r"unknown key 'hiden_size' in \[encoder\]; did you mean 'hidden_size'"):
        train_tagger(file, settings=["encoder.hiden_size=3"])
    with pytest.raises(ConfigError, match="sentence 2 has no words"):
        tag(result.run, [["two"], []])
    with pytest.raises(BundleError, match="the model is a tagger, no language model; `anaphora tag` uses it"):
        load(result.run)
    with pytest.raises(BundleError, match="the model is a 'unigram', no tagger; `anaphora tag train FILE` makes one"):
        load_tagger(train(text_file, model="unigram", out=tmp_path / "unigram").run)
