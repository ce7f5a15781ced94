"""How fast n-gram models of order 5 are estimated, and in what memory: whole processes, ids on disk to model on disk.

Texts of 1, 5 and 20 million tokens are made of phrases that are as unequally frequent as words are, so that counts are
like those of natural text. The rival is KenLM's `lmplz`, which writes ARPA; put its path into LMPLZ to compare. It runs
in several threads, so what is compared is CPU time: the time on one core, and what other programs disturb least.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Figure, Options, Result, Row, parse_options

ORDER = 5
VOCAB_SIZE = 100_000
MILLIONS = (1, 5, 20)

# What a process does that uses nothing but estimation: no torch, no command line.
ESTIMATE = """
import sys
from pathlib import Path
import numpy as np
from anaphora.models.ngram.estimate import estimate
from anaphora.models.ngram.runs import count_within
ids, order, vocab_size, memory, folder = sys.argv[1:]
counts = count_within(np.load(ids, mmap_mode="r"), int(memory) or None, order=int(order), vocab_size=int(vocab_size),
                      start_id=0, sentences=True, folder=Path(folder))
tables = estimate(counts)
for name in ("words", "children", "log_probs", "backoffs"):
    for k, array in enumerate(getattr(tables, name), start=1):
        array.tofile(Path(folder) / f"{name}-{k}.bin")
        counts.storage.release()
"""


def make_ids(tokens: int, seed: int = 0) -> NDArray[np.uint32]:
    """Return a text of phrases of one to six words; token 0 ends a line about every 20 words."""
    rng = np.random.default_rng(seed)

    def zipf(size: int, most: int) -> NDArray[np.int64]:
        ranks: NDArray[np.float64] = np.exp(rng.random(size) * np.log(most))
        return np.minimum(ranks, most - 1).astype(np.int64)

    lengths = rng.integers(1, 7, tokens // 5)
    starts = np.cumsum(lengths) - lengths
    words = zipf(int(lengths.sum()), VOCAB_SIZE)
    chosen = zipf(tokens // 2, len(lengths))
    chosen = chosen[: int(np.searchsorted(np.cumsum(lengths[chosen]), tokens)) + 1]
    sizes = lengths[chosen]
    places = np.repeat(starts[chosen] - (np.cumsum(sizes) - sizes), sizes) + np.arange(int(sizes.sum()))
    ids = words[places[:tokens]]
    ids[rng.random(len(ids)) < 0.05] = 0
    ids[-1] = 0
    return ids.astype(np.uint32)


def write_text(ids: NDArray[np.uint32], path: Path) -> None:
    """Write the ids as words, a line for each token 0."""
    with path.open("w", encoding="ascii") as file:
        for line in np.split(ids, np.flatnonzero(ids == 0) + 1)[:-1]:
            file.write(" ".join(f"w{token}" for token in line[:-1].tolist()) + "\n")


def run(command: Sequence[str], text: Path | None, out: Path) -> tuple[float, float, float]:
    """Run a process; return its wall seconds, its CPU seconds and the most memory it held, in MB."""
    start = time.perf_counter()
    with (text or Path(os.devnull)).open("rb") as source, out.open("wb") as sink:
        process = subprocess.Popen(command, stdin=source, stdout=sink, stderr=subprocess.DEVNULL)
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        peak = 0.0
        while not ended:
            peak = max(peak, most_memory(process.pid))
            time.sleep(0.01)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, peak


def most_memory(process_id: int) -> float:
    """Return the most memory that a running process has held so far, in MB (Linux).

    What the system tells after its end is no use: it counts the memory of this process before the other began.
    """
    try:
        lines = Path(f"/proc/{process_id}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def measure(millions: int, folder: Path, options: Options, result: Result) -> None:
    """Let all rivals estimate a model from a text of that size, in turn."""
    ids = make_ids(millions * 1_000_000)
    np.save(folder / "ids.npy", ids)
    write_text(ids, text := folder / "text.txt")
    ours = [sys.executable, "-c", ESTIMATE, str(folder / "ids.npy"), str(ORDER), str(VOCAB_SIZE)]
    rivals: dict[str, tuple[list[str], Path | None]] = {
        "anaphora": ([*ours, "0", str(folder)], None),
        "anaphora, within 600 MB": ([*ours, "600_000_000", str(folder)], None),
    }
    if lmplz := os.environ.get("LMPLZ") or shutil.which("lmplz"):
        rivals["lmplz -S 1G"] = ([lmplz, "-o", str(ORDER), "-S", "1G", "-T", str(folder)], text)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in rivals}
    for _ in range(options.repetitions):
        for name, (command, source) in rivals.items():
            found[name].append(run(command, source, folder / "out"))
    for name, runs in found.items():
        walls = tuple(wall for wall, _, _ in runs)
        result.rows.append(Row(name=f"{name}, {millions} M tokens", seconds=walls, units=len(ids), unit="tokens"))
        result.details[f"{name}, {millions} M tokens"] = {
            "cpu_seconds": [round(cpu, 2) for _, cpu, _ in runs],
            "peak_mb": round(max(memory for _, _, memory in runs)),
        }
    if lmplz:
        theirs, ours_best = (min(cpu for _, cpu, _ in found[name]) for name in ("lmplz -S 1G", "anaphora"))
        result.figures.append(
            Figure(
                name=f"times less CPU time than lmplz, {millions} M tokens",
                value=theirs / ours_best,
                at_least=3 if millions < 2 else 5,
            )
        )
    if millions == MILLIONS[-1]:
        peaks = {name: max(memory for _, _, memory in runs) / 1024 for name, runs in found.items()}
        wall = min(wall for wall, _, _ in found["anaphora"])
        result.figures += [
            Figure(name=f"seconds, {millions} M tokens", value=wall, at_most=15),
            Figure(name=f"GB at most, {millions} M tokens", value=peaks["anaphora"], at_most=3),
            Figure(name="GB at most, from disk runs", value=peaks["anaphora, within 600 MB"], at_most=1.2),
        ]


def main() -> None:
    """Estimate models from texts of three sizes; report seconds, memory and the ratio to lmplz."""
    options = parse_options(__doc__ or "", repetitions=3)
    result = Result(
        name="ngram-estimation",
        about=f"modified Kneser-Ney, order {ORDER}, {VOCAB_SIZE:,} words: ids on disk to model on disk, one core",
    )
    with tempfile.TemporaryDirectory(prefix="anaphora-ngram-") as name:
        folder = Path(name)
        np.save(folder / "ids.npy", make_ids(1_000))
        command = [sys.executable, "-c", ESTIMATE, str(folder / "ids.npy"), str(ORDER), str(VOCAB_SIZE), "0", name]
        cold, _, _ = run(command, None, folder / "out")  # compiles, if this machine has not yet
        result.details["first_run_seconds"] = round(cold, 2)
        for millions in MILLIONS:
            measure(millions, folder, options, result)
    result.publish(options)


if __name__ == "__main__":
    main()
