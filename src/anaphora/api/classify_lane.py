"""One direction of a classifier's stage, in a process of its own: see `lanes.py`. Started as a module."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anaphora.api.classify_run import ClassifyRun
from anaphora.api.lanes import do_work
from anaphora.progress import Progress
from anaphora.runtime import prepare_environment
from anaphora.training.classify_run_config import ClassifyRunConfig


def _work(told: Mapping[str, Any], progress: Progress) -> None:
    run = ClassifyRun(started=told["started"], track=told["track"], command=None, progress=progress)
    config = ClassifyRunConfig.from_json(told["config"])
    config = config.replace(training=config.training.replace(threads=int(os.environ["OMP_NUM_THREADS"])))
    part = {key: told[key] for key in ("backward", "number", "spent")}
    run.lane(Path(told["folder"]), config, **part)


if __name__ == "__main__":
    prepare_environment()
    sys.exit(do_work(_work))
