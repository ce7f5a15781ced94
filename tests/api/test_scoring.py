"""As few lanes as time allows."""

from pathlib import Path

import pytest
import torch

from anaphora.api import TrainResult, load, scoring
from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.models.language_model import LanguageModel
from anaphora.text.corpus import CorpusSettings, open_corpus


@pytest.fixture
def corpus(text_file: Path, trained: TrainResult) -> PreparedCorpus:
    return prepare(open_corpus(CorpusSettings(source=(str(text_file),))), load(trained.model).tokenizer)


@pytest.mark.parametrize(("seconds", "lanes"), [(1e9, 1), (0.5, 4), (0.15, 16), (0.0, 256)])
def test_the_fewest_lanes_that_fit_are_taken(
    seconds: float, lanes: int, corpus: PreparedCorpus, trained: TrainResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = corpus.counts["valid"].tokens + corpus.counts["test"].tokens

    def one_second_on_one_lane(model: LanguageModel, lanes: int) -> float:
        return 1.0 / lanes / tokens

    monkeypatch.setattr(scoring, "_seconds_per_token", one_second_on_one_lane)
    model = load(trained.model).model
    assert scoring.lanes_within(model, corpus, seconds)[0] == lanes


def test_the_timing_leaves_the_model_as_it_was(corpus: PreparedCorpus, trained: TrainResult) -> None:
    model = load(trained.model).model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    _, seconds = scoring.lanes_within(model, corpus, 60.0)
    assert seconds > 0
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_held_out_is_all_but_train(corpus: PreparedCorpus) -> None:
    assert scoring.held_out(corpus) == ("valid", "test")
