"""Checkpoints: what goes in comes out, and nothing but a checkpoint is taken for one."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from anaphora.errors import BundleError
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.training.checkpoint import (
    FORMAT,
    Checkpoint,
    load_checkpoint,
    load_model_tensors,
    model_tensors,
    save_checkpoint,
    under,
    with_prefix,
)
from anaphora.training.run_state import RunState


def saved(folder: Path) -> Path:
    path = folder / "last.safetensors"
    tensors = {"carried/0": torch.arange(6.0).view(2, 3).t(), "optimizer/0/step": torch.tensor(3.0)}
    state = RunState(step=3, seconds=0.1 + 0.2, best_valid_loss=1 / 3)
    save_checkpoint(path, Checkpoint(tensors=tensors, state=state, origin={"corpus": "abc"}))
    return path


def test_a_round_trip_keeps_every_bit(tmp_path: Path) -> None:
    loaded = load_checkpoint(saved(tmp_path))
    assert loaded.state == RunState(step=3, seconds=0.1 + 0.2, best_valid_loss=1 / 3)
    assert loaded.origin == {"corpus": "abc"}
    assert torch.equal(loaded.tensors["carried/0"], torch.arange(6.0).view(2, 3).t())
    assert loaded.tensors["optimizer/0/step"].shape == ()


def test_writing_again_leaves_one_file(tmp_path: Path) -> None:
    saved(tmp_path)
    saved(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]


def test_a_missing_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"last\.safetensors does not exist; was this run ever started\?"):
        load_checkpoint(tmp_path / "last.safetensors")


@given(cut=st.floats(0.0, 0.999))
def test_a_torn_file_is_called_damaged(tmp_path_factory: pytest.TempPathFactory, cut: float) -> None:
    path = saved(tmp_path_factory.mktemp("torn"))
    content = path.read_bytes()
    path.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(BundleError, match="is damaged"):
        load_checkpoint(path)


class Bomb:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('the pickle ran')",)


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(BundleError, match="is damaged"):
        load_checkpoint(path)
    torch.save({"model": Bomb()}, path)
    with pytest.raises(BundleError, match="is damaged"):
        load_checkpoint(path)


GOOD = {"format": FORMAT, "state": {"step": 3}, "origin": {}}


@pytest.mark.parametrize(
    "record",
    [
        None,
        "{",
        "[" * 100_000,
        "[]",
        json.dumps({**GOOD, "format": 0}),
        json.dumps({**GOOD, "format": "1"}),
        json.dumps({**GOOD, "origin": []}),
        json.dumps({**GOOD, "state": {"step": -1}}),
        json.dumps({**GOOD, "state": {"step": "many"}}),
        json.dumps({**GOOD, "state": {"seconds": float("nan")}}),
        json.dumps({"format": FORMAT}),
    ],
)
def test_other_safetensors_are_no_checkpoints(tmp_path: Path, record: str | None) -> None:
    path = tmp_path / "last.safetensors"
    save_file({"x": torch.zeros(1)}, path, None if record is None else {"anaphora": record})
    with pytest.raises(BundleError, match="no valid record of a run; it is no checkpoint of anaphora"):
        load_checkpoint(path)


def test_a_newer_format_asks_for_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    save_file({"x": torch.zeros(1)}, path, {"anaphora": json.dumps({**GOOD, "format": FORMAT + 1})})
    with pytest.raises(BundleError, match="has format 2, this anaphora reads up to 1; upgrade anaphora"):
        load_checkpoint(path)


def test_prefixes_come_off_as_they_went_on() -> None:
    tensors = {"a": torch.zeros(1), "b/c": torch.ones(1)}
    assert under("model", with_prefix("model", tensors) | {"models/x": torch.zeros(2)}) == tensors


def test_tied_weights_are_stored_once_and_stay_tied() -> None:
    config = RecurrentConfig(embedding_dim=4, hidden_size=4, tie_weights=True)
    model = RecurrentLanguageModel(config, 5)
    tensors = {name: tensor.detach().clone() for name, tensor in model_tensors(model).items()}
    twin = RecurrentLanguageModel(config, 5)
    load_model_tensors(twin, tensors)
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in model_tensors(twin).items())

    shared = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    shared["b"].weight = shared["a"].weight
    assert sorted(model_tensors(shared)) == ["a.bias", "a.weight", "b.bias"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": None}, "the weights differ: bias"),
        ({"extra": torch.zeros(1)}, "the weights differ: extra"),
        ({"bias": torch.zeros(3)}, r"'bias' is torch.float32 \(3,\), not torch.float32 \(2,\)"),
        ({"bias": torch.zeros(2, dtype=torch.float64)}, r"'bias' is torch.float64 \(2,\), not torch.float32"),
    ],
)
def test_weights_of_another_model_are_refused(change: dict[str, torch.Tensor | None], message: str) -> None:
    model = nn.Linear(2, 2)
    before = model.weight.detach().clone()
    tensors = {k: v for k, v in {**model_tensors(nn.Linear(2, 2)), **change}.items() if v is not None}
    with pytest.raises(ValueError, match=message):
        load_model_tensors(model, tensors)
    assert torch.equal(model.weight, before)
