"""The picture of a cell unrolled over three tokens: the middle one open, every wire and weight with its shape, as SVG.

The three boxes are one cell with one set of weights, used again and again. Shapes: B batch, E embedding, H hidden.
"""

from collections.abc import Callable
from dataclasses import dataclass

from anaphora.errors import ConfigError
from anaphora.lab.svg import Drawing
from anaphora.settings import did_you_mean

_WIDTH = 880
_TOP, _BOTTOM = 110, 350  # of the three boxes
_LEFT, _MIDDLE, _RIGHT = (70, 170), (245, 645), (720, 820)
_OUT = 612  # where h_t leaves upwards
_INPUT_AT = 285  # where x_t comes in
_PLAIN, _GATE, _NEW, _OPEN, _CLOSED = "#FFFFFF", "#DCEBF7", "#DDF2E9", "#FBFBFB", "#F0F0F0"


@dataclass(frozen=True)
class _Cell:
    """How one cell is drawn: its state wires by name and height, its inside, and what is written below."""

    title: str
    wires: dict[str, float]
    inside: Callable[[Drawing], None]
    equations: tuple[str, ...]
    weights: str


def unroll(
    cell: str, *, batch_size: int | None = None, input_dim: int | None = None, hidden_size: int | None = None
) -> str:
    """Return the picture of "elman", "gru" or "lstm" as SVG text; sizes that are not given appear as letters.

    Raises:
        ConfigError: no cell has this name.
    """
    if cell not in _CELLS:
        raise ConfigError(f"there is no cell {cell!r}: it is one of {', '.join(_CELLS)}{did_you_mean(cell, [*_CELLS])}")
    chosen = _CELLS[cell]
    b, e, h = batch_size or "B", input_dim or "E", hidden_size or "H"
    drawing = Drawing(_WIDTH, _BOTTOM + 118 + 24 * len(chosen.equations), f"{chosen.title}, unrolled over three tokens")
    drawing.label(_LEFT[0], 34, drawing.title, size=17, centred=False, bold=True)
    _draw_boxes(drawing)
    _draw_states(drawing, chosen.wires, f"({b}, {h})")
    _draw_inputs_and_outputs(drawing, chosen.wires["h"], f"({b}, {e})", f"({b}, {h})")
    chosen.inside(drawing)
    for line, text in enumerate(chosen.equations):
        drawing.label(_LEFT[0], _BOTTOM + 92 + 24 * line, text, centred=False)
    weights = chosen.weights.format(E=e, H=h, H3=_times(3, h), H4=_times(4, h))
    drawing.label(_LEFT[0], _BOTTOM + 96 + 24 * len(chosen.equations), weights, size=13, centred=False)
    return drawing.to_svg()


def _times(factor: int, size: int | str) -> str:
    return str(factor * size) if isinstance(size, int) else f"{factor}{size}"


def _draw_boxes(drawing: Drawing) -> None:
    middle = (_TOP + _BOTTOM) / 2
    for (left, right), fill in ((_LEFT, _CLOSED), (_MIDDLE, _OPEN), (_RIGHT, _CLOSED)):
        drawing.panel(left, _TOP, right, _BOTTOM, fill=fill)
    for left, right in (_LEFT, _RIGHT):
        drawing.label((left + right) / 2, middle, "same cell,", size=13)
        drawing.label((left + right) / 2, middle + 18, "same weights", size=13)


def _draw_states(drawing: Drawing, wires: dict[str, float], shape: str) -> None:
    """Draw the wires from token to token."""
    gaps = ((10, _LEFT[0], "t−2"), (_LEFT[1], _MIDDLE[0], "t−1"), (_MIDDLE[1], _RIGHT[0], "t"), (_RIGHT[1], 872, "t+1"))
    for name, y in wires.items():
        for start, end, time in gaps:
            drawing.wire((start, y), (end, y))
            drawing.label((start + end) / 2, y - 9, f"{name}_{{{time}}}", size=13)
            drawing.label((start + end) / 2, y + 18, shape, size=11)


def _draw_inputs_and_outputs(drawing: Drawing, h_wire: float, input_shape: str, output_shape: str) -> None:
    for (left, right), time in ((_LEFT, "t−1"), (_MIDDLE, "t"), (_RIGHT, "t+1")):
        is_open = (left, right) == _MIDDLE
        x_in, x_out = (_INPUT_AT, _OUT) if is_open else ((left + right) / 2, (left + right) / 2)
        drawing.wire((x_in, _BOTTOM + 32), (x_in, _BOTTOM), arrow=not is_open)
        drawing.label(x_in, _BOTTOM + 50, f"x_{{{time}}}  {input_shape}", size=13)
        drawing.wire((x_out, h_wire if is_open else _TOP), (x_out, _TOP - 32))
        drawing.label(x_out, _TOP - 40, f"h_{{{time}}}  {output_shape}", size=13)
    drawing.joint(_OUT, h_wire)


def _elman(drawing: Drawing) -> None:
    y = 200
    drawing.wire((_MIDDLE[0], y), (420 - 12, y))
    drawing.wire((_INPUT_AT, _BOTTOM), (_INPUT_AT, 290), (420, 290), (420, y + 12))
    drawing.wire((420, 150), (420, y - 12))
    drawing.wire((432, y), (485, y))
    drawing.wire((545, y), (_MIDDLE[1], y), arrow=False)
    drawing.box(335, y, 64, 30, "W_hh", fill=_GATE)
    drawing.box(335, 290, 64, 30, "W_xh", fill=_GATE)
    drawing.circle(420, y, "+")
    drawing.label(420, 142, "b_h")
    drawing.box(515, y, 60, 30, "tanh", fill=_NEW)


