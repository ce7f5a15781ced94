"""What can be made to adapt, and what a signature says of it."""

import copy

import numpy as np
import pytest
import torch

from anaphora.data.prepare import SplitCounts
from anaphora.errors import ConfigError
from anaphora.evaluation.adapt.build import adapting, conditions
from anaphora.evaluation.adapt.settings import AdaptSettings, CacheSettings, DynamicSettings
from anaphora.evaluation.adapt.statistics import GradientStatistics
from anaphora.evaluation.evaluate import Evaluation, evaluate_tokens
from anaphora.evaluation.signature import Signature
from anaphora.models.language_model import LanguageModel, NeuralLanguageModel
from anaphora.models.registry import build_model, model_config

BOTH = AdaptSettings(dynamic=DynamicSettings(segment=5, learning_rate=0.0003), cache=CacheSettings(window=9))


def evaluated(model: LanguageModel, token_ids: np.ndarray, batch_size: int = 1, window: int = 2048) -> Evaluation:
    counts = SplitCounts(tokens=len(token_ids), unknown_tokens=0, characters=1, bytes=1)
    signature = Signature(unknown="none", split="test")
    return evaluate_tokens(
        model, token_ids, counts, start_id=0, signature=signature, batch_size=batch_size, window=window
    )


def test_the_signature_names_the_adaptation(net: NeuralLanguageModel, statistics: GradientStatistics) -> None:
    dynamic, cache = AdaptSettings(dynamic=BOTH.dynamic), AdaptSettings(cache=BOTH.cache)
    for settings, expected in (
        (dynamic, f"{dynamic},statistics=abcdef01"),
        (cache, str(cache)),
        (BOTH, f"{dynamic},statistics=abcdef01+{cache}"),
    ):
        model = adapting(net, settings, statistics)
        assert conditions(model) == expected
        assert f"|adapt:{expected}|" in evaluated(model, np.array([1, 2, 3])).signature
    assert conditions(net) is None
    assert "adapt" not in evaluated(net, np.array([1, 2, 3])).signature


@pytest.mark.parametrize("settings", [AdaptSettings(dynamic=BOTH.dynamic), AdaptSettings(cache=BOTH.cache), BOTH])
def test_an_evaluation_repeats_and_changes_no_weight(
    net: NeuralLanguageModel, statistics: GradientStatistics, token_ids: np.ndarray, settings: AdaptSettings
) -> None:
    before = copy.deepcopy(net.state_dict())
    model = adapting(net, settings, statistics)
    first = evaluated(model, token_ids[:90])
    assert evaluated(model, token_ids[:90]) == first
    assert evaluated(model, token_ids[:90], window=13).loss == pytest.approx(first.loss, rel=1e-4)
    assert evaluated(model, token_ids[:90], batch_size=4).tokens == 90
    assert first.loss != evaluated(net, token_ids[:90]).loss
    assert all(torch.equal(weight, before[name]) for name, weight in net.state_dict().items())


def test_a_model_that_counts_has_nothing_to_adapt() -> None:
    counted = build_model(model_config("unigram"), 7)
    with pytest.raises(ConfigError, match="there is nothing to adapt in the model 'unigram': only a neural net"):
        adapting(counted, AdaptSettings(cache=CacheSettings()))


def test_a_model_that_adapts_already(net: NeuralLanguageModel) -> None:
    cached = adapting(net, AdaptSettings(cache=CacheSettings()))
    with pytest.raises(ConfigError, match=r"the model adapts already \(cache,window=500"):
        adapting(cached, AdaptSettings(cache=CacheSettings()))


def test_dynamic_evaluation_without_statistics(net: NeuralLanguageModel) -> None:
    with pytest.raises(ConfigError, match="dynamic evaluation needs the gradient statistics of a text"):
        adapting(net, BOTH)
