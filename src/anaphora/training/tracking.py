"""Trackers: programs that draw a run's curves while it goes on. They get the records of metrics.jsonl."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from anaphora.errors import ConfigError
from anaphora.settings import did_you_mean

Record = Mapping[str, float]


class Tracker(Protocol):
    """Takes the records of a run."""

    def write(self, record: Record) -> None:
        """Take one record; `step` says when."""

    def close(self) -> None:
        """Write out what is still held."""


class TensorBoardTracker:
    """Writes TensorBoard event files into `tensorboard/` of the run folder; `tensorboard --logdir RUN` shows them."""

    def __init__(self, folder: Path, after_step: int | None) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ConfigError(
                "track = 'tensorboard' needs the tensorboard package: pip install anaphora[tracking]"
            ) from None
        # purge_step makes TensorBoard forget what a killed sitting wrote after its last checkpoint.
        purge_step = None if after_step is None else after_step + 1
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=purge_step)

    def write(self, record: Record) -> None:
        for name, value in record.items():
            if name != "step":
                self._writer.add_scalar(name, value, int(record["step"]))

    def close(self) -> None:
        self._writer.close()


TRACKERS: dict[str, Callable[[Path, int | None], Tracker]] = {"tensorboard": TensorBoardTracker}


def open_tracker(name: str, folder: Path, after_step: int | None) -> Tracker:
    """Return the tracker of that name for a run folder; `after_step` as in `MetricsLog`.

    Raises:
        ConfigError: no such tracker, or its package is not installed.
    """
    if name not in TRACKERS:
        known = list(TRACKERS)
        raise ConfigError(f"track = {name!r}: no such tracker{did_you_mean(name, known)} (known: {', '.join(known)})")
    return TRACKERS[name](folder, after_step)
