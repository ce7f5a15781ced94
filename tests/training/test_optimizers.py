"""Each optimizer against its formula, decay on matrices alone, memory out and in again."""

from typing import Literal

import pytest
import torch
from torch import nn

from anaphora.training.config import TrainingConfig
from anaphora.training.optimizers import (
    build_optimizer,
    default_momentum,
    load_optimizer_tensors,
    optimizer_tensors,
    set_learning_rate,
)

Name = Literal["sgd", "adam", "adamw"]
OPTIMIZERS: tuple[Name, ...] = ("sgd", "adam", "adamw")


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, gradient: float) -> None:
    for weight in model.parameters():
        weight.grad = torch.full_like(weight, gradient)
    optimizer.step()


def test_sgd_goes_down_the_gradient() -> None:
    model = linear()
    before = model.weight.detach().clone()
    step(model, build_optimizer(model, TrainingConfig(optimizer="sgd", learning_rate=0.5, weight_decay=0)), 2.0)
    torch.testing.assert_close(model.weight.detach(), before - 0.5 * 2.0)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_the_first_step_of_adam_has_the_size_of_the_learning_rate(name: Name) -> None:
    model = linear()
    before = model.weight.detach().clone()
    config = TrainingConfig(optimizer=name, learning_rate=0.01, weight_decay=0)
    step(model, build_optimizer(model, config), 2.0)
    torch.testing.assert_close(model.weight.detach(), before - 0.01, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_decay_pulls_matrices_and_leaves_biases(name: Name) -> None:
    model = linear()
    weight, bias = model.weight.detach().clone(), model.bias.detach().clone()
    step(model, build_optimizer(model, TrainingConfig(optimizer=name, learning_rate=0.001, weight_decay=0.5)), 0.0)
    assert (model.weight.abs() < weight.abs()).all()
    assert torch.equal(model.bias, bias)


def test_optimizers_are_fused() -> None:
    for name in OPTIMIZERS:
        assert build_optimizer(linear(), TrainingConfig(optimizer=name)).defaults["fused"]


def test_learning_rate_and_momentum_are_set() -> None:
    adam = build_optimizer(linear(), TrainingConfig(optimizer="adam", beta2=0.98))
    set_learning_rate(adam, 0.25, 0.86)
    assert {(group["lr"], group["betas"]) for group in adam.param_groups} == {(0.25, (0.86, 0.98))}
    sgd = build_optimizer(linear(), TrainingConfig(optimizer="sgd"))
    set_learning_rate(sgd, 0.25, 0.86)
    assert {(group["lr"], group["momentum"]) for group in sgd.param_groups} == {(0.25, 0.86)}


def test_momentum_by_default() -> None:
    assert [default_momentum(TrainingConfig(optimizer=name)) for name in OPTIMIZERS] == [0.0, 0.9, 0.9]
    assert default_momentum(TrainingConfig(optimizer="sgd", schedule="constant", momentum=0.5)) == 0.5


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_memory_survives_a_round_trip(name: Name, momentum: float) -> None:
    config = TrainingConfig(optimizer=name, schedule="constant", momentum=momentum)
    model, twin = linear(), linear()
    optimizer, other = build_optimizer(model, config), build_optimizer(twin, config)
    step(model, optimizer, 1.0)
    twin.load_state_dict(model.state_dict())
    load_optimizer_tensors(other, optimizer_tensors(optimizer))
    for each, its in ((model, optimizer), (twin, other)):
        step(each, its, 0.5)
    assert torch.equal(model.weight, twin.weight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"7/exp_avg": torch.zeros(1)}, "unexpected tensor '7/exp_avg'"),
        ({"0/surprise": torch.zeros(2, 3)}, "unexpected tensor '0/surprise'"),
        ({"x": torch.zeros(1)}, "unexpected tensor 'x'"),
        ({"0/exp_avg": torch.zeros(5)}, r"shape \(5,\), not \(2, 3\)"),
        ({"0/step": None}, "a tensor is missing"),
    ],
)
def test_memory_of_something_else_is_refused(change: dict[str, torch.Tensor | None], message: str) -> None:
    model = linear()
    optimizer = build_optimizer(model, TrainingConfig())
    step(model, optimizer, 1.0)
    tensors = {k: v for k, v in {**optimizer_tensors(optimizer), **change}.items() if v is not None}
    with pytest.raises(ValueError, match=message):
        load_optimizer_tensors(optimizer, tensors)
