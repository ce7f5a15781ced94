"""One look for every picture of the laboratory: PNG or SVG, quiet axes, colours that the colour-blind can tell apart.

matplotlib is an extra and is loaded only when a picture is drawn. No global state of it is touched, and the same
numbers give the same SVG, byte for byte. Chinese, Japanese and Korean need a font with their characters on the machine
(fonts-noto-cjk); without one, boxes stand for them.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anaphora.errors import ConfigError
from anaphora.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg")

# Okabe and Ito (2008)
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#000000", "#999933")
GREY = "#8C8C8C"
CELL_COLOURS = {"elman": COLOURS[1], "gru": COLOURS[2], "lstm": COLOURS[0]}

_CJK_FONTS = ("Noto Sans Mono CJK SC", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Microsoft YaHei", "PingFang SC")
_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.hashsalt": "anaphora",
}


def check_picture_path(path: Path) -> None:
    """Say at once whether a picture can be drawn at `path`, before the hours of work that lead to it.

    Raises:
        ConfigError: the suffix is not .png or .svg, or matplotlib is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"cannot draw a picture as {path.name!r}: the name must end in {' or '.join(FORMATS)}")
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise ConfigError('pictures need matplotlib; install it with: pip install "anaphora[plots]"') from None


def fonts(first: str = "DejaVu Sans") -> list[str]:
    """Return the fonts to draw text with, in order of trial: one that comes with matplotlib, then one for CJK."""
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return [first, *[font for font in _CJK_FONTS if font in installed][:1]]


@contextmanager
def picture(
    path: Path, *, panels: int = 1, heights: Sequence[float] = (1,), size: tuple[float, float] = (7.5, 4.2)
) -> Iterator[list["Axes"]]:
    """Hand out the axes of `panels` panels side by side; write the picture when the block ends.

    Args:
        path: where to.
        panels: how many in a row.
        heights: of the rows, in proportion to each other; the axes come row by row.
        size: of the whole, in inches.

    Raises:
        ConfigError: as `check_picture_path`.
    """
    check_picture_path(path)
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**_STYLE, "font.family": fonts()}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=size, layout="constrained")
        yield list(figure.subplots(len(heights), panels, squeeze=False, height_ratios=heights).flat)
        kind = path.suffix.lower().removeprefix(".")
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        with atomic_write(path) as file:
            figure.savefig(file, format=kind, dpi=150, metadata=metadata)