def _gate(drawing: Drawing, x: float, name: str, h_line: float, x_line: float, *, fill: str = _GATE) -> None:
    """Draw a gate at x, fed from the wires of h and x that run below it."""
    drawing.wire((x - 9, h_line), (x - 9, 283))
    drawing.wire((x + 9, x_line), (x + 9, 283))
    drawing.joint(x - 9, h_line)
    drawing.joint(x + 9, x_line)
    drawing.box(x, 268, 42, 30, name, fill=fill)


def _lstm(drawing: Drawing) -> None:
    c, h, x = 150, 310, 332
    forget, write, new, show, end = 320, 385, 450, 510, 570
    drawing.wire((_MIDDLE[0], h), (show - 9, h), arrow=False)
    drawing.wire((_INPUT_AT, _BOTTOM), (_INPUT_AT, x), (show + 9, x), arrow=False)
    for at, name, fill in ((forget, "f", _GATE), (write, "i", _GATE), (new, "g", _NEW), (show, "o", _GATE)):
        _gate(drawing, at, name, h, x, fill=fill)
    drawing.wire((_MIDDLE[0], c), (forget - 12, c))
    drawing.wire((forget, 253), (forget, c + 12))
    drawing.circle(forget, c, "×")
    drawing.wire((forget + 12, c), (new - 12, c))
    drawing.wire((new, 253), (new, 222))
    drawing.wire((write, 253), (write, 210), (new - 12, 210))
    drawing.circle(new, 210, "×")
    drawing.wire((new, 198), (new, c + 12))
    drawing.circle(new, c, "+")
    drawing.wire((new + 12, c), (_MIDDLE[1], c), arrow=False)
    drawing.joint(end, c)
    drawing.wire((end, c), (end, 190))
    drawing.box(end, 205, 48, 30, "tanh", fill=_NEW)
    drawing.wire((end, 220), (end, 256))
    drawing.wire((show + 21, 268), (end - 12, 268))
    drawing.circle(end, 268, "×")
    drawing.wire((end, 280), (end, h), (_MIDDLE[1], h), arrow=False)


def _gru(drawing: Drawing) -> None:
    top, h, x = 150, 310, 332
    reset, update, new = 355, 430, 545
    drawing.wire((_MIDDLE[0], top), (update - 12, top))
    drawing.joint(265, top)
    drawing.wire((265, top), (265, h), (update - 9, h), arrow=False)
    drawing.wire((_INPUT_AT, _BOTTOM), (_INPUT_AT, x), (new, x), (new, 283))
    _gate(drawing, reset, "r", h, x)
    _gate(drawing, update, "z", h, x)
    drawing.joint(265, 222)
    drawing.wire((265, 222), (reset - 12, 222))
    drawing.wire((reset, 253), (reset, 234))
    drawing.box(303, 222, 48, 26, "W_hn", fill=_GATE)
    drawing.circle(reset, 222, "×")
    drawing.wire((reset + 12, 222), (475, 222), (475, 268), (new - 21, 268))
    drawing.box(new, 268, 42, 30, "n", fill=_NEW)
    drawing.wire((update, 253), (update, top + 12))
    drawing.circle(update, top, "×")
    drawing.joint(update, 186)
    drawing.wire((update, 186), (472, 186))
    drawing.box(490, 186, 36, 24, "1−z", fill=_PLAIN)
    drawing.wire((508, 186), (new - 12, 186))
    drawing.wire((new, 253), (new, 198))
    drawing.circle(new, 186, "×")
    drawing.wire((new, 174), (new, top + 12))
    drawing.wire((update + 12, top), (new - 12, top))
    drawing.circle(new, top, "+")
    drawing.wire((new + 12, top), (_MIDDLE[1], top), arrow=False)


_CELLS = {
    "elman": _Cell(
        title="Elman",
        wires={"h": 200},
        inside=_elman,
        equations=("h_t = tanh(x_t W_xh + h_{t−1} W_hh + b_h)",),
        weights="W_xh ({E}, {H})   W_hh ({H}, {H})   b_h ({H})",
    ),
    "gru": _Cell(
        title="GRU",
        wires={"h": 150},
        inside=_gru,
        equations=(
            "reset    r = σ(x_t W_xr + h_{t−1} W_hr + b_r)",
            "update   z = σ(x_t W_xz + h_{t−1} W_hz + b_z)",
            "new      n = tanh(x_t W_xn + b_xn + r × (h_{t−1} W_hn + b_hn))",
            "h_t = (1 − z) × n + z × h_{t−1}",
        ),
        weights="each W_x ({E}, {H}), W_h ({H}, {H}), b ({H}); side by side ({E}, {H3}), ({H}, {H3}), ({H3})",
    ),
    "lstm": _Cell(
        title="LSTM",
        wires={"c": 150, "h": 310},
        inside=_lstm,
        equations=(
            "forget f, write i, show o:   σ(x_t W_x + h_{t−1} W_h + b), each with weights of its own",
            "new   g = tanh(x_t W_xg + h_{t−1} W_hg + b_g)",
            "c_t = f × c_{t−1} + i × g        h_t = o × tanh(c_t)",
        ),
        weights="each W_x ({E}, {H}), W_h ({H}, {H}), b ({H}); side by side ({E}, {H4}), ({H}, {H4}), ({H4})",
    ),
}
