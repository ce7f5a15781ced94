"""A toy corpus and a toy model, small enough that a whole training run takes a fraction of a second."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.config import TrainingConfig

MakeModel = Callable[..., RecurrentLanguageModel]
MakeConfig = Callable[..., TrainingConfig]


@pytest.fixture
def corpus(tmp_path: Path) -> PreparedCorpus:
    """Return a text that a small model learns at once: "abcdefgh " over and over, 3,600 characters."""
    path = tmp_path / "toy.txt"
    path.write_text("abcdefgh " * 400, encoding="utf-8")
    return prepare(open_corpus(CorpusSettings(source=(str(path),))), TokenizerSettings())


@pytest.fixture
def make_model(corpus: PreparedCorpus) -> MakeModel:
    """Return a function that makes the toy model, always with the same weights."""

    def make(**changes: Any) -> RecurrentLanguageModel:
        torch.manual_seed(0)
        config = RecurrentConfig(**{"embedding_dim": 8, "hidden_size": 16, "embedding_range": 1.0, **changes})
        return RecurrentLanguageModel(config, corpus.tokenizer.vocab_size)

    return make


@pytest.fixture
def make_config() -> MakeConfig:
    """Return a function that makes a short run on one thread in float32."""

    def make(**changes: Any) -> TrainingConfig:
        defaults: dict[str, Any] = {"batch_size": 4, "bptt": 8, "threads": 1, "precision": "float32", "log_every": 1}
        return TrainingConfig(**{**defaults, "learning_rate": 0.02, **changes})

    return make


@pytest.fixture
def save_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save after every step, so that a run that crashes has a checkpoint near; and don't wait for the disk."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    monkeypatch.setattr("anaphora.training.sitting._SAVE_SECONDS", 0.0)
    monkeypatch.setattr("anaphora.training.sitting._SAVE_PAUSE", 0.0)
    monkeypatch.setattr("anaphora.training.sitting._KEEP_EVERY", 10)
