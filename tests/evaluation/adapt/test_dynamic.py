"""Dynamic evaluation beside a plain one, weight by weight; what it may touch, and where segments end."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from anaphora.evaluation.adapt.build import adapting
from anaphora.evaluation.adapt.dynamic import DynamicLanguageModel
from anaphora.evaluation.adapt.settings import AdaptSettings, CacheSettings, DynamicSettings
from anaphora.evaluation.adapt.statistics import GradientStatistics, gather_statistics
from anaphora.models.language_model import NeuralLanguageModel, detach
from anaphora.models.stepping import inference

Text = tuple[Tensor, Tensor]


@pytest.fixture
def model(net: NeuralLanguageModel, statistics: GradientStatistics, dynamic: DynamicSettings) -> DynamicLanguageModel:
    found = adapting(net, AdaptSettings(dynamic=dynamic), statistics)
    assert isinstance(found, DynamicLanguageModel)
    return found


def plain(
    net: NeuralLanguageModel, text: Text, statistics: GradientStatistics, settings: DynamicSettings
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return log-probabilities and last weights, by the formula of the paper, each weight on its own."""
    tokens, targets = text
    moved, scores, state = copy.deepcopy(net), [], net.initial_state(len(tokens))
    mean = sum(float(rms.mean()) for rms in statistics.rms) / len(statistics.rms)
    for part, wanted in zip(tokens.split(settings.segment, 1), targets.split(settings.segment, 1), strict=True):
        log_probs, _, state = moved.score_targets(part, wanted, detach(state))
        scores.append(log_probs.detach())
        if part.shape[1] < settings.segment:
            break
        moved.zero_grad()
        (-log_probs.mean()).backward()
        for weight, trained, rms in zip(moved.parameters(), net.parameters(), statistics.rms, strict=True):
            assert weight.grad is not None
            decay = (settings.decay * rms / mean).clamp(max=1.0)
            weight.data += -settings.learning_rate * weight.grad / (
                rms + settings.floor * rms.mean() + settings.epsilon
            ) + decay * (trained.data - weight.data)
    return torch.cat(scores, 1), moved.state_dict()


def test_values_are_those_of_the_formula(
    net: NeuralLanguageModel,
    model: DynamicLanguageModel,
    text: Text,
    statistics: GradientStatistics,
    dynamic: DynamicSettings,
) -> None:
    """23 tokens are four segments of 5, and 3 that no update follows."""
    expected, weights = plain(net, text, statistics, dynamic)
    found, _ = model.target_log_probs(*text, model.initial_state(3))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert len(weights) == len(model.model.state_dict())
    for name, weight in model.model.state_dict().items():
        torch.testing.assert_close(weight, weights[name], rtol=1e-4, atol=1e-5)


def test_the_trained_model_is_untouched(net: NeuralLanguageModel, model: DynamicLanguageModel, text: Text) -> None:
    before = copy.deepcopy(net.state_dict())
    model.target_log_probs(*text, model.initial_state(3))
    assert any(not torch.equal(weight, before[name]) for name, weight in model.model.state_dict().items())
    assert all(torch.equal(weight, before[name]) for name, weight in net.state_dict().items())
    assert all(weight.grad is None for weight in net.parameters())


def test_nothing_is_copied_before_the_first_update(
    net: NeuralLanguageModel, model: DynamicLanguageModel, text: Text
) -> None:
    tokens, targets = text
    model.target_log_probs(tokens[:, :4], targets[:, :4], model.initial_state(3))
    assert model.model is net
    assert model.snapshot() is None
    assert model.num_parameters == net.num_parameters


def test_a_segment_is_scored_before_its_update(
    net: NeuralLanguageModel, model: DynamicLanguageModel, text: Text
) -> None:
    static, _ = net.target_log_probs(*text, net.initial_state(3))
    found, _ = model.target_log_probs(*text, model.initial_state(3))
    torch.testing.assert_close(found[:, :5], static[:, :5])
    assert not torch.allclose(found[:, 5:10], static[:, 5:10], rtol=1e-3)


