"""The regularised stack: widths and state, where each dropout acts, its settings and their faults."""

from typing import Any

import pytest
import torch

from anaphora.errors import AnaphoraWarning, ConfigError
from anaphora.models.cells.fused import AwdLstmConfig
from anaphora.models.cells.registry import CELLS
from anaphora.models.registry import MODELS, build_model, model_config
from anaphora.models.stack import StackLanguageModel

B, T, V, E, H = 2, 6, 9, 4, 7
DROPOUTS = ("dropout_embedding", "dropout_input", "dropout_hidden", "dropout_output", "dropout_weight")
NONE: dict[str, Any] = dict.fromkeys(DROPOUTS, 0.0)
HALF: dict[str, Any] = dict.fromkeys(DROPOUTS, 0.5)


def make(**settings: Any) -> StackLanguageModel:
    torch.manual_seed(3)
    values = {"embedding_dim": E, "hidden_size": H, **NONE, **settings}
    model = build_model(model_config("awd-lstm", values), V)
    assert isinstance(model, StackLanguageModel)
    return model


def tokens() -> torch.Tensor:
    return torch.randint(0, V, (B, T), generator=torch.Generator().manual_seed(4))


def test_every_cell_is_a_registered_model() -> None:
    assert set(CELLS) == {name for name, kind in MODELS.items() if kind is StackLanguageModel}


def test_the_last_layer_is_as_wide_as_a_tied_embedding() -> None:
    model = make()
    assert [(cell.input_size, cell.output_size) for cell in model.cells] == [(E, H), (H, H), (H, E)]
    assert model.projection is None
    assert [tuple(part.shape) for part in model.initial_state(B)] == [(B, H)] * 4 + [(B, E)] * 2
    assert [cell.output_size for cell in make(tie_weights=False).cells] == [H, H, H]


def test_the_last_layer_may_have_a_width_of_its_own() -> None:
    model = make(last_hidden_size=5)
    assert [cell.output_size for cell in model.cells] == [H, H, 5]
    assert model(tokens(), model.initial_state(B))[0].shape == (B, T, V)


def test_a_reading_shows_the_last_layer_before_and_after_dropout() -> None:
    model = make(dropout_output=0.5)
    reading, _ = model.read(tokens(), model.initial_state(B))
    kept = reading.dropped != 0
    assert not kept.all()
    torch.testing.assert_close(reading.dropped[kept], 2 * reading.raw[kept])
    assert reading.features is reading.dropped


@pytest.mark.parametrize("key", DROPOUTS)
def test_each_dropout_drops_in_training_and_not_in_evaluation(key: str) -> None:
    model = make(**{key: 0.5})
    state = model.initial_state(B)
    assert not torch.equal(model(tokens(), state)[0], model(tokens(), state)[0])
    model.eval()
    assert torch.equal(model(tokens(), state)[0], model(tokens(), state)[0])


def test_drop_mult_scales_every_dropout() -> None:
    config = AwdLstmConfig(drop_mult=0.5, dropout_weight=0.6)
    assert [config.scaled(key) for key in DROPOUTS] == [0.05, 0.2, 0.125, 0.2, 0.3]
    model = make(**HALF, drop_mult=0.0)
    state = model.initial_state(B)
    assert torch.equal(model(tokens(), state)[0], model(tokens(), state)[0])


def test_the_state_keeps_full_precision_under_autocast() -> None:
    model = make(dropout_weight=0.5)
    with torch.autocast("cpu", torch.bfloat16):
        _, state = model.loss(tokens(), tokens(), model.initial_state(B))
    assert {part.dtype for part in state} == {torch.float32}


def test_masks_come_from_the_global_generator() -> None:
    model = make(**HALF)
    logits = []
    for _ in range(2):
        torch.manual_seed(7)
        logits.append(model(tokens(), model.initial_state(B))[0])
    assert torch.equal(*logits)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dropout_hidden": 0.3}, "dropout_hidden in .model. has no effect on the model 'awd-lstm' with one layer$"),
        ({"hidden_size": 3}, "hidden_size in .model. has no effect .* with one layer, which has 400 units"),
    ],
)
def test_a_setting_without_effect_warns(settings: dict[str, Any], said: str) -> None:
    with pytest.warns(AnaphoraWarning, match=said):
        model_config("awd-lstm", {"num_layers": 1, **settings})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dropuot_weight": 0.5}, r"unknown key 'dropuot_weight' in \[model\]; did you mean 'dropout_weight'\?"),
        ({"drop_mult": 2.0}, r"\[model\] drop_mult = 2 makes dropout_weight 1; it must be below 1"),
    ],
)
def test_bad_settings(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        model_config("awd-lstm", settings)
