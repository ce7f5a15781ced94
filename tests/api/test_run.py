"""What a run leaves in its folder, and that it can be found again from anywhere."""

import json
from pathlib import Path

import pytest

from anaphora.api import TrainResult, evaluate, train
from anaphora.errors import BundleError, ConfigError
from anaphora.training.run_config import RunConfig, read_config


def test_the_folder_holds_configuration_provenance_and_model(trained: TrainResult) -> None:
    names = {path.name for path in trained.run.iterdir()}
    assert names == {"config.json", "run.json", "metrics.jsonl", "checkpoints", "model"}
    config = RunConfig.from_json(read_config(trained.run / "config.json"))
    assert config.training.steps == 60
    about = json.loads((trained.run / "run.json").read_text())
    assert about.keys() >= {"anaphora", "command", "corpus", "tokenizer_hash"}


def test_the_configuration_of_a_run_makes_the_same_run_again(trained: TrainResult, tmp_path: Path) -> None:
    again = train(config=trained.run / "config.json", out=tmp_path / "again")
    assert again.test == trained.test


def test_a_relative_path_is_found_from_elsewhere(
    text_file: Path, small: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(text_file.parent)
    result = train(text_file.name, steps=2, settings=small, out=tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    assert evaluate(tmp_path / "run").loss == pytest.approx(result.test.loss if result.test else 0)


def test_a_finished_run_can_be_resumed_and_is_still_finished(trained: TrainResult) -> None:
    again = train(resume=trained.run)
    assert (again.steps, again.test) == (trained.steps, trained.test)


def test_resume_without_a_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="record of the run"):
        train(resume=tmp_path)


def test_a_run_by_minutes_counts_from_when_the_user_began_to_wait(
    text_file: Path, small: dict[str, object], tmp_path: Path
) -> None:
    result = train(text_file, minutes=0.1, settings=small, out=tmp_path / "run")
    assert result.stopped_by == "time"
    assert result.chosen["reasons"]
    assert result.chosen["model"]["hidden_size"] == 16


def test_a_damaged_record_of_the_run_is_an_error(trained: TrainResult, tmp_path: Path) -> None:
    for name in ("config.json", "run.json"):
        (tmp_path / name).write_text((trained.run / name).read_text())
    (tmp_path / "run.json").write_text('{"corpus": 3}')
    with pytest.raises(ConfigError, match="the text of verse has changed"):
        train(resume=tmp_path)
