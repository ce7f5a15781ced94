"""What the runs of all tasks beside running text have in common: their records on disk, and their clock."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anaphora import __version__
from anaphora.api.folder import CONFIG, MODEL, RUN
from anaphora.bundle import TOKENIZER
from anaphora.errors import BundleError
from anaphora.files import read_json, write_json
from anaphora.progress import Progress
from anaphora.text.tokenizer import Tokenizer
from anaphora.text.tokenizers import load_tokenizer, save_tokenizer
from anaphora.training.sections import Sections
from anaphora.training.trainer import TrainingOutcome

# Of a run by minutes: left for saving and scoring.
_REST_SHARE, _REST_SECONDS = 0.1, 1.0


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a run folder says of its run.

    Attributes:
        about: provenance: texts, hashes, the command.
        sections: the configuration.
        tokenizer: of the run, whatever may have become of the model it came from.
    """

    about: dict[str, Any]
    sections: Sections
    tokenizer: Tokenizer


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """What a run gave, whatever its task.

    Attributes:
        run: the run folder.
        model: the model folder inside it.
        seconds: of the whole call.
        steps, epochs, stopped_by: how far training went, and why it ended there.
        interrupted: whether Ctrl-C ended it.
        chosen: the complete configuration, but for the section that names the texts.
    """

    run: Path
    model: Path
    seconds: float
    steps: int
    epochs: float
    stopped_by: str
    interrupted: bool
    chosen: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {**vars(self), "run": str(self.run), "model": str(self.model)}


@dataclass(kw_only=True)
class TaskRun:
    """A run and what it was asked for.

    Attributes:
        started: when the user began to wait, by `time.monotonic`.
        track: name of a tracker.
        command: what the user typed, for the record.
        progress: is told how the work goes on.
    """

    started: float
    track: str | None
    command: str | None
    progress: Progress

    def record(
        self, folder: Path, sections: Sections, tokenizer: Tokenizer, *, name: str, source_hash: str, **more: Any
    ) -> dict[str, Any]:
        """Write down what the run in `folder` is made from; return its provenance."""
        about = {
            "anaphora": __version__,
            "command": self.command,
            "corpus": {"name": name, "source_hash": source_hash},
            "tokenizer_hash": tokenizer.hash,
            **more,
        }
        save_tokenizer(tokenizer, folder / TOKENIZER)
        write_json(folder / CONFIG, sections)
        write_json(folder / RUN, about)
        return about

    def recorded(self, folder: Path) -> Record:
        """Read it again.

        Raises:
            BundleError, TokenizerError: a file is missing or damaged.
        """
        return Record(
            about=read_json(folder / RUN, BundleError, "the record of the run"),
            sections=read_json(folder / CONFIG, BundleError, "the configuration of the run"),
            tokenizer=load_tokenizer(folder / TOKENIZER),
        )

    def result(self, folder: Path, outcome: TrainingOutcome, sections: Sections, *, texts: str) -> dict[str, Any]:
        """Return the fields of a `TaskResult`; `texts` is the section that names the texts."""
        return {
            "run": folder,
            "model": folder / MODEL,
            "seconds": self.seconds,
            "steps": outcome.steps,
            "epochs": outcome.epochs,
            "stopped_by": outcome.stopped_by,
            "interrupted": outcome.interrupted,
            "chosen": {section: values for section, values in sections.items() if section != texts},
        }

    @property
    def seconds(self) -> float:
        """How long the user has waited so far."""
        return time.monotonic() - self.started

    def seconds_left(self, minutes: float) -> float:
        """Return what is left of a run that takes so many minutes."""
        return minutes * 60 - self.seconds

    def time_limit(self, minutes: float | None) -> float | None:
        """Return how many seconds training may take of a run that takes so many minutes; None without a clock."""
        if minutes is None:
            return None
        return max(self.seconds_left(minutes) * (1 - _REST_SHARE) - _REST_SECONDS, 1.0)
