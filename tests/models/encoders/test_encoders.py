"""Encoders: padding never matters, a batch equals its rows, and both directions are what the framework's layers say."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from anaphora.errors import ConfigError
from anaphora.models.encoders.encoder import Encoder
from anaphora.models.encoders.pretrained import PretrainedEncoder, headed
from anaphora.models.encoders.registry import build_encoder, encoder_config
from anaphora.models.registry import build_model, model_config

V, E, H = 13, 5, 4
LENGTHS = torch.tensor([7, 3, 1, 5])
SMALL = {"embedding_dim": E, "hidden_size": H, "embedding_range": 1.0}
ADAPTIVE = {"name": "awd-lstm", "head": "adaptive", "tie_weights": True}
NETS = {"embedding_dim": E, "hidden_size": H, "num_layers": 2, "tie_weights": False}
ENCODERS: dict[str, dict[str, Any]] = {
    **{name: {"name": name, **SMALL} for name in ("elman", "lstm", "gru", "qrnn", "mogrifier")},
    "lstm, one way": {"name": "lstm", **SMALL, "bidirectional": False},
    "lstm, two layers": {"name": "lstm", **SMALL, "num_layers": 2},
    "block": {"name": "block", **SMALL, "hidden_size": E, "bidirectional": False},
    "awd-lstm": {"name": "language-model", "net": {"name": "awd-lstm", **NETS}},
    "gru, taken over": {"name": "language-model", "net": {"name": "gru", **NETS}},
    "awd-lstm, backward": {"name": "language-model", "net": {"name": "awd-lstm", **NETS}, "backward": True},
    "adaptive": {
        "name": "language-model",
        "net": {"name": "awd-lstm", **NETS, "tie_weights": True, "head": "adaptive"},
    },
}


def make(name: str, **changes: Any) -> Encoder:
    torch.manual_seed(3)
    return build_encoder(encoder_config({**ENCODERS[name], **changes}), V).double().eval()


@pytest.fixture(name="tokens")
def _tokens() -> Tensor:
    return torch.randint(V, (4, 7), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ENCODERS)
def test_padding_changes_nothing(name: str, tokens: Tensor) -> None:
    encoder = make(name)
    other = torch.cat([tokens, torch.randint(V, (4, 6))], 1)
    for row, length in enumerate(LENGTHS):
        other[row, length:] = torch.randint(V, (13 - int(length),))
    one, two = encoder(tokens, LENGTHS), encoder(other, LENGTHS)
    torch.testing.assert_close(one.last, two.last, rtol=0, atol=1e-12)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(one.features[row, :length], two.features[row, :length], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_batch_equals_its_rows(name: str, tokens: Tensor) -> None:
    encoder = make(name)
    encoded = encoder(tokens, LENGTHS)
    assert encoded.features.shape == (4, 7, encoder.width)
    for row, length in enumerate(LENGTHS):
        alone = encoder(tokens[row : row + 1, :length], length.view(1))
        torch.testing.assert_close(alone.features[0], encoded.features[row, :length], rtol=0, atol=1e-12)
        torch.testing.assert_close(alone.last[0], encoded.last[row], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "kind"), [("elman", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_both_directions_are_the_frameworks_on_packed_rows(
    name: str, kind: Any, num_layers: int, tokens: Tensor
) -> None:
    encoder = make(name, num_layers=num_layers)
    layer = kind(E, H, num_layers=num_layers, bidirectional=True, batch_first=True).double()
    weights = {key: weight for key, weight in encoder.state_dict().items() if key.startswith("layers.")}
    renamed = {}
    for key, weight in weights.items():
        _, number, direction, what = key.split(".")
        renamed[f"{what}_l{number}" + ("_reverse" if direction == "1" else "")] = weight
    layer.load_state_dict(renamed)
    packed = pack_padded_sequence(encoder.embed(tokens), LENGTHS, batch_first=True, enforce_sorted=False)
    outputs, state = layer(packed)
    expected, _ = pad_packed_sequence(outputs, batch_first=True)
    h = state[0] if isinstance(state, tuple) else state
    encoded = encoder(tokens, LENGTHS)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(encoded.features[row, :length], expected[row, :length], rtol=0, atol=1e-12)
    torch.testing.assert_close(encoded.last, torch.cat([h[-2], h[-1]], 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ENCODERS)
def test_pieces_change_no_value(name: str, tokens: Tensor) -> None:
    whole, pieces = make(name)(tokens, LENGTHS), make(name, bptt=3)(tokens, LENGTHS)
    torch.testing.assert_close(whole.last, pieces.last, rtol=0, atol=1e-12)


def test_gradients_stop_between_pieces_and_before_the_last_tokens(tokens: Tensor) -> None:
    lengths = torch.full((4,), 7)

    def reached(**changes: Any) -> list[bool]:
        encoder = make("lstm, one way", **changes)
        embedded = encoder.embed(tokens).detach().requires_grad_()
        encoder.encode(embedded, lengths).features.sum().backward()
        last = make("lstm, one way", **changes)
        again = last.embed(tokens).detach().requires_grad_()
        last.encode(again, lengths).last.sum().backward()
        assert embedded.grad is not None
        assert again.grad is not None
        return [bool(column.any()) for column in embedded.grad.unbind(1)] + [
            bool(c.any()) for c in again.grad.unbind(1)
        ]

    assert reached() == [True] * 14
    assert reached(bptt=3) == [True] * 7 + [False] * 6 + [True]
    assert reached(bptt=3, gradient_tokens=2) == [False] * 3 + [True] * 4 + [False] * 6 + [True]


def test_a_language_model_is_taken_over(tokens: Tensor) -> None:
    model = build_model(model_config("awd-lstm", NETS), V).double().eval()
    encoder = make("awd-lstm")
    assert isinstance(encoder, PretrainedEncoder)
    encoder.take_over(model)
    reading, _ = headed(model).read(tokens, model.initial_state(4))
    features = encoder(tokens, torch.full((4,), 7)).features
    torch.testing.assert_close(features, reading.dropped, rtol=0, atol=1e-12)
    assert not any("head" in key for key in encoder.state_dict())


def test_a_language_model_of_another_shape_is_refused() -> None:
    encoder = make("awd-lstm")
    assert isinstance(encoder, PretrainedEncoder)
    with pytest.raises(ConfigError, match=r"does not fit the encoder: it has no 'embedding.weight' of .*13, 5"):
        encoder.take_over(build_model(model_config("awd-lstm", {**NETS, "embedding_dim": 6}), V))
    with pytest.raises(ConfigError, match="'kn3' model cannot be an encoder"):
        headed(build_model(model_config("kn3"), V))


@pytest.mark.parametrize("name", ENCODERS)
def test_groups_hold_every_weight_once(name: str) -> None:
    encoder = make(name)
    grouped = [id(weight) for group in encoder.layer_groups() for weight in group]
    assert sorted(grouped) == sorted(id(weight) for weight in encoder.parameters())


def test_training_drops_weights_and_inputs(tokens: Tensor) -> None:
    for setting in ("dropout_input", "dropout_weight", "dropout_embedding"):
        off = {"dropout_input": 0.0, "dropout_weight": 0.0, "dropout_embedding": 0.0}
        encoder = make("lstm", **{**off, setting: 0.5}).train()
        assert not torch.equal(encoder(tokens, LENGTHS).last, encoder(tokens, LENGTHS).last)
        encoder.eval()
        assert torch.equal(encoder(tokens, LENGTHS).last, encoder(tokens, LENGTHS).last)


def test_an_unknown_encoder() -> None:
    with pytest.raises(ConfigError, match=r"name = 'lstn' in \[encoder\]: no such encoder \(known: elman, gru, lstm"):
        encoder_config({"name": "lstn"})
