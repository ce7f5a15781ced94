"""How every benchmark measures: rivals take turns in one process, medians are compared, the machine is on record.

Rivals are interleaved (A B A B ...), so that a machine that slows down half-way slows both. A result is printed as a
table and written to benchmarks/results/<date>-<name>.json; it names processor, threads, versions and commit.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from anaphora.files import write_json
from anaphora.runtime import available_cpus, chip_name, choose_device, keep_freed_memory, num_threads

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line of a benchmark asks for."""

    repetitions: int
    device: torch.device
    threads: tuple[int, ...]
    save: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """One rival's times: seconds of each repetition, each for `units` of work."""

    name: str
    seconds: tuple[float, ...]
    units: float = 1.0
    unit: str = "runs"

    @property
    def median(self) -> float:
        """Median seconds of one repetition."""
        return statistics.median(self.seconds)

    @property
    def rate(self) -> float:
        """Units per second, from the median."""
        return self.units / self.median

    def to_json(self) -> dict[str, Any]:
        """Return the row with its derived figures, as JSON values."""
        return {
            "name": self.name,
            "seconds": [round(value, 6) for value in self.seconds],
            "median_seconds": round(self.median, 6),
            "units": self.units,
            "unit": self.unit,
            "rate": round(self.rate, 2),
        }


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number a benchmark exists for, with its target where there is one ("at least" or "at most")."""

    name: str
    value: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.value <= self.at_most if self.at_most is not None else None

    def to_json(self) -> dict[str, Any]:
        """Return the figure as JSON values."""
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "at_least": self.at_least,
            "at_most": self.at_most,
            "met": self.met,
        }

    def __str__(self) -> str:
        text = f"{self.name:<72} {self.value:>10.3f}"
        if self.met is None:
            return text
        bound = f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"
        return f"{text}   target {bound}: {'met' if self.met else 'MISSED'}"


@dataclass(kw_only=True)
class Result:
    """Everything one benchmark found."""

    name: str
    about: str
    rows: list[Row] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def publish(self, options: Options) -> None:
        """Print the table; write the JSON file unless the options say otherwise."""
        record = {
            "name": self.name,
            "about": self.about,
            "machine": machine(options.device),
            "repetitions": options.repetitions,
            "rows": [row.to_json() for row in self.rows],
            "figures": [figure.to_json() for figure in self.figures],
            "details": self.details,
        }
        print(f"\n{self.name}: {self.about}\n{json.dumps(record['machine'], ensure_ascii=False)}")
        for row in self.rows:
            spread = f"{min(row.seconds):.4f} .. {max(row.seconds):.4f}"
            print(f"  {row.name:<58} {row.median:>10.4f} s  ({spread})  {row.rate:>12,.1f} {row.unit}/s")
        for figure in self.figures:
            print(f"  {figure}")
        if options.save:
            path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-{self.name}.json"
            write_json(path, record)
            print(f"  written to {path.relative_to(ROOT)}")


def parse_options(about: str, repetitions: int = 5) -> Options:
    """Read the options that all benchmarks share; keep freed memory, as every command does, for all rivals."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--repetitions", type=int, default=repetitions, help="runs of each rival (median of them)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, nargs="+", help="thread counts to measure at (default: 1 and all)")
    parser.add_argument("--no-save", action="store_true", help="print only, write no result file")
    chosen = parser.parse_args()
    device = choose_device(chosen.device)
    everywhere = (available_cpus(),) if device.type == "cuda" else tuple(sorted({1, available_cpus()}))
    return Options(
        repetitions=chosen.repetitions,
        device=device,
        threads=tuple(chosen.threads or everywhere),
        save=not chosen.no_save,
    )


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given; the CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def stopwatch(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds that `work` takes, the device's queue included."""
    synchronise(device)
    start = time.perf_counter()
    work()
    synchronise(device)
    return time.perf_counter() - start


def take_turns(
    rivals: Mapping[str, Callable[[], object]],
    *,
    options: Options,
    threads: int,
    units: float = 1.0,
    unit: str = "runs",
) -> list[Row]:
    """Run each rival once to warm up, then all in turn, again and again; return a row for each, in order."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    with num_threads(threads):
        for work in rivals.values():
            work()
        for _ in range(options.repetitions):
            for name, work in rivals.items():
                seconds[name].append(stopwatch(work, options.device))
    where = "cuda" if options.device.type == "cuda" else f"{threads} thread{'s' if threads > 1 else ''}"
    return [
        Row(name=f"{name}, {where}", seconds=tuple(values), units=units, unit=unit) for name, values in seconds.items()
    ]


def time_commands(commands: Mapping[str, Sequence[str]], *, repetitions: int) -> list[Row]:
    """Like `take_turns`, for whole processes; their output is thrown away."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for repetition in range(repetitions + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            if repetition > 0:  # the first fills the disk cache
                seconds[name].append(time.perf_counter() - start)
    return [Row(name=name, seconds=tuple(values)) for name, values in seconds.items()]


def peak_memory() -> float:
    """Return the most memory that this process has held so far, in MB."""
    try:  # on Linux ru_maxrss also counts the process that started this one
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1e3


def machine(device: torch.device) -> dict[str, Any]:
    """Return what a reader needs to judge a figure: hardware, versions, settings, commit, time, other load."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "processor": chip_name(torch.device("cpu")),
        "cpus": available_cpus(),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "device": chip_name(device) if device.type == "cuda" else "cpu",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "environment": {key: os.environ[key] for key in sorted(os.environ) if key.startswith(("OMP_", "KMP_", "MKL_"))},
    }


def _commit() -> str:
    """Return the commit of the checkout; "+" says that tracked files differ from it."""
    try:
        head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
        dirty = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "src", "benchmarks"], cwd=ROOT)
    except OSError:
        return "unknown"
    return head.stdout.strip() + ("+" if dirty.returncode else "") or "unknown"
