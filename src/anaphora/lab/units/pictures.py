"""Text coloured by what one unit does while it reads: a web page without scripts, and a picture.

Orange is the low end of what the unit does in this text, blue the high end; the character is coloured by the state
after it has been read. The page holds whatever the text holds, so everything is escaped and nothing can run.
"""

from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anaphora.lab.page import SHADES, markup, scale, signed, write_page
from anaphora.lab.plots import picture
from anaphora.lab.text_grid import COLUMNS, draw_text
from anaphora.lab.units.signals import TITLES, signal
from anaphora.lab.units.tracking import Tracking, Unit

_ROWS = 8  # of the text shown for a unit in a picture
_STYLE = "summary { cursor: pointer; }"


def write_units(tracking: Tracking, path: Path) -> None:
    """Write the whole text, once for each unit found or asked for, as one HTML file that needs nothing else."""
    read = f"{len(tracking.pieces):,} tokens" + ("" if tracking.whole else ", the beginning of the text")
    body = [
        f"<p>{tracking.num_units:,} units read {read}. Each character is coloured by the unit's value after it:"
        f" {scale('low', 'high')} of the range that the unit has in this text."
        " <i>r</i> is the correlation of the unit with the signal: 1 or −1 is perfect, 0 is none.</p>",
    ]
    for finding in tracking.findings:
        body.append(f"<h2>{TITLES[finding.signal].capitalize()}</h2>")
        if not finding.units:
            body.append("<p>This never changes in the text.</p>")
        for place, tracked in enumerate(finding.units):
            caption = f"{tracked.unit}, <i>r</i> = {signed(tracked.correlation)}"
            body.append(_section(tracking, tracked.unit, caption, is_open=place == 0))
    if tracking.shown:
        body.append("<h2>Chosen units</h2>")
        body += [_section(tracking, unit, str(unit), is_open=True) for unit in tracking.shown]
    write_page(path, f"Units of {tracking.model}", "\n".join(body), style=_STYLE)


def plot_units(tracking: Tracking, path: Path) -> None:
    """Draw the best unit for each signal, and the units asked for, on a passage; PNG or SVG by the suffix of `path`.

    The passage is the one in which the signal changes most.

    Raises:
        ConfigError: another suffix, or matplotlib is not installed.
    """
    strips: list[tuple[str, Unit, int]] = []
    for finding in tracking.findings:
        for tracked in finding.units[:1]:
            caption = f"{TITLES[finding.signal]}: {tracked.unit}, r = {signed(tracked.correlation)}"
            strips.append((caption, tracked.unit, _liveliest_line(tracking.text, finding.signal)))
    strips += [(str(unit), unit, 0) for unit in tracking.shown]
    rows = max(1, len(strips)) * (_ROWS + 2)
    with picture(path, size=(COLUMNS * 0.1, rows * 0.2)) as (axes,):
        axes.set_axis_off()
        axes.set(xlim=(0, COLUMNS), ylim=(rows, 0))
        if not strips:
            axes.text(0, 1, "No signal changes in this text.")
        for number, (caption, unit, start) in enumerate(strips):
            top = number * (_ROWS + 2)
            axes.text(0, top + 0.6, caption, fontweight="bold", va="center", parse_math=False)
            lengths = [len(piece) for piece in tracking.pieces]
            shades = np.repeat(shades_of(tracking.activations[unit]), lengths)[start:].tolist()
            draw_text(axes, tracking.text[start:], shades, top=top + 1, rows=_ROWS)


def shades_of(activations: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the shade (T,), 0 for the lowest to 16 for the highest, of activations (T,).

    The ends of the scale are the 1st and 99th percentile, so that one extreme does not bleach the rest.
    """
    low, high = np.percentile(activations, [1, 99])
    middle, reach = (low + high) / 2, max((high - low) / 2, 1e-12)
    shades: NDArray[np.int64] = np.rint((np.clip((activations - middle) / reach, -1, 1) + 1) / 2 * (SHADES - 1)).astype(
        np.int64
    )
    return shades


def _section(tracking: Tracking, unit: Unit, caption: str, *, is_open: bool) -> str:
    shades = shades_of(tracking.activations[unit]).tolist()
    spans = (
        f"<span class=u{shade}>{_marked(''.join(piece for piece, _ in run))}</span>"
        for shade, run in groupby(zip(tracking.pieces, shades, strict=True), key=lambda pair: pair[1])
    )
    return f"<details{' open' if is_open else ''}><summary>{caption}</summary>\n<pre>\n{''.join(spans)}</pre></details>"


def _marked(text: str) -> str:
    return markup(text).replace("\n", "↵\n")


def _liveliest_line(text: str, name: str) -> int:
    """Return where the line begins from which a passage of the picture's size shows most change of a signal."""
    values = signal(name, text)
    starts = np.array([0, *(at + 1 for at, char in enumerate(text[:-1]) if char == "\n")])
    ends = np.minimum(starts + _ROWS * COLUMNS // 2, len(text))
    sums, squares = (np.concatenate([[0.0], np.cumsum(part)]) for part in (values, values**2))
    counts = ends - starts
    variances = (squares[ends] - squares[starts]) / counts - ((sums[ends] - sums[starts]) / counts) ** 2
    return int(starts[np.argmax(variances * counts)])
