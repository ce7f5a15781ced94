"""Both directions against the framework's own bidirectional layers, and padding that must not matter."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from anaphora.models.layers.bidirectional import BidirectionalLayers, CellName, reversal

B, T, E, H = 4, 7, 3, 5
LENGTHS = torch.tensor([7, 1, 4, 6])

FRAMEWORK: dict[CellName, Any] = {"elman": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def layers(cell: CellName = "lstm", num_layers: int = 2, *, bidirectional: bool = True) -> BidirectionalLayers:
    torch.manual_seed(4)
    return BidirectionalLayers(cell, E, H, num_layers, bidirectional=bidirectional)


def inputs() -> Tensor:
    return torch.randn(B, T, E, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("cell", FRAMEWORK)
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_as_the_framework_on_packed_rows(cell: CellName, num_layers: int, bidirectional: bool) -> None:
    ours = layers(cell, num_layers, bidirectional=bidirectional)
    theirs = FRAMEWORK[cell](E, H, num_layers, batch_first=True, bidirectional=bidirectional)
    for number, layer in enumerate(ours.forwards):
        for name, weight in layer.named_parameters():
            getattr(theirs, name.replace("l0", f"l{number}")).data.copy_(weight.data)
    for number, layer in enumerate(ours.backwards):
        for name, weight in layer.named_parameters():
            getattr(theirs, name.replace("l0", f"l{number}_reverse")).data.copy_(weight.data)
    found = ours(inputs(), LENGTHS)
    packed, last = theirs(pack_padded_sequence(inputs(), LENGTHS, batch_first=True, enforce_sorted=False))
    wanted, _ = pad_packed_sequence(packed, batch_first=True)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(found[row, :length], wanted[row, :length])
    h = last[0] if isinstance(last, tuple) else last
    torch.testing.assert_close(ours.last(found, LENGTHS), torch.cat(list(h[-2:] if bidirectional else h[-1:]), -1))


@pytest.mark.parametrize("bidirectional", [True, False])
def test_padding_changes_nothing(bidirectional: bool) -> None:
    net = layers(bidirectional=bidirectional)
    rows = inputs()
    noisy = torch.where(torch.arange(T).view(1, T, 1) < LENGTHS.view(B, 1, 1), rows, torch.randn(B, T, E))
    longer = torch.cat((noisy, torch.randn(B, 3, E)), 1)
    one, other = net(rows, LENGTHS), net(longer, LENGTHS)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(one[row, :length], other[row, :length])
        torch.testing.assert_close(one[row, :length], net(rows[row : row + 1, :length], LENGTHS[row : row + 1])[0])
    torch.testing.assert_close(net.last(one, LENGTHS), net.last(other, LENGTHS))


def test_rows_are_reversed_within_their_length() -> None:
    assert reversal(torch.tensor([3, 1, 4]), 4).tolist() == [[2, 1, 0, 3], [0, 1, 2, 3], [3, 2, 1, 0]]


def test_every_weight_belongs_to_a_layer() -> None:
    net = layers(num_layers=3)
    grouped = [weight for layer in net.layer_weights() for weight in layer]
    assert sorted(map(id, grouped)) == sorted(map(id, net.parameters()))
    assert {gates for _, gates in net.matrices()} == {4}
