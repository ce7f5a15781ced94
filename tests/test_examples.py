"""Every script in examples/ runs, on a small text, and prints what it promises."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

# Each example with the argument lists to call it with, in order, and a piece of the output of the last call.
# The example that evaluates needs a model, so another one makes it first.
CALLS: dict[str, tuple[list[list[str]], str]] = {
    "custom_training_loop.py": (
        [["custom_training_loop.py", "book.txt", "--steps", "10", "--out", "model"]],
        "bits per character",
    ),
    "evaluate_a_text.py": (
        [
            ["custom_training_loop.py", "book.txt", "--steps", "1", "--out", "model"],
            ["evaluate_a_text.py", "model", "book.txt"],
        ],
        "least expected lines",
    ),
    "train_and_generate.py": (
        [["train_and_generate.py", "book.txt", "--steps", "5", "--out", "run"]],
        "nats per token",
    ),
}


def test_every_example_is_in_the_table() -> None:
    assert sorted(CALLS) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", CALLS)
def test_example_runs(name: str, tmp_path: Path, write_book: Callable[[Path], None]) -> None:
    write_book(tmp_path / "book.txt")
    calls, promised = CALLS[name]
    for script, *arguments in calls:
        done = subprocess.run(
            [sys.executable, str(EXAMPLES / script), *arguments],
            cwd=tmp_path,
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
    assert promised in done.stdout
