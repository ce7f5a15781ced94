"""Shared by the tests of the command line: a runner, a small text, and one small trained run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from anaphora.cli import app

Run = Callable[..., Result]

# A second of training on one thread; nothing is left to probes.
_SMALL = (
    "--set=hidden_size=16",
    "--set=embedding_dim=8",
    "--set=batch_size=4",
    "--set=bptt=16",
    "--set=threads=1",
    "--precision=float32",
)


@pytest.fixture
def anaphora(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a function that runs a command line, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Return the options of a tiny model."""
    return _SMALL


@pytest.fixture(scope="session")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a text file with some pattern in it."""
    path = tmp_path_factory.mktemp("text") / "verse.txt"
    path.write_text("".join(f"the {number} cats sat on {number * 7} mats\n" for number in range(400)))
    return path


@pytest.fixture(scope="session")
def run_folder(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished run on that text."""
    folder = tmp_path_factory.mktemp("runs") / "verse"
    words = ["train", str(text_file), "--steps=30", "--quiet", f"--out={folder}", *_SMALL]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return folder
