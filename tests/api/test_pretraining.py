"""The language model below a classifier: its text, both ways to read it, and a stage that is finished only once."""

from pathlib import Path
from typing import Any

import pytest
import torch

from anaphora.api.pretraining import BackwardCorpus, DocumentTexts, Pretrained, pretrain
from anaphora.bundle import Bundle, load_bundle
from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.errors import ConfigError
from anaphora.progress import silent
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.config import TrainingConfig

TEXTS = ["good film .", "bad film ,\nvery bad .", "a film", "good , good"] * 20
NET = {"name": "awd-lstm", "embedding_dim": 6, "hidden_size": 8, "num_layers": 1, "last_hidden_size": 8}


@pytest.fixture(name="corpus")
def _corpus() -> PreparedCorpus:
    return prepare(DocumentTexts("reviews", {"train": TEXTS, "valid": TEXTS[:4]}), TokenizerSettings(kind="words"))


def stage(corpus: PreparedCorpus, folder: Path, *, init: Bundle | None = None, **changes: Any) -> Pretrained:
    backward = changes.pop("backward", False)
    values: dict[str, Any] = {
        "steps": 30,
        "batch_size": 4,
        "bptt": 5,
        "threads": 1,
        "precision": "float32",
        "log_every": 1,
    }
    config = TrainingConfig(**{**values, "dropout_state": 0.0, **changes})
    return pretrain(corpus, NET, config, folder, backward=backward, init=init, time_limit=None, progress=silent)


def test_a_document_is_a_line_whatever_breaks_it_has(corpus: PreparedCorpus) -> None:
    text = corpus.tokenizer.decode(corpus.token_ids("valid").tolist())
    assert text.splitlines() == ["good film .", "bad film , very bad .", "a film", "good , good"]


def test_backward_is_the_same_text_from_its_end(corpus: PreparedCorpus) -> None:
    backward = BackwardCorpus(**vars(corpus))
    assert backward.token_ids("train").tolist() == corpus.token_ids("train").tolist()[::-1]


@pytest.mark.parametrize("backward", [False, True])
def test_a_stage_is_trained_once_and_found_after(corpus: PreparedCorpus, tmp_path: Path, *, backward: bool) -> None:
    first = stage(corpus, tmp_path / "stage", backward=backward)
    assert first.outcome is not None
    assert first.outcome.steps == 30
    again = stage(corpus, tmp_path / "stage", backward=backward)
    assert again.outcome is None
    for name, weight in first.model.state_dict().items():
        assert torch.equal(weight, again.model.state_dict()[name])


def test_it_goes_on_from_a_model(corpus: PreparedCorpus, tmp_path: Path) -> None:
    stage(corpus, tmp_path / "general")
    general = load_bundle(tmp_path / "general")
    start = stage(corpus, tmp_path / "tuned", init=general, steps=1, learning_rate=1e-9)
    for name, weight in start.model.state_dict().items():
        torch.testing.assert_close(weight, general.model.state_dict()[name], rtol=0, atol=1e-6)


def test_what_cannot_become_an_encoder(corpus: PreparedCorpus, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'uniform' model cannot be an encoder"):
        pretrain(
            corpus,
            {"name": "uniform"},
            TrainingConfig(steps=1),
            tmp_path / "stage",
            backward=False,
            init=None,
            time_limit=None,
            progress=silent,
        )
