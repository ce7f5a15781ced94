"""Does `--minutes M` keep its word? Whole trainings from the command line, timed as their user would time them.

One run of each length: the promise holds for every single run, so the worst of them counts, not the median. The time
starts with the process and ends with it, Python's start and the final evaluation included.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Figure, Options, Result, Row, parse_options

CORPUS, MINUTES, TARGET = "python-manual", (1.0, 2.0), 0.05


def timed_run(minutes: float, folder: Path, options: Options) -> tuple[float, dict[str, object]]:
    """Train for that long in a new process with an empty cache; return its seconds, and what it reports."""
    command = ["train", CORPUS, "--minutes", f"{minutes:g}", "--out", str(folder / "run"), "--json", "--quiet"]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "anaphora", *command, "--device", options.device.type],
        env={**os.environ, "ANAPHORA_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds = time.perf_counter() - start
    report: dict[str, object] = json.loads(done.stdout)
    return seconds, report


def main() -> None:
    """Time runs of each length."""
    options = parse_options(__doc__ or "", repetitions=1)
    result = Result(name="time-dial", about=f"anaphora train {CORPUS} --minutes M, from the first to the last moment")
    for minutes in MINUTES:
        times = []
        for _ in range(options.repetitions):
            with tempfile.TemporaryDirectory() as folder:
                seconds, report = timed_run(minutes, Path(folder), options)
            times.append(seconds)
        worst = max(abs(seconds / (60 * minutes) - 1) for seconds in times)
        result.rows.append(Row(name=f"--minutes {minutes:g}", seconds=tuple(times)))
        result.figures.append(Figure(name=f"--minutes {minutes:g}: off by, share", value=worst, at_most=TARGET))
        result.details[f"--minutes {minutes:g}"] = report
    result.publish(options)


if __name__ == "__main__":
    main()
