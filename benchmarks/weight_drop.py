"""What weight dropout costs: a training step of AWD-LSTM's layers with it, without it, and of nn.LSTM itself.

One mask is drawn over the hidden-to-hidden matrix for each window, and the product of the two goes to the same kernel.
Sizes: the middle layer of AWD-LSTM, a smaller layer on words, and one on characters. The other LSTM-like cells,
which need a time loop, are listed for comparison.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from anaphora.models.cells.cell import Cell
from anaphora.models.cells.registry import CELLS
from benchmarks.harness import Figure, Options, Result, Row, parse_options, take_turns

CEILING = 1.1  # of the undropped layer's time


class Shape(NamedTuple):
    """Rows, steps and units of a layer that is as wide as its input."""

    batch_size: int
    seq_len: int
    hidden_size: int


SHAPES = {
    "AWD-LSTM's middle layer": Shape(20, 70, 1150),
    "words": Shape(20, 70, 400),
    "characters": Shape(64, 128, 512),
}
OTHERS = ("layernorm-lstm", "zoneout-lstm", "mogrifier")  # in the smallest shape


def rival(layer: Cell | nn.LSTM, inputs: Tensor) -> Callable[[], None]:
    """Return a training step of a layer, forward and backward."""

    def step() -> None:
        outputs, _ = layer(inputs, layer.initial_state(len(inputs))) if isinstance(layer, Cell) else layer(inputs)
        outputs.sum().backward()

    return step


def cell(name: str, hidden_size: int, **settings: Any) -> Cell:
    """Return a new cell whose input is as wide as its output."""
    made = CELLS[name](hidden_size, hidden_size, CELLS[name].config_class(name=name, **settings))
    made.reset_parameters()
    return made


def measure(label: str, options: Options, threads: int) -> list[Row]:
    """Let the layers of one shape take turns."""
    shape = SHAPES[label]
    inputs = torch.randn(shape.seq_len, shape.batch_size, shape.hidden_size, device=options.device).transpose(0, 1)
    layers: dict[str, Cell | nn.LSTM] = {
        "undropped": cell("awd-lstm", shape.hidden_size, dropout_weight=0.0),
        "weight dropout": cell("awd-lstm", shape.hidden_size, dropout_weight=0.5),
        "nn.LSTM": nn.LSTM(shape.hidden_size, shape.hidden_size, batch_first=True),
    }
    if label == "words":
        layers |= {name: cell(name, shape.hidden_size) for name in OTHERS}
    rivals = {
        f"{label}, {name}": rival(layer.to(options.device), inputs.clone().requires_grad_())
        for name, layer in layers.items()
    }
    return take_turns(rivals, options=options, threads=threads, units=inputs.shape[0] * inputs.shape[1], unit="tokens")


def main() -> None:
    """Measure each shape at each thread count."""
    options = parse_options(__doc__.splitlines()[0] if __doc__ else "", repetitions=7)
    result = Result(name="weight-drop", about="seconds for forward and backward of one layer over one window")
    for threads in options.threads:
        for label in SHAPES:
            rows = measure(label, options, threads)
            result.rows += rows
            # Minima: the machine's other work only ever adds time.
            undropped, dropped = min(rows[0].seconds), min(rows[1].seconds)
            name = f"{label}, {threads} thread{'s' if threads > 1 else ''}: dropped / undropped"
            result.figures.append(Figure(name=name, value=dropped / undropped, at_most=CEILING))
    result.publish(options)


if __name__ == "__main__":
    main()
