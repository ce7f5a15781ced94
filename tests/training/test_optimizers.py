"""Each optimizer against its formula, decay on matrices alone, a rate for each layer, memory out and in again."""

from collections.abc import Callable
from typing import Literal

import pytest
import torch

from anaphora.errors import ConfigError
from anaphora.models.language_model import NeuralLanguageModel
from anaphora.models.recurrent import RecurrentLanguageModel
from anaphora.training.config import TrainingConfig
from anaphora.training.optimizers import Updater, default_momentum

Name = Literal["sgd", "nt-asgd", "adam", "adamw", "muon"]
OPTIMIZERS: tuple[Name, ...] = ("sgd", "nt-asgd", "adam", "adamw", "muon")
MakeModel = Callable[..., RecurrentLanguageModel]


def config(name: Name, **changes: object) -> TrainingConfig:
    return TrainingConfig(**{"optimizer": name, "schedule": "constant", "weight_decay": 0.0, **changes})  # type: ignore[arg-type]


def step(
    model: NeuralLanguageModel, updater: Updater, gradient: float, learning_rate: float = 0.01, momentum: float = 0.9
) -> None:
    for weight in model.parameters():
        weight.grad = torch.full_like(weight, gradient) if weight.requires_grad else None
    updater.step(learning_rate, momentum)


def test_sgd_goes_down_the_gradient(make_model: MakeModel) -> None:
    model, before = make_model(), make_model()
    step(model, Updater(model, config("sgd")), 2.0, learning_rate=0.5, momentum=0.0)
    for weight, old in zip(model.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(weight, old - 0.5 * 2.0)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_the_first_step_of_adam_has_the_size_of_the_learning_rate(make_model: MakeModel, name: Name) -> None:
    model, before = make_model(), make_model()
    step(model, Updater(model, config(name)), 2.0)
    for weight, old in zip(model.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(weight, old - 0.01, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_decay_pulls_matrices_and_leaves_biases(make_model: MakeModel, name: Name) -> None:
    model, before = make_model(), make_model()
    step(model, Updater(model, config(name, weight_decay=0.5)), 0.0)
    for weight, old in zip(model.parameters(), before.parameters(), strict=True):
        if weight.ndim == 2 and name == "adam":  # its decay goes through the moving averages
            assert (weight.abs() < old.abs()).float().mean() > 0.9
        elif weight.ndim == 2:
            torch.testing.assert_close(weight, old * (1 - 0.01 * 0.5), atol=1e-6, rtol=1e-4)
        else:
            assert torch.equal(weight, old)


def test_optimizers_are_fused(make_model: MakeModel) -> None:
    for name in OPTIMIZERS:
        assert Updater(make_model(), config(name))._optimizers[0].defaults["fused"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_momentum_is_that_of_the_step(make_model: MakeModel, name: Name) -> None:
    """After a step of +1 and one of -1, how much of the first is left depends on the momentum."""
    moved = []
    for momentum in (0.5, 0.5, 0.9):
        model = make_model()
        updater = Updater(model, config(name))
        step(model, updater, 1.0, momentum=momentum)
        step(model, updater, -1.0, momentum=momentum)
        moved.append([weight.detach() for weight in model.parameters()])
    for one, again, other in zip(*moved, strict=True):
        assert torch.equal(one, again)
        assert not torch.equal(one, other)


def test_momentum_by_default() -> None:
    assert [default_momentum(config(name)) for name in OPTIMIZERS] == [0.0, 0.0, 0.9, 0.9, 0.95]
    assert default_momentum(config("sgd", momentum=0.5)) == 0.5


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_layer_has_its_rate(make_model: MakeModel, name: Name) -> None:
    """Embedding, two layers, head: each is moved 2.6 times as far as the one below."""
    model, plain, before = (make_model(num_layers=2) for _ in range(3))
    step(model, Updater(model, config(name, layer_rate_factor=2.6)), 1.0)
    step(plain, Updater(plain, config(name)), 1.0)
    groups = zip(model.layer_groups(), plain.layer_groups(), before.layer_groups(), strict=True)
    for scale, group in zip([2.6**-3, 2.6**-2, 1 / 2.6, 1.0], groups, strict=True):
        for weight, all_the_way, old in zip(*group, strict=True):
            torch.testing.assert_close(weight - old, scale * (all_the_way - old), atol=1e-6, rtol=1e-3)


def test_muon_moves_what_lies_between_embedding_and_head(make_model: MakeModel) -> None:
    model, twin = make_model(tie_weights=True), make_model(tie_weights=True)
    step(model, Updater(model, config("muon")), 1.0)
    step(twin, Updater(twin, config("adamw")), 1.0)
    for (name, weight), other in zip(model.named_parameters(), twin.parameters(), strict=True):
        assert torch.equal(weight, other) is ("weight_ih" not in name and "weight_hh" not in name), name


class Headless(RecurrentLanguageModel):
    def hidden_matrices(self) -> list[tuple[torch.nn.Parameter, int]]:
        return []


def test_muon_says_where_it_has_nothing_to_move(make_model: MakeModel) -> None:
    model = make_model()
    with pytest.raises(ConfigError, match="this model names none"):
        Updater(Headless(model.config, model.vocab_size), config("muon"))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_memory_survives_a_round_trip(make_model: MakeModel, name: Name, momentum: float) -> None:
    model, twin = make_model(), make_model()
    updater, other = Updater(model, config(name)), Updater(twin, config(name))
    step(model, updater, 1.0, momentum=momentum)
    twin.load_state_dict(model.state_dict())
    other.load(updater.tensors())
    for each, its in ((model, updater), (twin, other)):
        step(each, its, -0.5, momentum=momentum)
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), twin.parameters(), strict=True))


def test_what_is_frozen_has_no_memory(make_model: MakeModel) -> None:
    model, twin = make_model(), make_model()
    updater, other = Updater(model, config("adamw")), Updater(twin, config("adamw"))
    model.embedding.weight.requires_grad_(False)
    step(model, updater, 1.0)
    assert torch.equal(model.embedding.weight, twin.embedding.weight)
    assert not any(name.startswith("embedding") for name in updater.tensors())
    other.load(updater.tensors())
    assert other.tensors().keys() == updater.tensors().keys()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surprise/exp_avg": torch.zeros(1)}, "unexpected memory of 'surprise'"),
        ({"x": torch.zeros(1)}, "unexpected memory of ''"),
        ({"head.bias/surprise": torch.zeros(2)}, "memory of 'head.bias' holds"),
        ({"head.bias/exp_avg": torch.zeros(5)}, r"head.bias/exp_avg has shape \(5,\), not"),
        ({"head.bias/step": None}, r"memory of 'head.bias' holds \['exp_avg', 'exp_avg_sq'\], not"),
    ],
)
def test_memory_of_something_else_is_refused(
    make_model: MakeModel, change: dict[str, torch.Tensor | None], message: str
) -> None:
    model = make_model()
    updater = Updater(model, config("adamw"))
    step(model, updater, 1.0)
    tensors = {key: value for key, value in {**updater.tensors(), **change}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        updater.load(tensors)
