"""Every cell from scratch equals the framework's layer: values and gradients, in float64."""

import pytest
import torch
from torch import Tensor

from anaphora.lab.scratch.cell import Cell, run_framework_layer
from anaphora.lab.scratch.elman import ElmanOneProduct, ElmanTwoProducts
from anaphora.lab.scratch.gru import GRU
from anaphora.lab.scratch.lstm import LSTMFourGates, LSTMOneProduct

CELLS = (ElmanTwoProducts, ElmanOneProduct, LSTMFourGates, LSTMOneProduct, GRU)
BATCH, TIME, INPUT, HIDDEN = 3, 7, 4, 5


def all_close(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_equals_the_frameworks_layer_in_values_and_gradients(kind: type[Cell]) -> None:
    torch.manual_seed(0)
    cell = kind(INPUT, HIDDEN).double()
    inputs = torch.randn(BATCH, TIME, INPUT, dtype=torch.float64, requires_grad=True)
    start = tuple(torch.randn_like(part).requires_grad_() for part in cell.initial_state(BATCH))
    direction = torch.randn(BATCH, TIME, HIDDEN, dtype=torch.float64)
    leaves = [*cell.parameters(), inputs, *start]
    results = []
    for run in (cell, lambda *arguments: run_framework_layer(cell, *arguments)):
        hidden, state = run(inputs, start)
        value = (hidden * direction).sum() + sum(part.square().sum() for part in state)
        results.append((hidden, state, torch.autograd.grad(value, leaves)))
    (hidden, state, gradients), (their_hidden, their_state, their_gradients) = results
    assert all_close(hidden, their_hidden)
    assert all(all_close(*pair) for pair in zip(state, their_state, strict=True))
    assert all(all_close(*pair) for pair in zip(gradients, their_gradients, strict=True))
    assert all(gradient.abs().max() > 0 for gradient in gradients)


@pytest.mark.parametrize("kind", CELLS)
def test_a_window_in_two_pieces_equals_the_whole(kind: type[Cell]) -> None:
    cell = kind(INPUT, HIDDEN)
    inputs = torch.randn(BATCH, TIME, INPUT)
    whole, _ = cell(inputs, cell.initial_state(BATCH))
    first, state = cell(inputs[:, :3], cell.initial_state(BATCH))
    second, _ = cell(inputs[:, 3:], state)
    assert torch.equal(whole, torch.cat([first, second], 1))
