"""Shared by the tests of the api: a small text and one small trained run."""

from pathlib import Path

import pytest

from anaphora.api import TrainResult, train


@pytest.fixture(scope="session")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a text file with some pattern in it."""
    path = tmp_path_factory.mktemp("text") / "verse.txt"
    path.write_text("".join(f"the {number} cats sat on {number * 7} mats\n" for number in range(400)))
    return path


@pytest.fixture(scope="session")
def small() -> dict[str, object]:
    """Return the settings of a tiny model: a second of training on one thread, nothing left to probes."""
    return {
        "hidden_size": 16,
        "embedding_dim": 8,
        "batch_size": 4,
        "bptt": 16,
        "learning_rate": 0.03,
        "threads": 1,
        "precision": "float32",
    }


@pytest.fixture(scope="session")
def trained(text_file: Path, small: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    """Return what a finished run on that text gave."""
    return train(text_file, steps=60, settings=small, out=tmp_path_factory.mktemp("runs") / "verse")


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """Return a table of 80 reviews, half of them good; one word tells."""
    words = ("a good and lovely film", "a bad and boring film")
    rows = "".join(f"{words[i % 2]} number {i},{'neg' if i % 2 else 'pos'}\n" for i in range(80))
    (tmp_path / "reviews.csv").write_text("text,label\n" + rows)
    return tmp_path / "reviews.csv"
