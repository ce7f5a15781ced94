"""The LSTM with layer normalisation against its equations, step by step."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def normalised(values: Tensor) -> Tensor:
    centred = values - values.mean(1, keepdim=True)
    return centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()


def test_it_is_its_equations(make: Callable[..., Any], assert_same: Callable[..., None]) -> None:
    cell = make("layernorm-lstm", dropout_weight=0.0)
    for norm in (cell.norm_ih, cell.norm_hh, cell.norm_c):
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
    torch.nn.init.uniform_(cell.norm_c.bias, -0.5, 0.5)

    def equations(inputs: Tensor, state: tuple[Tensor, Tensor]) -> Any:
        (h, c), steps = state, []
        for x in inputs.unbind(1):
            from_state = normalised(h @ cell.weight_hh.T) * cell.norm_hh.weight
            from_input = normalised(x @ cell.weight_ih.T) * cell.norm_ih.weight
            i, f, g, o = (from_state + from_input + cell.bias).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * torch.tanh(normalised(c) * cell.norm_c.weight + cell.norm_c.bias)
            steps.append(h)
        return torch.stack(steps, 1), (h, c)

    assert_same(cell, equations)
