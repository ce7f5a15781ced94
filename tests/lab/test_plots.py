"""Pictures: what may be drawn, that it is drawn the same each time, and what is said without matplotlib."""

import sys
from pathlib import Path

import pytest

from anaphora.errors import ConfigError
from anaphora.lab.plots import check_picture_path, picture


def draw(path: Path) -> None:
    with picture(path, panels=2) as (left, right):
        left.plot([1, 2, 3])
        right.set_title("right")


def test_png_and_svg(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    draw(tmp_path / "a.svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "a.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_numbers_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    draw(tmp_path / f"a{suffix}")
    draw(tmp_path / f"b{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_other_formats_are_refused_before_any_work() -> None:
    with pytest.raises(ConfigError, match=r"cannot draw a picture as 'a\.gif': the name must end in \.png or \.svg"):
        check_picture_path(Path("a.gif"))


def test_without_matplotlib_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r'install it with: pip install "anaphora\[plots\]"'):
        check_picture_path(Path("a.png"))


def test_a_drawing_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), picture(tmp_path / "a.png") as (axes,):
        axes.plot([1 / 0])
    assert list(tmp_path.iterdir()) == []
