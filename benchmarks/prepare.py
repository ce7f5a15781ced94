"""How fast a text of a gigabyte becomes token ids on disk, and in how much memory: chars and words, on one core.

The text is Penn Treebank (or this project's source, without the shared corpora) repeated to 1 GB. Each kind runs in a
process of its own, which opens the file, splits it 90/5/5, hashes it and prepares it; seconds are of all that. The
rate by processor time shows what a core does when the machine is busy with other things.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, Figure, Options, Result, Row, parse_options

SIZE = 1_000_000_000  # bytes
MIN_SPEED, MAX_MEMORY = 15.0, 600.0  # MB/s, MB
KINDS = ("chars", "words")

CHILD = """
import json, resource, sys, time
from pathlib import Path
start, cpu_start = time.perf_counter(), time.process_time()
from anaphora.data.prepare import prepare
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import TokenizerSettings
text, cache, kind = sys.argv[1:]
corpus = open_corpus(CorpusSettings(source=text))
opened = time.perf_counter()
prepared = prepare(corpus, TokenizerSettings(kind=kind), cache=Path(cache))
end, cpu_end = time.perf_counter(), time.process_time()
try:  # on Linux ru_maxrss also counts the process that started this one
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1e3
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS
print(json.dumps({
    "seconds": end - start,
    "seconds_to_open": opened - start,
    "cpu_seconds": cpu_end - cpu_start,
    "peak_mb": peak,
    "tokens": sum(counts.tokens for counts in prepared.counts.values()),
    "bytes": sum(counts.bytes for counts in prepared.counts.values()),
    "vocab_size": prepared.tokenizer.vocab_size,
}))
"""


def sample_text() -> bytes:
    """Return a few megabytes of text to repeat."""
    folder = Path(os.environ.get("ANAPHORA_SHARED", ROOT.parent / "shared" / "data"))
    treebank = folder / "ptb" / "ptb.train.txt"
    if treebank.is_file():
        return treebank.read_bytes()
    return b"".join(path.read_bytes() for path in sorted((ROOT / "src").rglob("*.py")))


def write_text(path: Path) -> None:
    """Write SIZE bytes of text, in whole lines."""
    piece = sample_text()
    with path.open("wb") as file:
        for _ in range(SIZE // len(piece)):
            file.write(piece)


def run(text: Path, folder: Path, kind: str) -> dict[str, Any]:
    """Prepare the text once, in a fresh process on one core, and return what it measured."""
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        finished = subprocess.run(
            [sys.executable, "-c", CHILD, str(text), cache, kind],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    measured: dict[str, Any] = json.loads(finished.stdout)
    return measured


def measure(options: Options) -> Result:
    """Run each kind as often as asked and gather the figures."""
    result = Result(name="prepare", about=f"{SIZE // 1_000_000:,} MB of text to ids on disk, one core")
    with tempfile.TemporaryDirectory(prefix="anaphora-prepare-") as name:
        folder = Path(name)
        text = folder / "text.txt"
        write_text(text)
        for kind in KINDS:
            runs = [run(text, folder, kind) for _ in range(options.repetitions)]
            size = text.stat().st_size / 1e6
            row = Row(name=kind, seconds=tuple(one["seconds"] for one in runs), units=size, unit="MB")
            cpu_rate = size / statistics.median(one["cpu_seconds"] for one in runs)
            peak = max(one["peak_mb"] for one in runs)
            result.rows.append(row)
            result.figures.append(Figure(name=f"{kind}: MB/s, median", value=row.rate, at_least=MIN_SPEED))
            result.figures.append(Figure(name=f"{kind}: MB per second of processor time, median", value=cpu_rate))
            result.figures.append(Figure(name=f"{kind}: peak RSS in MB", value=peak, at_most=MAX_MEMORY))
            result.details[kind] = runs
    return result


def main() -> None:
    """Make the text, measure, publish; the text is deleted afterwards."""
    options = parse_options("prepare a text of a gigabyte", repetitions=3)
    measure(options).publish(options)


if __name__ == "__main__":
    main()
