"""What the tests of the cells share: a small cell in float64, a window for it, and a state that is not zero."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from anaphora.models.cells.cell import Cell
from anaphora.models.cells.registry import CELLS

B, T, E, H = 3, 5, 4, 6

MakeCell = Callable[..., Any]


@pytest.fixture(name="make")
def _make() -> MakeCell:
    def make(name: str, **settings: Any) -> Cell:
        torch.manual_seed(3)
        cell = CELLS[name](E, H, CELLS[name].config_class(name=name, **settings)).double()
        cell.reset_parameters()
        return cell

    return make


@pytest.fixture(name="window")
def _window() -> Tensor:
    """Return inputs (B, T, E)."""
    return torch.randn(B, T, E, dtype=torch.float64, generator=torch.Generator().manual_seed(4))


@pytest.fixture(name="state")
def _state() -> tuple[Tensor, Tensor]:
    """Return (h, c), each (B, H)."""
    h, c = torch.randn(2, B, H, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    return h, c


@pytest.fixture(name="assert_same")
def _assert_same(window: Tensor, state: tuple[Tensor, Tensor]) -> Callable[..., None]:
    """Compare a cell in training with its equations: outputs, last state, and the gradients of all that it read."""

    def run(cell: Cell, steps: Callable[..., tuple[Tensor, tuple[Tensor, ...]]], seed: int) -> list[Tensor]:
        torch.manual_seed(seed)
        read = [part.clone().requires_grad_() for part in (window, *state[: cell.num_state_parts])]
        outputs, last = steps(read[0], tuple(read[1:]))
        weighted = outputs * torch.linspace(0.5, 1.5, outputs.numel(), dtype=outputs.dtype).view_as(outputs)
        loss = weighted.sum() + sum(part.square().sum() for part in last)
        gradients = torch.autograd.grad(loss, [*read, *cell.parameters()])
        return [outputs, *last, *gradients]

    def assert_same(cell: Cell, equations: Callable[..., Any], seed: int = 6) -> None:
        for found, expected in zip(run(cell, cell, seed), run(cell, equations, seed), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)

    return assert_same
