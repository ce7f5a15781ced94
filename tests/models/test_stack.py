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


@pytest.mark.parametrize("seq_len", [1, 2, 12])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *((name, {}) for name in CELLS),
        ("qrnn", {"window": 3}),
        ("block", {"cell": "mingru"}),
        ("block", {"conv_window": 3}),
        ("block", {"hidden_size": E}),
    ],
)
def test_tokens_read_by_type_are_the_same_tokens(
    name: str, settings: dict[str, Any], seq_len: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first layer's product by a table, dropped rows and weights included, against that of embedded tokens."""
    torch.manual_seed(3)
    sizes = {"embedding_dim": E, "hidden_size": H, "num_layers": 2, "tie_weights": False}
    dropouts = {**NONE, "dropout_embedding": 0.3, "dropout_weight": 0.3}
    model = build_model(model_config(name, {**sizes, **dropouts, **settings}), V)
    assert isinstance(model, StackLanguageModel)
    model.train()
    batch_size = 2 * V
    windows = torch.randint(V, (2, batch_size, seq_len), generator=torch.Generator().manual_seed(4))
    state = tuple(torch.randn_like(part) for part in model.initial_state(batch_size))

    def read(by_type: bool) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        monkeypatch.setattr("anaphora.models.stack.table_pays", lambda *_: by_type)
        torch.manual_seed(5)
        first, between = model.read(windows[0], state)
        second, last = model.read(windows[1], between)
        results = [first.features, second.features, *last]
        model.zero_grad()
        sum((part.sin().sum() for part in results), torch.zeros(())).backward()
        return results, [weight.grad for weight in model.parameters() if weight.grad is not None]

    (results, gradients), (expected, expected_gradients) = read(by_type=True), read(by_type=False)
    assert len(gradients) == len(expected_gradients) > 0
    for one, other in zip([*results, *gradients], [*expected, *expected_gradients], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * max(1.0, float(other.detach().abs().max())))


def test_few_types_are_read_by_table_unless_their_embeddings_are_dropped_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class AskedError(Exception):
        pass

    def refuse(*_: object) -> None:
        raise AskedError

    model = make(dropout_input=0.5)
    monkeypatch.setattr(type(model.cells[0]), "read_types", refuse)
    many = torch.zeros(3, V, dtype=torch.int64)
    model.read(many, model.initial_state(3))
    model.eval()
    with pytest.raises(AskedError):
        model.read(many, model.initial_state(3))
