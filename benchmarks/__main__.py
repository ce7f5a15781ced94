"""Run every benchmark, each in a process of its own, and say at the end which targets were missed: `make bench`.

Options are handed on to each: `make bench BENCH_ARGS="--repetitions 3 --no-save"`. Leave the machine alone meanwhile.
"""

import subprocess
import sys
from pathlib import Path

# What is shared by the benchmarks, and the twins they measure against.
_NOT_BENCHMARKS = {"__init__", "__main__", "harness", "systems", "texts", "twin_imdb", "twin_island", "twin_text8"}
# Whole trainings, which measure how good and not how fast; docs/recipes.md shows what they found.
_BY_HAND = {"ablation", "classic_mistakes", "imdb_table", "short_presets", "text8_words", "tfidf", "time_to_loss"}


def main() -> None:
    """Run the benchmarks in alphabetical order; exit with 1 when one of them broke."""
    folder = Path(__file__).resolve().parent
    names = sorted(path.stem for path in folder.glob("*.py") if path.stem not in _NOT_BENCHMARKS | _BY_HAND)
    broken = [
        name
        for name in names
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *sys.argv[1:]], cwd=folder.parent).returncode
    ]
    if broken:
        sys.exit(f"broken: {', '.join(broken)}")


if __name__ == "__main__":
    main()
