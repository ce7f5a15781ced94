"""The Elman cell: its two forms are one, and the textbook's forward pass by hand."""

import torch
from torch import nn

from anaphora.lab.scratch.elman import ElmanOneProduct, ElmanTwoProducts


def test_joining_inputs_and_stacking_weights_gives_the_same_product() -> None:
    two = ElmanTwoProducts(4, 3).double()
    one = ElmanOneProduct(4, 3).double()
    with torch.no_grad():
        one.w.copy_(torch.cat([two.w_xh, two.w_hh]))
        one.b.copy_(two.b_h)
    inputs = torch.randn(2, 6, 4, dtype=torch.float64)
    hidden, _ = two(inputs, two.initial_state(2))
    joined, _ = one(inputs, one.initial_state(2))
    assert torch.allclose(hidden, joined, rtol=0, atol=1e-12)


def test_rows_of_ones_twos_and_threes_by_hand() -> None:
    """Textbook system D: three tokens, five inputs, two hidden units, against nn.RNN's own weights and biases."""
    layer = nn.RNN(5, 2, batch_first=True)
    cell = ElmanTwoProducts(5, 2)
    with torch.no_grad():
        weights = layer.state_dict()
        cell.w_xh.copy_(weights["weight_ih_l0"].T)
        cell.w_hh.copy_(weights["weight_hh_l0"].T)
        cell.b_h.copy_(weights["bias_ih_l0"] + weights["bias_hh_l0"])
    rows = torch.tensor([[1.0] * 5, [2.0] * 5, [3.0] * 5]).unsqueeze(0)
    by_hand, _ = cell(rows, cell.initial_state(1))
    theirs, _ = layer(rows)
    assert torch.allclose(by_hand, theirs, rtol=0, atol=1e-6)
