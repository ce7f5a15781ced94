"""The gates of the framework's layers, read from outside, are those that the cells from scratch compute."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from anaphora.lab.gates import gate_values, hidden_matrices, saturation
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


def model_of(name: str, **settings: Any) -> RecurrentLanguageModel:
    torch.manual_seed(2)
    values: dict[str, Any] = {"name": name, "embedding_dim": 3, "hidden_size": 4, "num_layers": 2, **settings}
    return RecurrentLanguageModel(RecurrentConfig(**values), vocab_size=7).double().eval()


def test_the_gates_of_an_lstm_rebuild_its_states() -> None:
    """With the measured gates, c' = f c + i g and h' = o tanh(c') give the layer's own states."""
    model = model_of("lstm")
    tokens = torch.randint(7, (2, 5))
    gates = gate_values(model, tokens)
    _, (_, c) = model.features(tokens[:, :4], model.initial_state(2))
    _, (h_after, c_after) = model.features(tokens, model.initial_state(2))
    for layer in range(2):
        forget, write, show = (gates[gate][layer][:, 4] for gate in "fio")
        candidate = (c_after[:, layer] - forget * c[:, layer]) / write
        assert candidate.abs().max() <= 1  # it is a tanh
        assert torch.allclose(show * c_after[:, layer].tanh(), h_after[:, layer], atol=1e-12)


def test_the_update_gate_of_a_gru_bounds_its_step() -> None:
    """As h' = (1 - z) n + z h, (h' - z h) / (1 - z) is n, a tanh."""
    model = model_of("gru")
    tokens = torch.randint(7, (2, 5))
    update = gate_values(model, tokens)["z"]
    _, (before,) = model.features(tokens[:, :4], model.initial_state(2))
    _, (after,) = model.features(tokens, model.initial_state(2))
    for layer in range(2):
        z = update[layer][:, 4]
        assert (((after[:, layer] - z * before[:, layer]) / (1 - z)).abs() <= 1).all()


@pytest.mark.parametrize(("name", "gates"), [("elman", set()), ("gru", {"r", "z"}), ("lstm", {"i", "f", "o"})])
def test_each_cell_has_its_gates_and_fresh_ones_are_not_stuck(name: str, gates: set[str]) -> None:
    shares = saturation(model_of(name), torch.randint(7, (3, 6)))
    assert shares == dict.fromkeys(gates, 0.0)


def test_a_gate_pushed_open_counts_as_saturated() -> None:
    shares = saturation(model_of("lstm", forget_gate_bias=9.0), torch.randint(7, (3, 6)))
    assert shares == {"i": 0.0, "f": 1.0, "o": 0.0}


def test_hidden_matrices_are_named_by_layer_and_gate() -> None:
    assert list(hidden_matrices(model_of("gru"))) == ["l0.r", "l0.z", "l0.n", "l1.r", "l1.z", "l1.n"]
    matrices = hidden_matrices(model_of("elman"))
    assert {key: tuple(matrix.shape) for key, matrix in matrices.items()} == {"l0.h": (4, 4), "l1.h": (4, 4)}
