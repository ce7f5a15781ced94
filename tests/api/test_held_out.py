"""As few lanes as time allows, and less text where even many lanes take too long."""

from pathlib import Path

import pytest
import torch

from anaphora.api import TrainResult, held_out, load, train
from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.models.language_model import LanguageModel
from anaphora.models.registry import build_model, model_config
from anaphora.progress import Event
from anaphora.text.corpus import Corpus, CorpusSettings, open_corpus


@pytest.fixture
def opened(text_file: Path) -> Corpus:
    return open_corpus(CorpusSettings(source=(str(text_file),)))


@pytest.fixture
def corpus(opened: Corpus, trained: TrainResult) -> PreparedCorpus:
    return prepare(opened, load(trained.model).tokenizer)


@pytest.mark.parametrize(("seconds", "lanes"), [(1e9, 1), (0.5, 4), (0.15, 16), (0.0, 256)])
def test_the_fewest_lanes_that_fit_are_taken(
    seconds: float, lanes: int, corpus: PreparedCorpus, trained: TrainResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = corpus.counts["valid"].tokens + corpus.counts["test"].tokens

    def one_second_on_one_lane(model: LanguageModel, lanes: int) -> float:
        return 1.0 / lanes / tokens

    monkeypatch.setattr(held_out, "_seconds_per_token", one_second_on_one_lane)
    model = load(trained.model).model
    assert held_out.lanes_within(model, corpus, seconds)[0] == lanes


def test_the_timing_leaves_the_model_as_it_was(corpus: PreparedCorpus, trained: TrainResult) -> None:
    model = load(trained.model).model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    _, seconds = held_out.lanes_within(model, corpus, 60.0)
    assert seconds > 0
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_held_out_is_all_but_train(corpus: PreparedCorpus) -> None:
    assert held_out.held_out_splits(corpus) == ("valid", "test")


def test_all_is_scored_where_there_is_time(opened: Corpus, corpus: PreparedCorpus) -> None:
    assert held_out.excerpts_within(opened, corpus, 1.0) == {}


def test_model_and_baselines_are_scored_on_the_same_excerpt(
    opened: Corpus, corpus: PreparedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "_LEAST_CHARACTERS", 50)
    excerpts = held_out.excerpts_within(opened, corpus, 0.5)
    model = build_model(model_config("uniform"), corpus.tokenizer.vocab_size)
    scores = held_out.score_held_out(model, corpus, excerpts=excerpts)
    baselines = held_out.score_baselines(corpus, excerpts)
    for split in ("valid", "test"):
        text = "".join(opened.chunks(split))
        found, characters = scores[split], excerpts[split].counts.characters
        assert 0 < characters <= len(text) / 2
        assert found.tokens == len(corpus.tokenizer.encode(text[:characters]))
        assert found.characters == found.bytes == characters
        assert found.signature.startswith(f"tokens:first-{found.tokens}|")
        assert baselines["uniform"][split].tokens == found.tokens
        assert baselines["uniform"][split].loss == found.loss


def test_a_run_says_when_it_scored_an_excerpt(
    text_file: Path, small: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "_seconds_per_token", lambda *_: 1.0)
    monkeypatch.setattr(held_out, "_LEAST_CHARACTERS", 50)
    events: list[Event] = []
    result = train(text_file, steps=2, settings=small, out=tmp_path / "run", progress=events.append)
    assert any(event.message and "only its beginning is scored" in event.message for event in events)
    assert result.test is not None
    assert "tokens:first-" in result.test.signature


def test_a_net_is_shown_beside_an_n_gram_model(trained: TrainResult) -> None:
    assert list(trained.baselines) == ["uniform", "unigram", "kn6"]
    assert trained.test is not None
    assert trained.baselines["kn6"]["test"].loss < trained.baselines["unigram"]["test"].loss


def test_an_n_gram_baseline_that_takes_too_long_is_left_out(
    text_file: Path, small: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "_COUNTED_PER_SECOND", 1.0)
    said: list[str | None] = []
    result = train(
        text_file, steps=1, settings=small, out=tmp_path / "run", progress=lambda event: said.append(event.message)
    )
    assert list(result.baselines) == ["uniform", "unigram"]
    assert any(message and message.startswith("no n-gram baseline: counting") for message in said)
