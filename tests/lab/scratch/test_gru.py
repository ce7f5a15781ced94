"""The GRU cell: its gates do what they are named for. Equality with nn.GRU is in test_cell.py."""

import torch

from anaphora.lab.scratch.gru import GRU


def test_an_update_gate_at_one_keeps_the_state() -> None:
    cell = GRU(3, 4)
    with torch.no_grad():
        cell.b_z.fill_(30.0)
    start = torch.randn(2, 4)
    _, (end,) = cell(torch.randn(2, 50, 3), (start,))
    assert torch.allclose(end, start, atol=1e-5)


def test_shut_gates_forget_the_state() -> None:
    cell = GRU(3, 4)
    with torch.no_grad():
        cell.b_z.fill_(-30.0)
        cell.b_r.fill_(-30.0)
    inputs = torch.randn(2, 1, 3)
    one, _ = cell(inputs, (torch.randn(2, 4),))
    other, _ = cell(inputs, (torch.randn(2, 4),))
    assert torch.allclose(one, other, atol=1e-5)
