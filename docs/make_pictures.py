"""Draws the pictures of the teaching pages anew, with the laboratory's own functions.

    python docs/make_pictures.py            all of them: about five minutes on two cores
    python docs/make_pictures.py memory     only those whose names contain a word

They are committed, because readers look at pages and not at scripts.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import anaphora
from anaphora.lab.gradient_study import study_cells
from anaphora.lab.ladder.climb import climb, plot_ladder
from anaphora.lab.memory_task import memory_task, plot_memory
from anaphora.lab.units.pictures import plot_units
from anaphora.lab.units.tracking import track
from anaphora.lab.unroll import unroll
from anaphora.text.builtin import python_manual

FOLDER = Path(__file__).resolve().parent / "learn" / "pictures"


def units(path: Path) -> None:
    """Train a small LSTM on Python's manual, and colour a part of it by the units that know where they are."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"hidden_size": 128, "embedding_dim": 64, "bptt": 100, "batch_size": 32, "learning_rate": 0.005}
        result = anaphora.train("python-manual", model="lstm", steps=1500, out=Path(folder) / "run", settings=settings)
        plot_units(track(anaphora.load(result.model, "cpu"), python_manual()["all"][-40_000:]), path)


def write(path: Path, svg: str) -> None:
    """Write a picture that comes as text."""
    path.write_text(svg, encoding="utf-8")


PICTURES: dict[str, Callable[[Path], None]] = {
    "unroll-elman.svg": lambda path: write(path, unroll("elman")),
    "unroll-lstm.svg": lambda path: write(path, unroll("lstm")),
    "unroll-gru.svg": lambda path: write(path, unroll("gru")),
    "gradients.svg": lambda path: study_cells().plot(path),
    "memory.svg": lambda path: plot_memory(memory_task(), path),
    "units.png": units,
    "ladder.svg": lambda path: plot_ladder(climb(), path),
}


def main() -> None:
    """Draw the pictures whose names contain the first argument; all without one."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, draw in PICTURES.items():
        if wanted in name:
            draw(FOLDER / name)


if __name__ == "__main__":
    main()
