"""The layers of AWD-LSTM: equal to the framework's, and their weights really drop in training and only there."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from anaphora.models.cells.fused import _in_one_buffer
from anaphora.models.layers.dropout import draw_mask

E, H = 4, 6
LAYERS = {"awd-lstm": nn.LSTM, "awd-gru": nn.GRU, "awd-elman": nn.RNN}


@pytest.mark.parametrize("name", ["awd-lstm", "awd-gru", "awd-elman"])
def test_in_evaluation_it_is_the_frameworks_layer(
    name: str, make: Callable[..., Any], window: Tensor, state: tuple[Tensor, Tensor]
) -> None:
    cell, layer = make(name).eval(), LAYERS[name](E, H, batch_first=True).double()
    layer.load_state_dict({f"{key}_l0": weight for key, weight in cell.state_dict().items()})
    given = state[: cell.num_state_parts]
    inner = tuple(part.unsqueeze(0) for part in given)
    expected, last = layer(window, inner if len(inner) == 2 else inner[0])
    outputs, after = cell(window, given)
    torch.testing.assert_close(outputs, expected, rtol=1e-12, atol=1e-12)
    for part, other in zip(after, last if len(inner) == 2 else (last,), strict=True):
        torch.testing.assert_close(part, other[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["awd-lstm", "awd-gru", "awd-elman"])
def test_single_steps_without_gradients_are_the_window(
    name: str, make: Callable[..., Any], window: Tensor, state: tuple[Tensor, Tensor]
) -> None:
    cell = make(name).eval()
    expected, last = cell(window, state[: cell.num_state_parts])
    now, steps = state[: cell.num_state_parts], []
    with torch.no_grad():
        for step in window.split(1, 1):
            output, now = cell(step, now)
            steps.append(output)
    for found, wanted in zip((torch.cat(steps, 1), *now), (expected, *last), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_a_dropped_lstm_is_its_equations_with_one_mask(
    make: Callable[..., Any], assert_same: Callable[..., None]
) -> None:
    """The mask is the same at all steps."""
    cell = make("awd-lstm", dropout_weight=0.4)

    def equations(inputs: Tensor, state: tuple[Tensor, Tensor]) -> Any:
        h, c = state
        steps, weight_hh = [], cell.weight_hh * draw_mask(cell.weight_hh, 0.4)
        for x in inputs.unbind(1):
            gates = x @ cell.weight_ih.T + cell.bias_ih + h @ weight_hh.T + cell.bias_hh
            i, f, g, o = gates.chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            steps.append(h)
        return torch.stack(steps, 1), (h, c)

    assert_same(cell, equations)


def test_the_raw_weight_learns_where_it_was_kept_and_only_there(
    make: Callable[..., Any], window: Tensor, state: tuple[Tensor, Tensor]
) -> None:
    cell = make("awd-lstm", dropout_weight=0.4)
    before = cell.weight_hh.detach().clone()
    torch.manual_seed(6)
    cell(window, state)[0].square().sum().backward()
    torch.manual_seed(6)
    mask = draw_mask(before, 0.4)
    assert torch.equal(cell.weight_hh.grad != 0, mask != 0)
    assert torch.equal(cell.weight_hh, before)


@pytest.mark.parametrize("name", ["awd-lstm", "awd-gru", "awd-elman", "layernorm-lstm", "mogrifier", "zoneout-lstm"])
def test_weights_drop_in_training_anew_at_each_call_and_not_in_evaluation(
    name: str, make: Callable[..., Any], window: Tensor, state: tuple[Tensor, Tensor]
) -> None:
    cell = make(name, dropout_weight=0.5)
    given = state[: cell.num_state_parts]
    first, second = (cell(window, given)[0][:, 0] for _ in range(2))  # the given state, too, meets dropped weights
    assert not torch.allclose(first, second)
    cell.eval()
    assert torch.equal(cell(window, given)[0], cell(window, given)[0])


def test_one_buffer_holds_all_weights_and_hands_gradients_on(make: Callable[..., Any]) -> None:
    """The way to cuDNN; the arithmetic is the same on any device."""
    weights = list(make("awd-lstm").parameters())
    parts = _in_one_buffer(weights)
    starts = [(part.data_ptr() - parts[0].data_ptr()) // part.element_size() for part in parts]
    assert starts == [0, 24 * E, 24 * (E + H), 24 * (E + H + 1)]
    for part, weight in zip(parts, weights, strict=True):
        assert torch.equal(part, weight)
        (gradient,) = torch.autograd.grad(part.square().sum(), weight, retain_graph=True)
        assert torch.equal(gradient, 2 * weight)


def test_forget_gate_bias(make: Callable[..., Any]) -> None:
    cell = make("awd-lstm", forget_gate_bias=2.5)
    assert torch.equal((cell.bias_ih + cell.bias_hh)[H : 2 * H], torch.full((H,), 2.5, dtype=torch.float64))
