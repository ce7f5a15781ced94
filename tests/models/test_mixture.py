"""Mixtures by hand, and what they refuse. What they share with every model is in `test_contract.py`."""

from typing import get_args

import numpy as np
import pytest
import torch

from anaphora.errors import ConfigError
from anaphora.models.baselines import UnigramLanguageModel
from anaphora.models.language_model import LanguageModel
from anaphora.models.mixture import Combination, MixtureConfig, MixtureLanguageModel
from anaphora.models.registry import build_model, model_config


def unigram(*token_ids: int, vocab_size: int = 2) -> LanguageModel:
    model = build_model(model_config("unigram"), vocab_size)
    assert isinstance(model, UnigramLanguageModel)
    return model.fit(np.array(token_ids))


def next_probs(model: LanguageModel, token: int = 0) -> list[float]:
    log_probs, _ = model.next_log_probs(torch.tensor([[token]]), model.initial_state(1))
    return [float(prob) for prob in log_probs[0].exp()]


def test_linear_by_hand() -> None:
    """Counts (2, 0) and (0, 2), one added to each: (3/4, 1/4) and (1/4, 3/4)."""
    model = MixtureLanguageModel.of([unigram(0, 0), unigram(1, 1)])
    assert next_probs(model) == pytest.approx([1 / 2, 1 / 2])
    model.weights[:] = torch.tensor([0.8, 0.2])
    assert next_probs(model) == pytest.approx([0.65, 0.35])


def test_log_linear_by_hand() -> None:
    """(3/4)^2 : (1/4)^2 = 9 : 1."""
    model = MixtureLanguageModel.of([unigram(0, 0), unigram(0, 0)], combination="log-linear")
    model.weights[:] = 1.0
    assert next_probs(model) == pytest.approx([0.9, 0.1])


def test_the_class_is_the_octave_of_the_last_token() -> None:
    model = MixtureLanguageModel.of([unigram(0, vocab_size=9), unigram(1, vocab_size=9)], context_classes="rank")
    assert model.classes(torch.arange(9)).tolist() == [0, 1, 2, 2, 3, 3, 3, 3, 4]
    assert model.weights.shape == (5, 2)
    model.weights[2] = torch.tensor([1.0, 0.0])
    assert next_probs(model, token=3) == pytest.approx(next_probs(model.parts[0]))
    assert next_probs(model, token=4) != pytest.approx(next_probs(model.parts[0]))


class Certain(UnigramLanguageModel):
    """Knows no other token than the first."""

    normalized = False

    def _log_probs(self) -> torch.Tensor:
        return torch.tensor([0.0, -torch.inf])


@pytest.mark.parametrize("combination", get_args(Combination))
def test_a_weight_of_zero_silences_even_an_impossible_token(combination: Combination) -> None:
    model = MixtureLanguageModel.of([Certain(model_config("unigram"), 2), unigram(1, 1)], combination=combination)
    model.weights[:] = torch.tensor([0.0, 1.0])
    assert next_probs(model) == pytest.approx([1 / 4, 3 / 4])


def test_a_linear_mixture_is_as_normalized_as_its_parts() -> None:
    scores, probabilities = Certain(model_config("unigram"), 2), unigram(1, 1)
    assert MixtureLanguageModel.of([probabilities, probabilities]).normalized
    assert not MixtureLanguageModel.of([probabilities, scores]).normalized
    assert MixtureLanguageModel.of([probabilities, scores], combination="log-linear").normalized


def test_what_cannot_be_is_refused() -> None:
    one = {"name": "uniform"}
    with pytest.raises(ConfigError, match="components"):
        MixtureConfig(components=(one,))
    with pytest.raises(ConfigError, match="a log-linear mixture has weights of one context class only"):
        MixtureConfig(components=(one, one), combination="log-linear", context_classes="rank")
    with pytest.raises(ConfigError, match=r"name = 'unigran' in \[model\]: no such model; did you mean 'unigram'"):
        build_model(MixtureConfig(components=(one, {"name": "unigran"})), 5)
