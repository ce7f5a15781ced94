"""The recurrent models: shapes, loss and gradients against plain formulas, initialisation, tying, warnings."""

import math
from typing import Any

import pytest
import torch

from anaphora.errors import AnaphoraWarning, ConfigError
from anaphora.models.language_model import detach
from anaphora.models.layers.full_head import FullHead
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel

B, T, V, E, H = 2, 5, 9, 4, 6


def make(**settings: Any) -> RecurrentLanguageModel:
    torch.manual_seed(3)
    return RecurrentLanguageModel(RecurrentConfig(**{"embedding_dim": E, "hidden_size": H, **settings}), V)


def tokens_and_targets() -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(0, V, (B, T + 1), generator=torch.Generator().manual_seed(4))
    return ids[:, :-1], ids[:, 1:]


@pytest.mark.parametrize(("name", "parts"), [("elman", 1), ("gru", 1), ("lstm", 2)])
def test_shapes(name: str, parts: int) -> None:
    model = make(name=name, num_layers=3)
    logits, state = model(tokens_and_targets()[0], model.initial_state(B))
    assert logits.shape == (B, T, V)
    assert [tuple(part.shape) for part in state] == [(B, 3, H)] * parts


def test_the_elman_net_is_its_equation() -> None:
    """Check h = tanh(W_xh x + b + W_hh h + b'), logits = W_hq h + b_q, step by step: values and gradients."""
    model = make(name="elman").double()
    assert isinstance(model.head, FullHead)
    tokens, targets = tokens_and_targets()
    loss, _ = model.loss(tokens, targets, model.initial_state(B))
    loss.backward()
    found = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()

    layer: Any = model.layers
    hidden, total = torch.zeros(B, H, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for t in range(T):
        embedded = model.embedding.weight[tokens[:, t]]
        hidden = torch.tanh(
            embedded @ layer.weight_ih_l0.T + layer.bias_ih_l0 + hidden @ layer.weight_hh_l0.T + layer.bias_hh_l0
        )
        log_probs = (hidden @ model.head.matrix.T + model.head.bias).log_softmax(-1)
        total = total - log_probs.gather(1, targets[:, t : t + 1]).sum()
    plain = total / (B * T)
    plain.backward()
    assert loss.item() == pytest.approx(plain.item(), rel=1e-12)
    for name, weight in model.named_parameters():
        assert weight.grad is not None
        torch.testing.assert_close(found[name], weight.grad, rtol=1e-10, atol=1e-12)


def test_loss_is_the_mean_of_negative_target_log_probs() -> None:
    model = make()
    tokens, targets = tokens_and_targets()
    loss, _ = model.loss(tokens, targets, model.initial_state(B))
    log_probs, _ = model.target_log_probs(tokens, targets, model.initial_state(B))
    assert loss.item() == pytest.approx(-log_probs.mean().item(), rel=1e-6)


def test_scoring_in_small_blocks_changes_nothing() -> None:
    tokens, targets = tokens_and_targets()
    model, by_threes = make(), make(head_max_logits=3 * V)
    whole = model.score_targets(tokens, targets, model.initial_state(B))
    blocks = by_threes.score_targets(tokens, targets, model.initial_state(B))
    torch.testing.assert_close(blocks[0], whole[0], rtol=1e-6, atol=1e-7)
    assert torch.equal(blocks[1], whole[1])


def test_an_untrained_model_is_near_uniform() -> None:
    model = make()
    loss, _ = model.loss(*tokens_and_targets(), model.initial_state(B))
    assert loss.item() == pytest.approx(math.log(V), abs=0.3)


def test_tied_weights_are_one_matrix() -> None:
    model = make(tie_weights=True, embedding_dim=H)
    assert model.projection is None
    assert isinstance(model.head, FullHead)
    assert model.head.matrix is model.embedding.weight
    assert "head.weight" not in model.state_dict()


def test_tied_weights_of_other_size_go_through_a_projection() -> None:
    model = make(tie_weights=True)
    assert model.projection is not None
    assert tuple(model.projection.weight.shape) == (E, H)
    assert model.num_parameters < make().num_parameters


def test_forget_gate_bias() -> None:
    model = make(num_layers=2, forget_gate_bias=2.5)
    for layer in range(2):
        total = getattr(model.layers, f"bias_ih_l{layer}") + getattr(model.layers, f"bias_hh_l{layer}")
        assert torch.equal(total[H : 2 * H], torch.full((H,), 2.5))
        assert not torch.equal(total[:H], torch.full((H,), 2.5))


def test_the_head_starts_from_unigrams_unless_told_otherwise() -> None:
    log_probs = torch.log_softmax(torch.arange(V, dtype=torch.float32), 0)
    for head_bias, expected in (("unigram", log_probs), ("zero", torch.zeros(V))):
        model = make(head_bias=head_bias)
        model.start_from_unigrams(log_probs)
        assert torch.equal(model.state_dict()["head.bias"], expected)


def test_orthogonal_initialization_of_each_gate() -> None:
    model = make(initialization="orthogonal")
    weight: Any = model.layers.weight_hh_l0
    for gate in weight.detach().split(H):
        torch.testing.assert_close(gate @ gate.T, torch.eye(H), rtol=0, atol=1e-5)


@pytest.mark.parametrize("key", ["dropout_input", "dropout_hidden", "dropout_output"])
def test_each_dropout_drops_in_training_and_not_in_evaluation(key: str) -> None:
    model = make(num_layers=2, **{key: 0.5})
    tokens, _ = tokens_and_targets()
    state = model.initial_state(B)
    model.train()
    assert not torch.equal(model(tokens, state)[0], model(tokens, state)[0])
    model.eval()
    assert torch.equal(model(tokens, state)[0], model(tokens, state)[0])


def test_the_state_keeps_full_precision_under_autocast() -> None:
    model = make()
    with torch.autocast("cpu", torch.bfloat16):
        _, state = model(tokens_and_targets()[0], model.initial_state(B))
    assert {part.dtype for part in state} == {torch.float32}


def test_the_loss_of_bfloat16_logits_is_taken_in_float32() -> None:
    model = make()
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = model.loss(*tokens_and_targets(), model.initial_state(B))
    assert loss.dtype == torch.float32


def test_weights_come_from_the_seed() -> None:
    first, second = make(num_layers=2), make(num_layers=2)
    assert all(torch.equal(one, other) for one, other in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": "lstm", "activation": "relu"}, "activation in .model. has no effect on the model 'lstm'"),
        ({"name": "gru", "forget_gate_bias": 2.0}, "forget_gate_bias in .model. has no effect on the model 'gru'"),
        ({"dropout_hidden": 0.3}, "dropout_hidden in .model. has no effect on the model 'lstm' with one layer"),
    ],
)
def test_a_setting_without_effect_warns(settings: dict[str, Any], said: str) -> None:
    with pytest.warns(AnaphoraWarning, match=said):
        RecurrentConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hiden_size": 3}, r"unknown key 'hiden_size' in \[model\]; did you mean 'hidden_size'\?"),
        ({"hidden_size": 0}, r"hidden_size = 0 in \[model\]: .*greater than or equal to 1"),
        ({"dropout_input": 1.0}, r"dropout_input = 1.0 in \[model\]: .*less than 1"),
        ({"name": "lstmm"}, r"name = 'lstmm' in \[model\]: .*'elman', 'lstm' or 'gru'"),
    ],
)
def test_bad_settings(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RecurrentConfig(**settings)


def test_gradients_reach_a_carried_state_until_it_is_detached() -> None:
    model = make()
    tokens, targets = tokens_and_targets()
    _, carried = model.loss(tokens, targets, model.initial_state(B))
    loss, _ = model.loss(tokens, targets, detach(carried))
    with_history, _ = model.loss(tokens, targets, carried)
    assert loss.item() == with_history.item()
    (cut,) = torch.autograd.grad(loss, model.embedding.weight)
    (whole,) = torch.autograd.grad(with_history, model.embedding.weight)
    assert not torch.allclose(cut, whole)
