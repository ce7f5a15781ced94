"""The neural cache beside a plain one, a position at a time, and the contract of every model."""

import math

import pytest
import torch
from torch import Tensor

from anaphora.evaluation.adapt import neural_cache
from anaphora.evaluation.adapt.neural_cache import CachedLanguageModel
from anaphora.evaluation.adapt.settings import CacheSettings
from anaphora.models.language_model import NeuralLanguageModel, State, select_rows

SETTINGS = CacheSettings(window=6, theta=0.7, weight=0.3)
Text = tuple[Tensor, Tensor]


@pytest.fixture
def model(net: NeuralLanguageModel) -> CachedLanguageModel:
    return CachedLanguageModel(net, SETTINGS)


def plain(net: NeuralLanguageModel, tokens: Tensor, settings: CacheSettings) -> Tensor:
    """Return the mixture (T, V) after each token of one row, as the paper has it: one pair of the past at a time."""
    features, _ = net.features(tokens[None], net.initial_state(1))
    own = net.logits(features[0]).double().softmax(-1)
    hidden, mixed = features[0].double(), []
    for t in range(len(tokens)):
        pairs = [(i, int(tokens[i + 1])) for i in range(max(0, t - settings.window), t)]
        if not pairs:
            mixed.append(own[t])
            continue
        energies = [math.exp(settings.theta * (hidden[t] @ hidden[i]).item()) for i, _ in pairs]
        cached = torch.zeros(net.vocab_size, dtype=torch.float64)
        for (_, token), energy in zip(pairs, energies, strict=True):
            cached[token] += energy / sum(energies)
        mixed.append((1 - settings.weight) * own[t] + settings.weight * cached)
    return torch.stack(mixed)


def test_scores_are_those_of_the_plain_cache(model: CachedLanguageModel, net: NeuralLanguageModel, text: Text) -> None:
    tokens, targets = text
    found, correct, _ = model.score_targets(tokens, targets, model.initial_state(3))
    for row in range(3):
        mixed = plain(net, tokens[row], SETTINGS)
        expected = mixed.gather(1, targets[row, :, None])[:, 0].log()
        torch.testing.assert_close(found[row].double(), expected, rtol=1e-5, atol=1e-5)
        assert torch.equal(correct[row], mixed.argmax(-1) == targets[row])
    next_log_probs, _ = model.next_log_probs(tokens, model.initial_state(3))
    torch.testing.assert_close(next_log_probs[2].double(), mixed[-1].log(), rtol=1e-5, atol=1e-5)


def test_pieces_equal_the_whole_and_rows_the_batch(model: CachedLanguageModel, text: Text) -> None:
    tokens, targets = text
    whole, last = model.target_log_probs(tokens, targets, model.initial_state(3))
    for length in (1, 4, 9):
        state, pieces = model.initial_state(3), []
        for part, wanted in zip(tokens.split(length, 1), targets.split(length, 1), strict=True):
            scores, state = model.target_log_probs(part, wanted, state)
            pieces.append(scores)
        torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=1e-4, atol=1e-5)
        assert_same(state, last)
    alone, state = model.target_log_probs(tokens[1:2], targets[1:2], model.initial_state(1))
    torch.testing.assert_close(alone, whole[1:2], rtol=1e-4, atol=1e-5)
    assert_same(state, select_rows(last, torch.tensor([1])))


def test_how_much_is_held_at_a_time_changes_nothing(
    model: CachedLanguageModel, text: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, targets = text
    whole = model.score_targets(tokens, targets, model.initial_state(3))
    monkeypatch.setattr(neural_cache, "_MAX_ENTRIES", 3 * (7 + 6) * 2)
    cut = model.score_targets(tokens, targets, model.initial_state(3))
    torch.testing.assert_close(cut[0], whole[0], rtol=1e-4, atol=1e-5)
    assert torch.equal(cut[1], whole[1])
    following, _ = model.next_log_probs(tokens, model.initial_state(3))
    monkeypatch.undo()
    torch.testing.assert_close(following, model.next_log_probs(tokens, model.initial_state(3))[0], rtol=1e-4, atol=1e-5)


def test_probabilities_sum_to_one(model: CachedLanguageModel, text: Text) -> None:
    state = model.initial_state(3)
    for t in range(text[0].shape[1]):
        log_probs, state = model.next_log_probs(text[0][:, t : t + 1], state)
        torch.testing.assert_close(
            log_probs.double().exp().sum(-1), torch.ones(3, dtype=torch.float64), rtol=0, atol=1e-5
        )


def test_the_memory_does_not_grow(model: CachedLanguageModel, text: Text) -> None:
    empty = model.initial_state(3)
    _, state = model.next_log_probs(text[0], empty)
    assert [part.shape for part in state] == [part.shape for part in empty]
    assert all(part.shape[0] == 3 for part in state)


def test_a_token_that_the_net_finds_impossible_keeps_its_digits(net: NeuralLanguageModel) -> None:
    """exp(-200) is no float32; a cache that does not hold the token leaves log p + log(1 - weight)."""
    model = CachedLanguageModel(net, SETTINGS)
    never = torch.tensor([[-200.0]])
    mixed = model._mix(never, torch.zeros(1, 1), torch.tensor([[True]]))
    assert float(mixed) == pytest.approx(-200 + math.log(0.7))
    assert float(model._mix(never, torch.tensor([[0.5]]), torch.tensor([[True]]))) == pytest.approx(math.log(0.15))
    assert float(model._mix(never, torch.zeros(1, 1), torch.tensor([[False]]))) == -200.0


def test_what_was_said_before_becomes_likelier(net: NeuralLanguageModel) -> None:
    """Of a rare pair, said again and again, the cache knows the second half."""
    pair = torch.tensor([[4, 6] * 20])
    plain_scores, _ = net.target_log_probs(pair[:, :-1], pair[:, 1:], net.initial_state(1))
    model = CachedLanguageModel(net, CacheSettings(window=20, theta=1.0, weight=0.5))
    scores, _ = model.target_log_probs(pair[:, :-1], pair[:, 1:], model.initial_state(1))
    assert scores[:, 2:].mean() > plain_scores[:, 2:].mean() + 0.5


def assert_same(found: State, expected: State) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
