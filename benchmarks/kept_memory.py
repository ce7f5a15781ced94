"""A training step with freed memory kept for the next one, as the commands have it, and with glibc's default.

By default large blocks come from the system at each step and go back there, and every page of them is cleared anew. The
setting holds for a whole process, so this script calls itself as a worker that prints what its steps took; the two
kinds of worker take turns. The model is that of the preset awd-lstm-ptb-short over 10,000 types.
"""

import json
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import torch

from anaphora.models.registry import build_model, model_config
from anaphora.runtime import Precision, keep_freed_memory
from anaphora.training.config import TrainingConfig
from anaphora.training.learner import Learner
from anaphora.training.presets import preset
from anaphora.training.stepper import Stepper
from benchmarks.harness import Figure, Result, Row, parse_options, peak_memory

WORKER, STEPS, WARM_UP = "--worker", 5, 2
KEPT, DEFAULT = "kept", "glibc's default"
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
PRESET, VOCAB_SIZE = "awd-lstm-ptb-short", 10_000


def work(kind: str, precision: Precision) -> None:
    """Print the processor seconds of some training steps on one thread, and the process' peak memory, as JSON."""
    if kind == KEPT and not keep_freed_memory():
        sys.exit("there is no glibc here, and nothing to measure")
    torch.set_num_threads(1)
    torch.manual_seed(1)
    sections = preset(PRESET).sections
    config = TrainingConfig(**sections["training"])
    model: Any = build_model(model_config(sections["model"]["name"], sections["model"]), VOCAB_SIZE).train()
    stepper = Stepper(Learner.of(model, config), config, precision=precision)
    batch = replace(stepper.lesson.example(model, config, config.bptt), continues=True)
    seconds = []
    for _ in range(WARM_UP + STEPS):
        start = time.process_time()
        stepper.step(batch, 1e-3, 0.9)
        stepper.read()
        seconds.append(time.process_time() - start)
    print(json.dumps({"seconds": seconds[WARM_UP:], "peak_memory": peak_memory()}))


def in_new_process(kind: str, precision: Precision) -> dict[str, Any]:
    """Return what a worker printed."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kept_memory", WORKER, kind, precision], stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure both settings in both number formats."""
    if WORKER in sys.argv:
        kind, precision = sys.argv[-2:]
        work(kind, "bfloat16" if precision == "bfloat16" else "float32")
        return
    options = parse_options(__doc__ or "", repetitions=3)
    result = Result(name="kept-memory", about=f"one step of {PRESET}, {VOCAB_SIZE:,} types, one thread, processor time")
    for precision in PRECISIONS:
        found: dict[str, list[dict[str, Any]]] = {KEPT: [], DEFAULT: []}
        for _ in range(options.repetitions):
            for kind, results in found.items():
                results.append(in_new_process(kind, precision))
        rows = {}
        for kind, results in found.items():
            seconds = tuple(step for one in results for step in one["seconds"])
            rows[kind] = Row(name=f"{kind}, {precision}", seconds=seconds, unit="steps")
        result.rows += rows.values()
        peaks = {kind: max(one["peak_memory"] for one in results) for kind, results in found.items()}
        result.details[f"peak memory in MB, {precision}"] = {kind: round(peak) for kind, peak in peaks.items()}
        result.figures += [
            Figure(
                name=f"{precision}: speed with memory kept / without", value=rows[DEFAULT].median / rows[KEPT].median
            ),
            Figure(name=f"{precision}: peak memory with / without", value=peaks[KEPT] / peaks[DEFAULT]),
        ]
    result.publish(options)


if __name__ == "__main__":
    main()
