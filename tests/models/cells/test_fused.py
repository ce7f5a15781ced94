"""The layers of AWD-LSTM: equal to the framework's, and their weights really drop in training and only there."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from anaphora.models.cells.cell import Cell
from anaphora.models.cells.registry import CELLS
from anaphora.models.layers.dropout import draw_mask

B, T, E, H = 3, 5, 4, 6


def make(name: str, **settings: Any) -> Cell:
    torch.manual_seed(3)
    cell = CELLS[name](E, H, CELLS[name].config_class(name=name, **settings)).double()
    cell.reset_parameters()
    return cell


def window() -> Tensor:
    return torch.randn(B, T, E, dtype=torch.float64, generator=torch.Generator().manual_seed(4))


def state_of(cell: Cell) -> tuple[Tensor, ...]:
    chance = torch.Generator().manual_seed(5)
    return tuple(torch.randn(part.shape, dtype=part.dtype, generator=chance) for part in cell.initial_state(B))


@pytest.mark.parametrize("name", ["awd-lstm", "awd-gru"])
def test_in_evaluation_it_is_the_frameworks_layer(name: str) -> None:
    cell, layer = make(name).eval(), (nn.LSTM if name == "awd-lstm" else nn.GRU)(E, H, batch_first=True).double()
    layer.load_state_dict({f"{key}_l0": weight for key, weight in cell.state_dict().items()})
    state = state_of(cell)
    inner = tuple(part.unsqueeze(0) for part in state)
    expected, last = layer(window(), inner if len(inner) == 2 else inner[0])
    outputs, after = cell(window(), state)
    torch.testing.assert_close(outputs, expected, rtol=1e-12, atol=1e-12)
    for part, other in zip(after, last if len(inner) == 2 else (last,), strict=True):
        torch.testing.assert_close(part, other[0], rtol=1e-12, atol=1e-12)


def test_a_dropped_lstm_is_its_equations_with_one_mask() -> None:
    """Check values and gradients step by step; the mask, the same at all steps, is what the seed draws."""
    cell: Any = make("awd-lstm", dropout_weight=0.4)
    state = state_of(cell)
    torch.manual_seed(6)
    outputs, _ = cell(window(), state)
    outputs.square().sum().backward()
    found = {name: weight.grad.clone() for name, weight in cell.named_parameters()}
    cell.zero_grad()

    torch.manual_seed(6)
    mask = draw_mask(cell.weight_hh, 0.4).detach()
    (h, c), steps = state, []
    for x in window().unbind(1):
        gates = x @ cell.weight_ih.T + cell.bias_ih + h @ (cell.weight_hh * mask).T + cell.bias_hh
        i, f, g, o = gates.chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        steps.append(h)
    plain = torch.stack(steps, 1)
    torch.testing.assert_close(outputs, plain, rtol=1e-12, atol=1e-12)
    plain.square().sum().backward()
    for name, weight in cell.named_parameters():
        torch.testing.assert_close(found[name], weight.grad, rtol=1e-10, atol=1e-12)
    assert (found["weight_hh"][mask == 0] == 0).all()  # the raw weight learns where it was kept, and only there
    assert (found["weight_hh"][mask > 0] != 0).all()


@pytest.mark.parametrize("name", ["awd-lstm", "awd-gru"])
def test_weights_drop_in_training_anew_at_each_call_and_not_in_evaluation(name: str) -> None:
    cell = make(name)
    state = state_of(cell)
    first, second = (cell(window(), state)[0] for _ in range(2))
    assert not torch.allclose(first, second)
    assert not torch.allclose(first[:, 0], second[:, 0])  # the given state too passes through dropped weights
    cell.eval()
    assert torch.equal(cell(window(), state)[0], cell(window(), state)[0])


def test_the_raw_weights_are_never_changed() -> None:
    cell: Any = make("awd-lstm")
    before = cell.weight_hh.detach().clone()
    cell(window(), cell.initial_state(B))
    assert torch.equal(cell.weight_hh, before)


def test_forget_gate_bias() -> None:
    cell: Any = make("awd-lstm", forget_gate_bias=2.5)
    assert torch.equal((cell.bias_ih + cell.bias_hh)[H : 2 * H], torch.full((H,), 2.5, dtype=torch.float64))
