"""A text in a picture, its characters in rows and columns, each on a ground of its own shade."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from anaphora.lab.page import colour, visible
from anaphora.lab.plots import fonts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 88
_SIGNS = {" ": "", "\n": "↵", "\t": "→"}
_WORDS = re.compile(r"\S+|\s")


def draw_text(axes: "Axes", text: str, shades: Sequence[int], *, top: float = 0.0, rows: int) -> None:
    """Draw as much of a text as fits into `rows` rows of 88 columns, from the height `top` down.

    Args:
        axes: whose y axis grows downwards, a unit a row, and whose x axis has a unit a column.
        text: to draw.
        shades: of its characters.
        top: where the first row begins.
        rows: how many there is room for.
    """
    from matplotlib.patches import Rectangle

    look: dict[str, Any] = {"ha": "center", "va": "center", "fontfamily": fonts("DejaVu Sans Mono"), "fontsize": 9}
    for position, row, column, width in cells(text):
        if row >= rows:
            return
        ground = colour(shades[position])
        axes.add_patch(Rectangle((column, top + row), width, 1, facecolor=ground, linewidth=0, in_layout=False))
        shown = _SIGNS.get(text[position], visible(text[position]))
        if shown:
            middle = (column + width / 2, top + row + 0.5)
            axes.text(*middle, shown, parse_math=False, in_layout=False, **look)


def cells(text: str) -> Iterator[tuple[int, int, int, int]]:
    """Yield position in the text, row, column and width of each character.

    A word that does not fit opens a row, and so does the one behind white space that does not, which is left out.
    """
    row = column = 0
    for word in _WORDS.finditer(text):
        widths = [2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in word[0]]
        is_space = word[0].isspace()
        if not is_space and column and column + sum(widths) > COLUMNS >= sum(widths):
            row, column = row + 1, 0
        for position, width in enumerate(widths, start=word.start()):
            if column + width > COLUMNS:
                if is_space:
                    break
                row, column = row + 1, 0
            yield position, row, column, width
            column += width
        if word[0] == "\n":
            row, column = row + 1, 0
