"""A pencil for diagrams: boxes, circles, wires and labels, written as SVG text. No dependency.

Lengths are in pixels, y grows downwards. In labels, "h_{t-1}" and "W_x" are set with a subscript.
"""

import re
from html import escape

FONT = "DejaVu Sans, Verdana, sans-serif"
INK, WIRE, PAPER = "#222222", "#444444", "#FFFFFF"

_SUBSCRIPT = re.compile(r"_(\{[^}]*\}|\w+)")
_SMALL = 0.72  # a subscript, to its letter
_NARROW, _WIDE = 0.4, 0.66  # rough widths of characters, to their size


class Drawing:
    """A drawing of a given width and height, with the title that a screen reader says."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width = width
        self.height = height
        self.title = title
        self._panels: list[str] = []
        self._wires: list[str] = []
        self._shapes: list[str] = []

    def panel(self, left: float, top: float, right: float, bottom: float, *, fill: str) -> None:
        """Draw a box that lies under all wires."""
        self._panels.append(_rectangle(left, top, right - left, bottom - top, fill))

    def box(self, x: float, y: float, width: float, height: float, label: str, *, fill: str) -> None:
        """Draw a box with its middle at (x, y)."""
        self._shapes.append(_rectangle(x - width / 2, y - height / 2, width, height, fill))
        self.label(x, y + 5, label)

    def circle(self, x: float, y: float, label: str) -> None:
        """Draw an operation on each element."""
        self._shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="12" fill="#FFF3D6" stroke="{INK}" stroke-width="1.2"/>')
        self.label(x, y + 5, label)

    def wire(self, *points: tuple[float, float], arrow: bool = True, colour: str = WIRE) -> None:
        """Draw a line through the points, with a head at its end."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        head = ' marker-end="url(#head)"' if arrow else ""
        self._wires.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{head}/>')

    def joint(self, x: float, y: float) -> None:
        """Draw the dot where a wire forks; wires that cross without a dot do not touch."""
        self._shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="3.2" fill="{WIRE}"/>')

    def label(self, x: float, y: float, text: str, *, size: int = 14, centred: bool = True, bold: bool = False) -> None:
        """Write `text` around x, or from x on, with its baseline at y."""
        style = ' font-weight="bold"' if bold else ""
        if centred and "_" in text:  # some viewers would centre each part of such a label by itself
            x -= _text_width(text, size) / 2
        elif centred:
            style += ' text-anchor="middle"'
        self._shapes.append(f'<text x="{x:g}" y="{y:g}" font-size="{size}"{style}>{_spans(text, size)}</text>')

    def to_svg(self) -> str:
        """Return the whole file; wires lie under shapes, panels under both."""
        head = '<path d="M0,0 L8,4 L0,8 z" fill="#444444"/>'
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}"'
            f' viewBox="0 0 {self.width} {self.height}" font-family="{FONT}" fill="{INK}" role="img">',
            f"<title>{escape(self.title)}</title>",
            f'<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto"'
            f' markerUnits="userSpaceOnUse">{head}</marker></defs>',
            f'<rect width="{self.width}" height="{self.height}" fill="{PAPER}"/>',
            *self._panels,
            *self._wires,
            *self._shapes,
            "</svg>",
        ]
        return "\n".join(parts) + "\n"


def _rectangle(left: float, top: float, width: float, height: float, fill: str) -> str:
    return (
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="6"'
        f' fill="{fill}" stroke="{INK}" stroke-width="1.2"/>'
    )


def _text_width(text: str, size: int) -> float:
    """Estimate how wide a label is, in pixels."""
    units = 0.0
    for index, part in enumerate(_SUBSCRIPT.split(text)):
        widths = sum(_NARROW if character in " ()[],.;:ilt1" else _WIDE for character in part.strip("{}"))
        units += widths * (_SMALL if index % 2 else 1)
    return units * size


def _spans(text: str, size: int) -> str:
    """Return text with its subscripts lowered, what follows one raised again, and double spaces kept."""
    spans, raise_by = [], 0
    for index, part in enumerate(_SUBSCRIPT.split(text.replace("  ", "\u00a0\u00a0"))):
        if index % 2:
            spans.append(f'<tspan dy="4" font-size="{size * _SMALL:g}">{escape(part.strip("{}"))}</tspan>')
            raise_by = 4
        elif part:
            shift = f' dy="-{raise_by}"' if raise_by else ""
            spans.append(f"<tspan{shift}>{escape(part)}</tspan>")
            raise_by = 0
    return "".join(spans)
