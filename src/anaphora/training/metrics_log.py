"""metrics.jsonl: what was measured in a run, one JSON object a line, as if the run had never been broken off."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from anaphora.files import atomic_write
from anaphora.training.tracking import Record, Tracker


class MetricsLog:
    """Appends records to metrics.jsonl, and passes them on to a tracker.

    Every record has `step` and `epoch`. The kinds, by what else they hold:

    - every `log_every` steps: `loss` (mean nats per token since the last such line), `learning_rate`, `grad_norm`
      (before clipping), `tokens_per_second`
    - at the end of an epoch: `train_loss`, the mean over all of it
    - after a validation: `valid_loss`
    - after a recovery: `learning_rate_scale`

    Args:
        path: the file.
        after_step: None starts a new file. A resumed run gives its step: later lines, from work that was lost with
            the process, are cut off, and so is a line that was torn.
        tracker: also gets every record.
    """

    def __init__(self, path: Path, *, after_step: int | None, tracker: Tracker | None = None) -> None:
        kept = [] if after_step is None else _lines_until(path, after_step)
        with atomic_write(path) as file:
            file.writelines(kept)
        self._file = path.open("a", encoding="utf-8")
        self._tracker = tracker

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._tracker is not None:
            self._tracker.close()

    def write(self, record: Record) -> None:
        """Append one record; it is with the operating system when this returns."""
        self._file.write(json.dumps(record, allow_nan=False) + "\n")
        self._file.flush()
        if self._tracker is not None:
            self._tracker.write(record)


def _lines_until(path: Path, step: int) -> Iterator[bytes]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
                if line.endswith(b"\n") and record["step"] <= step:
                    yield line
            except (ValueError, KeyError, TypeError):
                continue
