"""Shared by the tests of adaptation: small nets, a text, and the gradient statistics of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from anaphora.evaluation.adapt.settings import DynamicSettings
from anaphora.evaluation.adapt.statistics import GradientStatistics, gather_statistics
from anaphora.models.language_model import NeuralLanguageModel
from anaphora.models.registry import build_model, model_config

V = 7
SHAPES: dict[str, dict[str, Any]] = {
    "elman": {"embedding_dim": 5, "hidden_size": 6},
    "gru": {"embedding_dim": 5, "hidden_size": 6, "num_layers": 2},
    "lstm": {"embedding_dim": 5, "hidden_size": 6, "tie_weights": True, "dropout_output": 0.5},
    "awd-lstm": {"embedding_dim": 5, "hidden_size": 6},
    "minlstm": {"embedding_dim": 5, "hidden_size": 6},
    "lstm mos": {"embedding_dim": 5, "hidden_size": 6, "head": "mixture-of-softmaxes", "head_experts": 2},
    "lstm adaptive": {"embedding_dim": 5, "hidden_size": 6, "head": "adaptive", "head_cutoffs": (3,)},
}


@pytest.fixture
def make_net() -> Callable[[str], NeuralLanguageModel]:
    """Return a function that makes a net whose predictions are far from even."""

    def make(name: str = "lstm") -> NeuralLanguageModel:
        torch.manual_seed(3)
        net = build_model(model_config(name.split()[0], {**SHAPES[name], "embedding_range": 1.5}), V)
        assert isinstance(net, NeuralLanguageModel)
        return net.eval()

    return make


@pytest.fixture(params=SHAPES)
def net(request: pytest.FixtureRequest, make_net: Callable[[str], NeuralLanguageModel]) -> NeuralLanguageModel:
    """Return one net of each kind."""
    return make_net(request.param)


@pytest.fixture
def token_ids() -> NDArray[np.uint8]:
    """Return a text in which three tokens follow each other again and again, with others between."""
    chance = np.random.default_rng(5)
    return np.where(chance.random(400) < 0.8, np.arange(400) % 3, chance.integers(0, V, 400)).astype(np.uint8)


@pytest.fixture
def text(token_ids: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return tokens and targets (3, 23)."""
    ids = torch.from_numpy(token_ids[:72].astype(np.int64)).view(3, 24)
    return ids[:, :-1], ids[:, 1:]


@pytest.fixture
def dynamic() -> DynamicSettings:
    """Return settings with which weights move visibly."""
    return DynamicSettings(segment=5, learning_rate=0.003, decay=0.1, statistics_tokens=200)


@pytest.fixture
def statistics(net: NeuralLanguageModel, token_ids: NDArray[np.uint8], dynamic: DynamicSettings) -> GradientStatistics:
    """Return the statistics of the net on the text."""
    return gather_statistics(net, token_ids, dynamic, source="abcdef0123456789")
