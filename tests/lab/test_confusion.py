"""The confusion matrix is drawn for few labels and many, in any script, and for a label without documents."""

from pathlib import Path

import numpy as np
import pytest

from anaphora.errors import ConfigError
from anaphora.lab.confusion import plot_confusion


@pytest.mark.parametrize("name", ["a.png", "a.svg"])
def test_the_picture_is_drawn(tmp_path: Path, name: str) -> None:
    plot_confusion([[8, 2], [0, 0]], ["$a_b$", "音楽 <b>"], tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG" if name.endswith("png") else b"<?xml")


def test_every_count_stands_in_its_square(tmp_path: Path) -> None:
    plot_confusion([[1234, 5], [6, 789]], ["neg", "pos"], tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    for text in ("1,234", "5", "6", "789", "neg", "pos", "predicted", "true"):
        assert f"<!-- {text} -->" in drawn


def test_many_labels_are_drawn_without_numbers(tmp_path: Path) -> None:
    plot_confusion(
        np.full((30, 30), 4242), [f"a label with a rather long name, {i}" for i in range(30)], tmp_path / "a.svg"
    )
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "4,242" not in drawn
    assert "a label with a rather l…" in drawn


def test_only_known_formats(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot draw a picture as 'a\.gif'"):
        plot_confusion([[1, 0], [0, 1]], ["a", "b"], tmp_path / "a.gif")
