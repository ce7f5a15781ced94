"""What each `-short` preset reaches in the same time: whole trainings, each on a core of its own.

    python -m benchmarks.short_presets [PRESET ...] [--minutes 30] [--side-by-side N] [--runs FOLDER] [--no-save]

Without names, those of the Penn Treebank by words take part. Every run gets one core and the minutes, its evaluation
included; so many runs go on at once as there are cores. A preset whose run is in FOLDER is not trained again: a table
can be made in parts. Takes an hour or more, so `make bench` leaves it out.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch

from anaphora.runtime import available_cpus
from benchmarks.harness import Options, Result

CORPORA = {
    "awd-lstm-ptb-short": "ptb",
    "awd-qrnn-ptb-short": "ptb",
    "mos-ptb-short": "ptb",
    "mogrifier-ptb-short": "ptb",
    "awd-lstm-wt2-short": "wikitext-2",
    "char-lstm-short": "ptb",
    "fast-words-short": "ptb",
}
BY_WORDS = ("fast-words-short", *(name for name in CORPORA if "-ptb-" in name))


def train_preset(name: str, *, minutes: float, runs: Path) -> dict[str, Any]:
    """Train one preset on one core, unless its run is there, and return its figures."""
    record = runs / f"{name}.json"
    if not record.is_file():
        words = ["train", CORPORA[name], "--preset", name, "--minutes", str(minutes), "--out", str(runs / name)]
        done = subprocess.run(
            [sys.executable, "-m", "anaphora", *words, "--overwrite", "--json", "--quiet"],
            check=True,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        record.write_bytes(done.stdout)
    found = json.loads(record.read_text(encoding="utf-8"))
    return {
        **{split: round(found[split]["perplexity"], 2) for split in ("valid", "test")},
        "bits_per_char": round(found["test"]["bits_per_char"], 4),
        "epochs": round(found["epochs"], 2),
        "tokens_per_second": round(found["tokens_per_second"]),
        "precision": found["chosen"]["training"]["precision"],
        "drop_mult": found["chosen"]["model"]["drop_mult"],
    }


def main() -> None:
    """Train them, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", metavar="PRESET", help=", ".join(CORPORA))
    parser.add_argument("--minutes", type=float, default=30.0, help="of each run")
    parser.add_argument("--side-by-side", type=int, default=available_cpus(), help="runs at once")
    parser.add_argument("--runs", type=Path, default=Path("runs/short-presets"))
    parser.add_argument("--no-save", action="store_true", help="print only, write no result file")
    chosen = parser.parse_args()
    if unknown := set(chosen.presets) - set(CORPORA):
        parser.error(f"no short preset: {', '.join(sorted(unknown))}")
    chosen.runs.mkdir(parents=True, exist_ok=True)
    names = chosen.presets or list(BY_WORDS)
    result = Result(name="short-presets", about=f"{chosen.minutes:g} minutes of one core for each preset; perplexity")
    work = partial(train_preset, minutes=chosen.minutes, runs=chosen.runs)
    with ThreadPoolExecutor(chosen.side_by_side) as pool:
        for name, found in zip(names, pool.map(work, names), strict=True):
            result.details[name] = found
            print(name, found, flush=True)
    result.publish(Options(repetitions=1, device=torch.device("cpu"), threads=(1,), save=not chosen.no_save))


if __name__ == "__main__":
    main()
