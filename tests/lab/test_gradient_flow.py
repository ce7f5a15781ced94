"""The gradient at each lag: against autograd through the whole window, against radius^lag, and in pictures."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from anaphora.errors import ConfigError
from anaphora.lab.gradient_flow import (
    GradientFlow,
    gradient_flow,
    plot_gradients,
    scale_to_radius,
    spectral_radius,
    state_gradients,
)
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel

VOCAB = 7


def model_of(name: str, **settings: Any) -> RecurrentLanguageModel:
    torch.manual_seed(2)
    values: dict[str, Any] = {"name": name, "embedding_dim": 3, "hidden_size": 4, **settings}
    return RecurrentLanguageModel(RecurrentConfig(**values), vocab_size=VOCAB).double().eval()


@pytest.mark.parametrize("name", ["elman", "gru", "lstm"])
def test_each_lag_equals_the_gradient_of_a_state_put_in_from_outside(name: str) -> None:
    model = model_of(name)
    tokens, target = torch.randint(VOCAB, (1, 6)), torch.randint(VOCAB, (1,))
    measured = state_gradients(model, tokens, target)
    for lag in range(1, 6):
        _, state = model.features(tokens[:, : 6 - lag], model.initial_state(1))
        leaves = tuple(part.detach().requires_grad_() for part in state)
        logits, _ = model(tokens[:, 6 - lag :], leaves)
        gradients = torch.autograd.grad(F.cross_entropy(logits[:, -1], target), leaves)
        for part, gradient in zip(measured, gradients, strict=True):
            assert part[lag] == pytest.approx(gradient.norm().item(), rel=1e-9)


def test_lag_zero_is_the_gradient_of_the_head_even_through_a_projection() -> None:
    model = model_of("elman", tie_weights=True)
    assert model.projection is not None
    tokens, target = torch.randint(VOCAB, (1, 4)), torch.tensor([3])
    _, (h,) = model.features(tokens, model.initial_state(1))
    leaf = h[:, -1].detach().requires_grad_()
    loss = F.cross_entropy(model.logits(model.projection(leaf)), target)
    (gradient,) = torch.autograd.grad(loss, leaf)
    assert state_gradients(model, tokens, target)[0][0] == pytest.approx(gradient.norm().item(), rel=1e-9)


def test_spectral_radius_of_a_known_matrix() -> None:
    rotation_by_a_quarter_turn = torch.tensor([[0.0, -2.0], [2.0, 0.0]])
    assert spectral_radius(rotation_by_a_quarter_turn) == pytest.approx(2.0)


def test_every_gate_is_scaled_to_the_radius() -> None:
    model = model_of("gru", num_layers=2)
    scale_to_radius(model, 0.7)
    flow = gradient_flow(model, torch.arange(40) % VOCAB, lags=5)
    assert set(flow.spectral_radii) == {"l0.r", "l0.z", "l0.n", "l1.r", "l1.z", "l1.n"}
    assert list(flow.spectral_radii.values()) == pytest.approx([0.7] * 6)


def test_the_model_is_left_as_it_was() -> None:
    model = model_of("lstm", dropout_output=0.5).float().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gradient_flow(model, torch.arange(40) % VOCAB, lags=5)
    assert model.training
    assert all(value.dtype == torch.float32 for value in model.state_dict().values())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_length_of_memory_is_the_first_lag_below_one_percent() -> None:
    def flow(*norms: float) -> GradientFlow:
        return GradientFlow(name="x", norms=norms, cell_norms=(), spectral_radii={}, saturation={})

    assert flow(2.0, 0.5, 0.02, 0.019, 0.5).memory_length == 3
    assert flow(2.0, 0.5, 0.02).memory_length is None


def test_too_short_a_text_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"lags = 50 needs a text of 52 tokens, this one has 40; set fewer lags"):
        gradient_flow(model_of("elman"), torch.arange(40) % VOCAB, lags=50)


def test_figures_are_json_and_the_picture_is_drawn(tmp_path: Path) -> None:
    flow = gradient_flow(model_of("lstm"), torch.arange(40) % VOCAB, lags=5, name="mine")
    figures = json.loads(json.dumps(flow.to_json()))
    assert figures["name"] == "mine"
    assert len(figures["norms"]) == 6
    assert len(figures["cell_norms"]) == 5
    assert set(figures["saturation"]) == {"i", "f", "o"}
    plot_gradients([flow], tmp_path / "flow.svg")
    assert "<!-- mine -->" in (tmp_path / "flow.svg").read_text(encoding="utf-8")
