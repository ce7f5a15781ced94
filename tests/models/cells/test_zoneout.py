"""Zoneout against its equations: masks in training, means in evaluation."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from anaphora.models.layers.dropout import draw_mask


def lstm_with_zoneout(cell: Any, inputs: Tensor, state: tuple[Tensor, Tensor], old_c: Tensor, old_h: Tensor) -> Any:
    """Keep the shares old_c and old_h, (T, ...), of the old values at each step."""
    (h, c), steps = state, []
    for x, keep_c, keep_h in zip(inputs.unbind(1), old_c, old_h, strict=True):
        i, f, g, o = (x @ cell.weight_ih.T + h @ cell.weight_hh.T + cell.bias).chunk(4, 1)
        new_c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = keep_h * h + (1 - keep_h) * o.sigmoid() * new_c.tanh()
        c = keep_c * c + (1 - keep_c) * new_c
        steps.append(h)
    return torch.stack(steps, 1), (h, c)


def test_in_training_units_keep_what_they_had(make: Callable[..., Any], assert_same: Callable[..., None]) -> None:
    cell = make("zoneout-lstm", zoneout_cell=0.4, zoneout_hidden=0.3)

    def equations(inputs: Tensor, state: tuple[Tensor, Tensor]) -> Any:
        steps = inputs.new_empty(inputs.shape[1], *state[0].shape)
        old_c, old_h = ((draw_mask(steps, p) == 0).double() for p in (0.4, 0.3))
        return lstm_with_zoneout(cell, inputs, state, old_c, old_h)

    assert_same(cell, equations)


def test_in_evaluation_the_old_and_the_new_are_mixed(
    make: Callable[..., Any], assert_same: Callable[..., None]
) -> None:
    cell = make("zoneout-lstm", zoneout_cell=0.4, zoneout_hidden=0.3).eval()

    def equations(inputs: Tensor, state: tuple[Tensor, Tensor]) -> Any:
        steps = inputs.new_ones(inputs.shape[1])
        return lstm_with_zoneout(cell, inputs, state, 0.4 * steps, 0.3 * steps)

    assert_same(cell, equations)
