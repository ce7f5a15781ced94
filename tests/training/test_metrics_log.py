"""metrics.jsonl after a resume is the log of an unbroken run."""

import json
from pathlib import Path

from anaphora.training.metrics_log import MetricsLog
from anaphora.training.tracking import Record


class Collector:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.closed = False

    def write(self, record: Record) -> None:
        self.records.append(record)

    def close(self) -> None:
        self.closed = True


def test_lines_are_on_disk_at_once_and_reach_the_tracker(tmp_path: Path) -> None:
    path, tracker = tmp_path / "run" / "metrics.jsonl", Collector()
    with MetricsLog(path, after_step=None, tracker=tracker) as log:
        log.write({"step": 1, "loss": 0.1 + 0.2})
        assert json.loads(path.read_text()) == {"step": 1, "loss": 0.1 + 0.2}
    assert tracker.records == [{"step": 1, "loss": 0.1 + 0.2}]
    assert tracker.closed


def test_a_new_run_starts_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n')
    with MetricsLog(path, after_step=None):
        assert path.read_text() == ""


def test_a_resumed_run_cuts_off_later_and_torn_lines(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    kept = '{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2.0}\n{"step": 2, "valid_loss": 2.1}\n'
    path.write_text(kept + '{"step": 3, "loss": 1.5}\nnull\n{"step": 2, "lo')
    with MetricsLog(path, after_step=2) as log:
        log.write({"step": 3, "loss": 1.5})
    assert path.read_text() == kept + '{"step": 3, "loss": 1.5}\n'


def test_a_resumed_run_without_a_log_begins_one(tmp_path: Path) -> None:
    with MetricsLog(tmp_path / "metrics.jsonl", after_step=2) as log:
        log.write({"step": 3})
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 3}\n'
