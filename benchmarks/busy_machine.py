"""A training step while another process burns one core: with the command line's OpenMP setting, and without.

By default OpenMP's idle threads spin. On a busy machine the spinning thread and the working one then fight for a core.
`anaphora` sets OMP_WAIT_POLICY=PASSIVE before torch loads. A setting needs a process of its own, so this script calls
itself as a worker that prints the seconds of its steps.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from anaphora.runtime import available_cpus, prepare_environment
from benchmarks.harness import Figure, Result, Row, parse_options

WORKER, STEPS, WARM_UP = "--worker", 5, 2
OURS, DEFAULT = "anaphora's setting", "OpenMP's default"
_OPENMP = ("OMP_WAIT_POLICY", "KMP_BLOCKTIME", "OMP_NUM_THREADS", "GOMP_SPINCOUNT")


def work() -> None:
    """Print the seconds of some training steps on all processors, as a JSON list."""
    from benchmarks.systems import island_system

    torch.set_num_threads(available_cpus())
    system = island_system(torch.device("cpu"))
    ours = system.make_ours("float32", system.make_twin().model)
    seconds = []
    for _ in range(WARM_UP + STEPS):
        start = time.perf_counter()
        ours.step(system.batch, 1e-3, 0.9)
        ours.read()
        seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds[WARM_UP:]))


@contextmanager
def one_busy_core() -> Iterator[None]:
    """Keep one core busy while the block runs."""
    # It ends with this process, however that ends.
    burner = subprocess.Popen([sys.executable, "-c", f"import os\nwhile os.getppid() == {os.getpid()}: pass"])
    try:
        yield
    finally:
        burner.kill()
        burner.wait()


def steps_in_new_process(setting: Mapping[str, str]) -> list[float]:
    """Return the seconds of the steps of a worker whose environment has this OpenMP setting and no other."""
    environment = {key: value for key, value in os.environ.items() if key not in _OPENMP}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.busy_machine", WORKER],
        env={**environment, **setting},
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds: list[float] = json.loads(done.stdout)
    return seconds


def our_setting() -> dict[str, str]:
    """Return what `prepare_environment` sets where nothing is set."""
    before = dict(os.environ)
    for key in _OPENMP:
        os.environ.pop(key, None)
    prepare_environment()
    setting = {key: os.environ[key] for key in _OPENMP if key in os.environ}
    os.environ.clear()
    os.environ.update(before)
    return setting


def measure(setting: Mapping[str, str], name: str, repetitions: int) -> Row:
    """Return the times of all steps of several workers, in one row."""
    seconds = [step for _ in range(repetitions) for step in steps_in_new_process(setting)]
    return Row(name=name, seconds=tuple(seconds), unit="steps")


def main() -> None:
    """Measure both settings on a quiet and on a busy machine."""
    if WORKER in sys.argv:
        work()
        return
    options = parse_options(__doc__ or "")
    result = Result(name="busy-machine", about=f"one island-chars step, float32, {available_cpus()} threads")
    settings = {OURS: our_setting(), DEFAULT: {}}
    result.details["settings"] = settings
    quiet = [measure(setting, f"{name}, quiet", options.repetitions) for name, setting in settings.items()]
    with one_busy_core():
        busy = [measure(setting, f"{name}, one core busy", options.repetitions) for name, setting in settings.items()]
    result.rows = [*quiet, *busy]
    result.figures = [
        # With one of n cores taken, n threads that share fairly have n - 1/2 cores left; twice the time is generous.
        Figure(name=f"{OURS}: busy / quiet", value=busy[0].median / quiet[0].median, at_most=2.5),
        Figure(name=f"{DEFAULT}: busy / quiet", value=busy[1].median / quiet[1].median),
        Figure(name=f"busy: {DEFAULT} / {OURS}", value=busy[1].median / busy[0].median),
        Figure(name=f"quiet: {OURS} / {DEFAULT}", value=quiet[0].median / quiet[1].median),
    ]
    result.publish(options)


if __name__ == "__main__":
    main()
