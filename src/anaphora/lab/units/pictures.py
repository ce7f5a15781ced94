"""Text coloured by what one unit does while it reads: a web page without scripts, and a picture.

Orange is the low end of what the unit does in this text, blue the high end; the character is coloured by the state
after it has been read. The page holds whatever the text holds, so everything is escaped and nothing can run.
"""

import unicodedata
import warnings
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anaphora.files import atomic_write
from anaphora.lab.plots import COLOURS, picture
from anaphora.lab.units.signals import TITLES, signal
from anaphora.lab.units.tracking import Tracking, Unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHADES = 17  # odd, so that the middle one is white
_STRENGTH = 0.75  # of the strongest shade: black letters must stay readable on it
_ROWS, _COLUMNS = 8, 88  # of the text shown for a unit in a picture
_CJK_FONTS = ("Noto Sans Mono CJK SC", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Microsoft YaHei", "PingFang SC")

_PAGE = """\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #111; background: #fff; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }}
pre {{ font: 14px/1.6 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  border: 1px solid #ddd; padding: .75rem; max-height: 32rem; overflow-y: auto; }}
summary {{ cursor: pointer; }}
.scale {{ white-space: nowrap; }}
.scale i {{ display: inline-block; width: 1rem; height: 1rem; vertical-align: middle; }}
{shades}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def write_page(tracking: Tracking, path: Path) -> None:
    """Write the whole text, once for each unit found or asked for, as one HTML file that needs nothing else."""
    read = f"{len(tracking.pieces):,} tokens" + ("" if tracking.whole else ", the beginning of the text")
    scale = "".join(f"<i class=u{shade}></i>" for shade in range(_SHADES))
    body = [
        f"<p>{tracking.num_units:,} units read {read}. Each character is coloured by the unit's value after it:"
        f' <span class="scale">low {scale} high</span> of the range that the unit has in this text.'
        " <i>r</i> is the correlation of the unit with the signal: 1 or −1 is perfect, 0 is none.</p>",
    ]
    for finding in tracking.findings:
        body.append(f"<h2>{TITLES[finding.signal].capitalize()}</h2>")
        if not finding.units:
            body.append("<p>This never changes in the text.</p>")
        for place, tracked in enumerate(finding.units):
            caption = f"{tracked.unit}, <i>r</i> = {_signed(tracked.correlation)}"
            body.append(_section(tracking, tracked.unit, caption, is_open=place == 0))
    if tracking.shown:
        body.append("<h2>Chosen units</h2>")
        body += [_section(tracking, unit, str(unit), is_open=True) for unit in tracking.shown]
    shades = "\n".join(f".u{shade} {{ background: {_colour(shade)}; }}" for shade in range(_SHADES))
    page = _PAGE.format(title=escape(f"Units of {tracking.model}"), shades=shades, body="\n".join(body))
    with atomic_write(path) as file:
        file.write(page.encode("utf-8", "replace"))


def plot_units(tracking: Tracking, path: Path) -> None:
    """Draw the best unit for each signal, and the units asked for, on a passage; PNG or SVG by the suffix of `path`.

    The passage is the one in which the signal changes most. Chinese, Japanese and Korean need a font with their
    characters on the machine (fonts-noto-cjk); without one, boxes stand for them.

    Raises:
        ConfigError: another suffix, or matplotlib is not installed.
    """
    strips: list[tuple[str, Unit, int]] = []
    for finding in tracking.findings:
        for tracked in finding.units[:1]:
            caption = f"{TITLES[finding.signal]}: {tracked.unit}, r = {_signed(tracked.correlation)}"
            strips.append((caption, tracked.unit, _liveliest_line(tracking.text, finding.signal)))
    strips += [(str(unit), unit, 0) for unit in tracking.shown]
    rows = max(1, len(strips)) * (_ROWS + 2)
    with warnings.catch_warnings(), picture(path, size=(_COLUMNS * 0.1, rows * 0.2)) as (axes,):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        axes.set_axis_off()
        axes.set(xlim=(0, _COLUMNS), ylim=(rows, 0))
        if not strips:
            axes.text(0, 1, "No signal changes in this text.")
        fonts = _fonts()
        for number, (caption, unit, start) in enumerate(strips):
            top = number * (_ROWS + 2)
            axes.text(0, top + 0.6, caption, fontweight="bold", va="center", parse_math=False)
            _draw_text(axes, tracking, unit, start, top + 1, fonts)


def shades_of(activations: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the shade (T,), 0 for the lowest to 16 for the highest, of activations (T,).

    The ends of the scale are the 1st and 99th percentile, so that one extreme does not bleach the rest.
    """
    low, high = np.percentile(activations, [1, 99])
    middle, reach = (low + high) / 2, max((high - low) / 2, 1e-12)
    shades: NDArray[np.int64] = np.rint(
        (np.clip((activations - middle) / reach, -1, 1) + 1) / 2 * (_SHADES - 1)
    ).astype(np.int64)
    return shades


def _section(tracking: Tracking, unit: Unit, caption: str, *, is_open: bool) -> str:
    shades = shades_of(tracking.activations[unit]).tolist()
    spans = (
        f"<span class=u{shade}>{_markup(''.join(piece for piece, _ in run))}</span>"
        for shade, run in groupby(zip(tracking.pieces, shades, strict=True), key=lambda pair: pair[1])
    )
    return f"<details{' open' if is_open else ''}><summary>{caption}</summary>\n<pre>\n{''.join(spans)}</pre></details>"


def _markup(text: str) -> str:
    return escape("".join(map(_visible, text))).replace("\n", "↵\n")


def _visible(char: str) -> str:
    """Return a character as it can be shown: what a page or a picture cannot hold becomes a sign for it."""
    code = ord(char)
    if char in "\n\t":
        return char
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode's pictures of the control characters
    return "\ufffd" if unicodedata.category(char) in ("Cc", "Cs") else char


def _signed(correlation: float) -> str:
    return f"{correlation:+.2f}".replace("-", "−")


def _colour(shade: int) -> str:
    """Mix white with the colour of one end."""
    position = shade / (_SHADES - 1) * 2 - 1
    end = COLOURS[0] if position > 0 else COLOURS[1]
    parts = (int(end[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * abs(position) * _STRENGTH):02x}" for part in parts)


def _liveliest_line(text: str, name: str) -> int:
    """Return where the line begins from which a passage of the picture's size shows most change of a signal."""
    values = signal(name, text)
    starts = np.array([0, *(at + 1 for at, char in enumerate(text[:-1]) if char == "\n")])
    ends = np.minimum(starts + _ROWS * _COLUMNS // 2, len(text))
    sums, squares = (np.concatenate([[0.0], np.cumsum(part)]) for part in (values, values**2))
    counts = ends - starts
    variances = (squares[ends] - squares[starts]) / counts - ((sums[ends] - sums[starts]) / counts) ** 2
    return int(starts[np.argmax(variances * counts)])


def _draw_text(axes: "Axes", tracking: Tracking, unit: Unit, start: int, top: int, fonts: list[str]) -> None:
    from matplotlib.patches import Rectangle

    by_character = np.repeat(shades_of(tracking.activations[unit]), [len(piece) for piece in tracking.pieces])
    for position, row, column, width in _cells(tracking.text, start):
        colour = _colour(by_character[position])
        axes.add_patch(Rectangle((column, top + row), width, 1, facecolor=colour, linewidth=0, in_layout=False))
        shown = {" ": "", "\n": "↵", "\t": "→"}.get(tracking.text[position], _visible(tracking.text[position]))
        if shown:
            middle = (column + width / 2, top + row + 0.5)
            look: dict[str, Any] = {"ha": "center", "va": "center", "fontfamily": fonts, "fontsize": 9}
            axes.text(*middle, shown, parse_math=False, in_layout=False, **look)


def _cells(text: str, start: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield position in the text, row, column and width of each character of a passage, lines folded."""
    row = column = 0
    for position in range(start, len(text)):
        width = 2 if unicodedata.east_asian_width(text[position]) in "WF" else 1
        if column + width > _COLUMNS:
            row, column = row + 1, 0
        if row == _ROWS:
            return
        yield position, row, column, width
        column += width
        if text[position] == "\n":
            row, column = row + 1, 0
            if row == _ROWS:
                return


def _fonts() -> list[str]:
    """Return the fonts to draw text with, in order of trial: the one that comes with matplotlib, then one for CJK."""
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans Mono", *[font for font in _CJK_FONTS if font in installed][:1]]
