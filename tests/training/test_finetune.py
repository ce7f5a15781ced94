"""ULMFiT's parts: a rate for each layer, layers that thaw from the top."""

from collections.abc import Callable

import pytest

from anaphora.models.recurrent import RecurrentLanguageModel
from anaphora.training.finetune import Thaw, learning_rate_scales, thawed

MakeModel = Callable[..., RecurrentLanguageModel]


def test_each_layer_learns_more_slowly_than_the_one_above() -> None:
    assert learning_rate_scales(4, 2.6) == pytest.approx([1 / 2.6**3, 1 / 2.6**2, 1 / 2.6, 1.0])
    assert learning_rate_scales(3, 1.0) == [1.0, 1.0, 1.0]
    assert learning_rate_scales(1, 2.6) == [1.0]


def test_layers_thaw_one_by_one() -> None:
    fractions = (0.0, 0.1, 0.2, 0.29, 0.3, 0.5, 1.0)
    assert [thawed(4, fraction, 0.3) for fraction in fractions] == [1, 2, 3, 3, 4, 4, 4]
    assert [thawed(4, fraction, 0.0) for fraction in (0.0, 1.0)] == [4, 4]
    assert [thawed(1, fraction, 0.5) for fraction in (0.0, 1.0)] == [1, 1]


@pytest.mark.parametrize("tied", [False, True])
def test_what_is_frozen_wants_no_gradient(make_model: MakeModel, tied: bool) -> None:
    model = make_model(num_layers=2, tie_weights=tied)
    groups = model.layer_groups()
    thaw = Thaw(model, 0.5)
    thaw.at(0.0)
    assert [{weight.requires_grad for weight in group} for group in groups] == [{False}] * (len(groups) - 1) + [{True}]
    assert model.embedding.weight.requires_grad is tied  # a shared embedding belongs to the head
    thaw.at(0.5)
    assert all(weight.requires_grad for weight in model.parameters())
    thaw.at(0.1)
    thaw.end()
    assert all(weight.requires_grad for weight in model.parameters())


def test_without_a_share_the_model_is_left_alone(make_model: MakeModel) -> None:
    model = make_model()
    model.embedding.weight.requires_grad_(False)  # by its owner
    thaw = Thaw(model, 0.0)
    thaw.at(0.0)
    thaw.end()
    assert not model.embedding.weight.requires_grad
