"""Trackers get every record; without their package the message says what to install."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anaphora.data.prepare import PreparedCorpus
from anaphora.errors import ConfigError
from anaphora.models.recurrent import RecurrentLanguageModel
from anaphora.training.config import TrainingConfig
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.tracking import open_tracker
from anaphora.training.trainer import Trainer


def scalars(folder: Path) -> dict[str, list[int]]:
    """Return the steps of each curve in the event files."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {tag: [event.step for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_a_run_draws_its_curves(
    corpus: PreparedCorpus,
    make_model: Callable[..., RecurrentLanguageModel],
    make_config: Callable[..., TrainingConfig],
    tmp_path: Path,
) -> None:
    pytest.importorskip("tensorboard")
    config = make_config(steps=6, log_every=2, eval_every_steps=3)
    Trainer(LanguageModelling(make_model(), corpus, config), tmp_path, track="tensorboard").run()
    curves = scalars(tmp_path)
    assert curves["loss"] == curves["learning_rate"] == curves["grad_norm"] == [2, 4, 6]
    assert curves["valid_loss"] == [3, 6]


def test_a_resumed_run_draws_over_what_was_lost(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    first = open_tracker("tensorboard", tmp_path, None)
    for step in (1, 2, 3):
        first.write({"step": step, "loss": 1.0})
    first.close()
    second = open_tracker("tensorboard", tmp_path, 2)
    second.write({"step": 3, "loss": 1.0})
    second.close()
    assert scalars(tmp_path)["loss"] == [1, 2, 3]


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match=r"needs the tensorboard package: pip install anaphora\[tracking\]"):
        open_tracker("tensorboard", tmp_path, None)


def test_a_tracker_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="track = 'tensorbord': no such tracker; did you mean 'tensorboard'"):
        open_tracker("tensorbord", tmp_path, None)
