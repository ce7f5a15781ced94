"""Elman, LSTM and GRU layers over whole rows of unequal length, in both directions or in one.

A row is padded on its right, and padding never changes a result: the layers that read forwards meet it after all that
counts, and those that read backwards get each row reversed within its true length. So the framework's layers see whole
windows, which keeps them on their fast path; `pack_padded_sequence` would take them off it on a CPU.

Graves and Schmidhuber 2005. Shapes: B batch, T time, I input, H hidden units of one direction, W = H or 2H.
"""

from collections.abc import Callable
from itertools import chain
from typing import Literal, cast

import torch
from torch import Tensor, nn

CellName = Literal["elman", "lstm", "gru"]

_LAYERS: dict[CellName, Callable[..., nn.RNNBase]] = {"elman": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class BidirectionalLayers(nn.Module):
    """Layer upon layer; each reads what all directions of the one below say.

    Args:
        cell: of which kind.
        input_size: I.
        hidden_size: H.
        num_layers: how many.
        bidirectional: read backwards too; else forwards only.
        dropout: between layers.
    """

    def __init__(
        self,
        cell: CellName,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bidirectional: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.cell, self.hidden_size = cell, hidden_size
        self.width = 2 * hidden_size if bidirectional else hidden_size
        sizes = [input_size, *[self.width] * (num_layers - 1)]
        make = _LAYERS[cell]
        self.forwards = nn.ModuleList(make(size, hidden_size, batch_first=True) for size in sizes)
        self.backwards = nn.ModuleList(
            make(size, hidden_size, batch_first=True) for size in sizes[: bidirectional * num_layers]
        )
        self.dropout = nn.Dropout(dropout)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew from torch's generator; an LSTM's forget gates start at 1 (Jozefowicz et al. 2015)."""
        for layer in self._layers():
            layer.reset_parameters()
            if self.cell == "lstm":
                weights, forget = dict(layer.named_parameters()), slice(self.hidden_size, 2 * self.hidden_size)
                weights["bias_ih_l0"].data[forget] = 1.0
                weights["bias_hh_l0"].data[forget] = 0.0

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Read inputs (B, T, I), each row of so many steps (B,), int64; return what the last layer says, (B, T, W).

        What stands beyond a row's length means nothing.
        """
        mirror = reversal(lengths, inputs.shape[1]) if len(self.backwards) else None
        hidden, layers = inputs, self._layers()
        for number in range(len(self.forwards)):
            below = self.dropout(hidden) if number else hidden
            hidden, _ = layers[number](below)
            if mirror is not None:
                backwards, _ = layers[len(self.forwards) + number](mirrored(below, mirror))
                hidden = torch.cat((hidden, mirrored(backwards, mirror)), -1)
        return hidden

    def last(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """Return what each direction says at its end, (B, W), given `hidden` (B, T, W) of rows of these lengths (B,).

        That is the last step forwards, and backwards the first.
        """
        ends = hidden[torch.arange(len(hidden), device=hidden.device), lengths - 1]
        return torch.cat((ends[:, : self.hidden_size], hidden[:, 0, self.hidden_size :]), -1)

    def layer_weights(self) -> list[list[nn.Parameter]]:
        """Return the weights of each layer, both directions, from the lowest up."""
        layers, count = self._layers(), len(self.forwards)
        return [[w for layer in layers[number::count] for w in layer.parameters()] for number in range(count)]

    def matrices(self) -> list[tuple[nn.Parameter, int]]:
        """Return each matrix, and how many gates are stacked in it."""
        return [(weight, len(weight) // self.hidden_size) for weight in self.parameters() if weight.ndim == 2]

    def _layers(self) -> list[nn.RNNBase]:
        """Return the layers as what they are: those that read forwards, from the lowest up, then the others."""
        return [cast(nn.RNNBase, layer) for layer in chain(self.forwards, self.backwards)]


def reversal(lengths: Tensor, width: int) -> Tensor:
    """Return the places (B, T) from which rows of these lengths (B,) are read backwards; padding stays where it is."""
    places = torch.arange(width, device=lengths.device)
    backwards = lengths.unsqueeze(1) - 1 - places
    return torch.where(backwards >= 0, backwards, places)


def mirrored(rows: Tensor, places: Tensor) -> Tensor:
    """Return rows (B, T, N) with the steps at these places (B, T)."""
    return rows.gather(1, places.unsqueeze(-1).expand(-1, -1, rows.shape[-1]))
