"""Both directions of a classifier side by side: the same weights as one after the other, and no process that stays."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from anaphora.api.classification import train_classifier
from anaphora.api.classify_run import ClassifyResult
from anaphora.api.lanes import run_lanes
from anaphora.bundle import load_classifier
from anaphora.errors import CorpusError, TrainingError
from anaphora.progress import Event, Progress, silent

LANGUAGE_MODEL = (
    '{name = "awd-lstm", embedding_dim = 8, hidden_size = 8, num_layers = 1, last_hidden_size = 8, dropout_input = 0.0}'
)


def run(reviews: Path, out: Path, *, threads: int, progress: Progress = silent, **options: Any) -> ClassifyResult:
    settings = [
        *("precision=float32", "training.batch_size=8", "training.learning_rate=0.02", "layer_rate_factor=1.0"),
        *(f"threads={threads}", f"language_model={LANGUAGE_MODEL}", "self_training.rounds=1"),
    ]
    given = {"pretrain_epochs": 2, "epochs": 4, "direction": "both", "labelled": 32, **options}
    return train_classifier(reviews, settings=settings, out=out, progress=progress, **given)


def weights(result: ClassifyResult) -> dict[str, torch.Tensor]:
    return load_classifier(result.run).model.state_dict()


@pytest.fixture(name="in_turn")
def _in_turn(reviews: Path, tmp_path: Path) -> dict[str, torch.Tensor]:
    return weights(run(reviews, tmp_path / "in-turn", threads=1))


def test_side_by_side_gives_what_one_after_the_other_gives(
    reviews: Path, tmp_path: Path, in_turn: dict[str, torch.Tensor]
) -> None:
    events: list[Event] = []
    found = weights(run(reviews, tmp_path / "beside", threads=2, progress=events.append))
    for name, weight in in_turn.items():
        assert torch.equal(weight, found[name]), name
    messages = [event.message or "" for event in events]
    assert any(message.endswith("read forward") for message in messages)
    assert any(message.endswith("read backward") for message in messages)


def test_a_run_that_was_broken_off_goes_on(reviews: Path, tmp_path: Path, in_turn: dict[str, torch.Tensor]) -> None:
    folder = tmp_path / "broken"

    def interrupt() -> None:
        while not (folder / "classifier-forward" / "checkpoints" / "last.safetensors").is_file():
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        run(reviews, folder, threads=2)
    watcher.join()
    assert not (folder / "model").exists()
    found = weights(train_classifier(resume=folder))
    for name, weight in in_turn.items():
        assert torch.equal(weight, found[name]), name


LANE = """
import os, sys, time
from pathlib import Path
from anaphora.api.lanes import do_work
from anaphora.errors import CorpusError

def work(told, progress):
    if told["do"] == "complain":
        raise CorpusError("no such file")
    if told["do"] == "fail":
        os._exit(7)
    Path("pid").write_text(str(os.getpid()))
    time.sleep(600)

sys.exit(do_work(work))
"""


@pytest.fixture(name="lane_module")
def _lane_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "lane_of_a_test.py").write_text(LANE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    return "lane_of_a_test"


def test_what_a_lane_complains_of_is_raised_and_the_others_are_stopped(lane_module: str) -> None:
    with pytest.raises(CorpusError, match="no such file"):
        run_lanes(lane_module, [{"do": "wait"}, {"do": "complain"}], threads=1, progress=silent)
    with pytest.raises(TrainingError, match="ended with exit status 7"):
        run_lanes(lane_module, [{"do": "fail"}, {"do": "wait"}], threads=1, progress=silent)


def test_lanes_end_with_whoever_started_them(lane_module: str, tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "from anaphora.api.lanes import run_lanes\n"
            f"run_lanes({lane_module!r}, [{{'do': 'wait'}}], threads=1, progress=print)",
        ]
    )
    pid = tmp_path / "pid"
    while not (pid.is_file() and pid.read_text()):
        time.sleep(0.01)
    starter.kill()
    starter.wait()
    while alive(int(pid.read_text())):
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Say whether a process still works; one that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.is_file() and "State:\tZ" in status.read_text())
