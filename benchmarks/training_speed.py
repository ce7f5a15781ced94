"""Training speed: anaphora's training step beside the textbooks' plain ones; same weights, same batch, one run."""

from collections.abc import Callable

from anaphora.runtime import Precision
from benchmarks.harness import Figure, Options, Result, parse_options, take_turns
from benchmarks.systems import System, island_system, text8_system

TARGET = 3.0  # times the twin's speed, float32, island-chars


def run_twin(system: System) -> Callable[[], object]:
    """Return the work of one timed run of the plain twin."""
    twin = system.make_twin()
    return lambda: [twin.step(system.batch.inputs, system.batch.targets) for _ in range(system.steps)]


def run_ours(system: System, precision: Precision) -> Callable[[], object]:
    """Return the work of one timed run of anaphora; the loss of each step is read, as the twin does."""
    ours = system.make_ours(precision, system.make_twin().model)

    def work() -> None:
        for _ in range(system.steps):
            ours.step(system.batch, 1e-3, 0.9)
            ours.read()

    return work


def measure(system: System, options: Options, result: Result) -> None:
    """Time one system at each number of threads."""
    expected, found = system.check_agreement()
    result.details[system.name] = {"text": system.source, "first loss, twin": expected, "first loss, anaphora": found}
    rivals = {
        f"{system.name}, plain twin, float32": run_twin(system),
        f"{system.name}, anaphora, float32": run_ours(system, "float32"),
        f"{system.name}, anaphora, bfloat16": run_ours(system, "bfloat16"),
    }
    for threads in options.threads:
        rows = take_turns(rivals, options=options, threads=threads, units=system.tokens, unit=system.unit)
        result.rows += rows
        twin, single, half = rows
        target = TARGET if system.name == "island-chars" else None
        where = twin.name.removeprefix(next(iter(rivals)))
        name = f"{system.name}: anaphora's speed / the twin's, {{}}{where}"
        result.figures += [
            Figure(name=name.format("float32"), value=single.rate / twin.rate, at_least=target),
            Figure(name=name.format("bfloat16"), value=half.rate / twin.rate),
        ]


def main() -> None:
    """Measure both systems."""
    options = parse_options(__doc__ or "")
    result = Result(name="training-speed", about="forward, backward, clipping and update, data already in memory")
    for system in (island_system(options.device), text8_system(options.device)):
        measure(system, options, result)
    result.publish(options)


if __name__ == "__main__":
    main()
