"""The Mogrifier LSTM against its equations, step by step."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor


@pytest.mark.parametrize("capped", [True, False])
@pytest.mark.parametrize(("rounds", "rank"), [(5, 2), (5, 0), (2, 3), (1, 0), (0, 2)])
def test_it_is_its_equations(
    rounds: int, rank: int, capped: bool, make: Callable[..., Any], assert_same: Callable[..., None]
) -> None:
    settings = {"mogrifier_rounds": rounds, "mogrifier_rank": rank, "cap_input_gate": capped}
    cell = make("mogrifier", **settings, dropout_weight=0.0)
    factors = list(cell.rounds)
    matrices = [left @ right for left, right in zip(factors[::2], factors[1::2], strict=True)] if rank else factors

    def equations(inputs: Tensor, state: tuple[Tensor, Tensor]) -> Any:
        (h, c), steps = state, []
        for x in inputs.unbind(1):
            for number, matrix in enumerate(matrices, start=1):
                if number % 2:
                    x = 2 * torch.sigmoid(h @ matrix.T) * x
                else:
                    h = 2 * torch.sigmoid(x @ matrix.T) * h
            i, f, g, o = (x @ cell.weight_ih.T + h @ cell.weight_hh.T + cell.bias).chunk(4, 1)
            taken = torch.minimum(i.sigmoid(), 1 - f.sigmoid()) if capped else i.sigmoid()
            c = f.sigmoid() * c + taken * g.tanh()
            h = o.sigmoid() * c.tanh()
            steps.append(h)
        return torch.stack(steps, 1), (h, c)

    assert_same(cell, equations)


def test_a_round_begins_near_the_identity(make: Callable[..., Any], window: Tensor) -> None:
    """So says the paper of its factor 2: 2 s(0) = 1. Without rounds the outputs are almost the same."""
    cells = [make("mogrifier", mogrifier_rounds=rounds).eval() for rounds in (0, 2)]
    cells[1].load_state_dict(cells[0].state_dict(), strict=False)
    outputs = [cell(window / 10, cell.initial_state(len(window)))[0] for cell in cells]
    torch.testing.assert_close(*outputs, rtol=0, atol=0.02)


def test_cells_stay_bounded_however_long_the_text(make: Callable[..., Any]) -> None:
    """Found on the Penn Treebank: at some place of the test text cells began to grow, and never came back."""
    largest = {}
    for capped in (True, False):
        cell = make("mogrifier", cap_input_gate=capped).eval()
        with torch.no_grad():
            cell.bias.fill_(4.0)  # all gates open
            _, (_, c) = cell(torch.ones(1, 200, cell.input_size), cell.initial_state(1))
        largest[capped] = float(c.abs().max())
    assert largest[True] <= 1.0
    assert largest[False] > 10.0