@pytest.mark.parametrize("length", [1, 3, 5, 7, 12])
def test_pieces_equal_the_whole(model: DynamicLanguageModel, text: Text, length: int) -> None:
    tokens, targets = text
    whole = model.fresh()
    expected, hits, _ = whole.score_targets(tokens, targets, whole.initial_state(3))
    state, scores, correct = model.initial_state(3), [], []
    for part, wanted in zip(tokens.split(length, 1), targets.split(length, 1), strict=True):
        log_probs, right, state = model.score_targets(part, wanted, state)
        scores.append(log_probs)
        correct.append(right)
    torch.testing.assert_close(torch.cat(scores, 1), expected, rtol=1e-3, atol=1e-4)
    assert torch.equal(torch.cat(correct, 1), hits)
    for one, other in zip(model.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_what_is_read_to_write_on_moves_no_weight(
    net: NeuralLanguageModel, model: DynamicLanguageModel, text: Text
) -> None:
    tokens, targets = text
    state = model.initial_state(3)
    for t in range(tokens.shape[1]):
        _, state = model.next_log_probs(tokens[:, t : t + 1], state)
    assert model.model is net
    _, state = model.target_log_probs(tokens[:, :4], targets[:, :4], state)
    _, state = model.next_log_probs(tokens[:, 4:6], state)
    model.target_log_probs(tokens[:, 6:10], targets[:, 6:10], state)
    assert model.model is net, "a segment that was broken off must not be finished with what followed"


def test_inside_inference_it_still_learns(model: DynamicLanguageModel, text: Text) -> None:
    outside = model.fresh()
    expected, _ = outside.target_log_probs(*text, outside.initial_state(3))
    with inference(model):
        found, _ = model.target_log_probs(*text, model.initial_state(3))
    assert torch.equal(found, expected)
    assert not found.requires_grad


def test_a_snapshot_brings_the_weights_back(model: DynamicLanguageModel, text: Text) -> None:
    state = model.initial_state(3)
    _, state = model.target_log_probs(*text, state)
    snapshot = model.snapshot()
    first, _ = model.target_log_probs(*text, state)
    again, _ = model.target_log_probs(*text, state)
    assert not torch.equal(first, again)
    model.restore(snapshot)
    assert torch.equal(model.target_log_probs(*text, state)[0], first)
    other = model.fresh()
    other.restore(snapshot)
    assert torch.equal(other.target_log_probs(*text, state)[0], first)
    model.restore(None)
    assert model.model is model.update.trained


@pytest.mark.parametrize("cache", [None, CacheSettings(window=10)])
def test_a_text_that_repeats_itself_is_learnt(
    make_net: Callable[[str], NeuralLanguageModel], token_ids: NDArray[np.uint8], cache: CacheSettings | None
) -> None:
    net = make_net("lstm")
    dynamic = DynamicSettings(segment=5, learning_rate=0.003, decay=0.001)
    model = adapting(net, AdaptSettings(dynamic=dynamic, cache=cache), gather_statistics(net, token_ids, dynamic))
    phrase = torch.tensor([[1, 5, 2, 6, 4, 4, 3] * 60])
    scores, _ = model.target_log_probs(phrase[:, :-1], phrase[:, 1:], model.initial_state(1))
    static, _ = net.target_log_probs(phrase[:, :-1], phrase[:, 1:], net.initial_state(1))
    assert scores[:, 300:].mean() > static[:, 300:].mean() + 1.0


def test_with_a_cache_the_weights_follow_the_mixture(
    make_net: Callable[[str], NeuralLanguageModel], token_ids: NDArray[np.uint8], dynamic: DynamicSettings, text: Text
) -> None:
    """One segment: its gradient is that of the mixture's loss, worked out by finite differences of one bias."""
    net, cache = make_net("lstm"), CacheSettings(window=10, theta=0.5, weight=0.4)
    statistics = gather_statistics(net, token_ids, dynamic)
    still = dynamic.replace(decay=0.0, segment=23)
    model = adapting(net, AdaptSettings(dynamic=still, cache=cache), statistics)
    assert isinstance(model, DynamicLanguageModel)

    def loss() -> float:
        cached = adapting(net, AdaptSettings(cache=cache))
        return -float(cached.target_log_probs(*text, cached.initial_state(3))[0].double().mean())

    bias, step = net.get_parameter("head.bias"), 1e-2
    place = [weight is bias for weight in net.parameters()].index(True)
    with torch.no_grad():
        bias[2] += step
        above = loss()
        bias[2] -= 2 * step
        below = loss()
        bias[2] += step
    expected = (
        -still.learning_rate
        * (above - below)
        / (2 * step)
        / (float(statistics.rms[place][2] + still.floor * statistics.rms[place].mean()) + still.epsilon)
    )
    model.target_log_probs(*text, model.initial_state(3))
    moved = list(model.model.parameters())[place]
    assert float((moved[2] - bias[2]).detach()) == pytest.approx(expected, rel=0.02)
