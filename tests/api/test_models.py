"""`load` and `info`."""

import json
from pathlib import Path

import pytest

from anaphora.api import TrainResult, info, load
from anaphora.errors import BundleError, ConfigError


def test_a_run_folder_and_its_model_folder_are_the_same_model(trained: TrainResult) -> None:
    assert load(trained.run).model_hash == load(trained.model).model_hash


def test_info_says_what_the_model_is(trained: TrainResult) -> None:
    facts = json.loads(json.dumps(info(trained.run)))
    assert facts["model"]["hidden_size"] == 16
    assert facts["parameters"] == load(trained.run).model.num_parameters
    assert facts["results"]["test"]["tokens"] == facts["counts"]["test"]["tokens"]
    assert facts["bytes"] == sum(file.stat().st_size for file in trained.model.iterdir())
    assert info(load(trained.run)) == info(trained.run)


def test_what_cannot_be_loaded(trained: TrainResult, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no model folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="device = 'tpu'"):
        load(trained.run, device="tpu")
