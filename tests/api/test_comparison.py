"""`compare`: figures that agree with `evaluate`, and models that do not compare."""

import json
from pathlib import Path

import pytest

from anaphora.api import TrainResult, compare, evaluate, load, train
from anaphora.errors import AnaphoraWarning, ConfigError, CorpusError


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "other.txt"
    path.write_text("".join(f"the {number} cats sat on {number * 7} mats\n" for number in range(400, 430)))
    return path


@pytest.fixture(scope="module")
def unigram(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return train(text_file, model="unigram", out=tmp_path_factory.mktemp("runs") / "unigram")


@pytest.fixture(scope="module")
def of_words(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return train(text_file, model="unigram", tokenizer="words", out=tmp_path_factory.mktemp("runs") / "words")


def test_figures_are_those_of_evaluate(trained: TrainResult, unigram: TrainResult, text: Path) -> None:
    result = compare(trained.model, unigram.model, text)
    assert result.difference.first == pytest.approx(evaluate(trained.model, text).loss, rel=1e-5)
    assert result.difference.second == pytest.approx(evaluate(unigram.model, text).loss, rel=1e-5)
    assert result.difference.low <= result.difference.difference <= result.difference.high < 0
    assert result.difference.p < 0.01
    in_bytes = compare(trained.model, unigram.model, text, unit="bits-per-byte", top=0)
    assert in_bytes.difference.first == pytest.approx(evaluate(trained.model, text).bits_per_byte, rel=1e-5)
    assert in_bytes.first_wins == ()


def test_tokens_on_which_they_differ(trained: TrainResult, unigram: TrainResult, text: Path) -> None:
    result = compare(trained.model, unigram.model, text, top=3)
    assert len(result.first_wins) == 3
    gains = [place.second - place.first for place in result.first_wins]
    assert gains == sorted(gains, reverse=True)
    assert gains[-1] > 0
    assert all(place.first > place.second for place in result.second_wins)
    lines = text.read_text().splitlines()
    for place in result.first_wins:
        assert place.before + place.text.replace("\n", "") in lines[place.line - 1]
    json.dumps(result.to_json(), allow_nan=False)


def test_different_tokens_compare_in_bits_per_byte_only(
    trained: TrainResult, of_words: TrainResult, text: Path
) -> None:
    with pytest.raises(ConfigError, match=r"different tokens .*use --unit bits-per-byte"):
        compare(trained.model, of_words.model, text)
    with pytest.warns(AnaphoraWarning, match="text with unknown words or characters favours it"):
        result = compare(trained.model, of_words.model, text, unit="bits-per-byte", context="line")
    assert result.unit == "bits-per-byte"
    lines = text.read_text().splitlines()
    places = (*result.first_wins, *result.second_wins)
    assert places
    assert all(place.text == lines[place.line - 1] for place in places)
    assert all("|context:line|" in signature for signature in result.signatures)


def test_what_cannot_be_is_refused(
    trained: TrainResult, unigram: TrainResult, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="unit = 'bits' for a comparison: use nats-per-token or bits-per-byte"):
        compare(trained.model, unigram.model, text, unit="bits")
    with pytest.raises(ConfigError, match="draws = 0 for a comparison: use 1 or more"):
        compare(trained.model, unigram.model, text, draws=0)
    with pytest.raises(ConfigError, match="top = -1 for a comparison: use 0 or more"):
        compare(trained.model, unigram.model, text, top=-1)
    with pytest.raises(CorpusError, match="nowhere does not exist"):
        compare(trained.model, unigram.model, "nowhere")
    bundle = load(unigram.model)
    monkeypatch.setattr(type(bundle.model), "normalized", False)
    with pytest.raises(ConfigError, match="gives scores that do not sum to one"):
        compare(trained.model, bundle, text)
