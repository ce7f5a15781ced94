"""The pass over time of the fast cells: the compiled loops against operations on whole tensors.

That each cell equals its paper step by step stands in test_gated.py.
"""

import pytest
import torch
from torch import Tensor

from anaphora.models import vector_math
from anaphora.models.cells import scan as scan_module
from anaphora.models.cells.gated_pass import PARTS, Gating
from anaphora.models.cells.gated_scan import composed, gated_scan

T, B, H = 7, 3, 21  # units that fill registers, and some that are left over
GATINGS = pytest.mark.parametrize("gating", list(Gating), ids=lambda gating: gating.name.lower())


def arguments(gating: Gating, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    chance = torch.Generator().manual_seed(1)
    units = PARTS[gating] + (gating == Gating.RGLRU)
    shapes = [(T, B, PARTS[gating] * H), (units, H), (B, H)]
    drawn = [torch.randn(shape, generator=chance, dtype=torch.float64) for shape in shapes]
    drawn[1][PARTS[gating] :].abs_()  # a rate of decay
    return [values.to(dtype).requires_grad_() for values in drawn]


def results(found: tuple[Tensor, Tensor], given: list[Tensor]) -> list[Tensor]:
    """Return outputs, last state and all gradients of something that depends on both."""
    outputs, last = found
    (outputs.double().sin().sum() + last.double().cos().sum()).backward()
    return [outputs, last, *(part.grad for part in given if part.grad is not None)]


@GATINGS
def test_loops_give_what_whole_tensors_give(gating: Gating) -> None:
    given, precise = arguments(gating), arguments(gating, torch.float64)
    found, expected = results(gated_scan(gating, *given), given), results(composed(gating, *precise), precise)
    assert len(found) == len(expected) == 5
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one.double(), other, rtol=2e-5, atol=2e-6)


@GATINGS
def test_the_gradients_of_whole_tensors_are_those_of_the_differences(gating: Gating) -> None:
    assert torch.autograd.gradcheck(lambda *given: gated_scan(gating, *given), arguments(gating, torch.float64))


@GATINGS
def test_a_gpu_s_way_through_time_gives_the_same(gating: Gating, monkeypatch: pytest.MonkeyPatch) -> None:
    given, again = arguments(gating, torch.float64), arguments(gating, torch.float64)
    expected = results(composed(gating, *given), given)
    monkeypatch.setattr(scan_module, "launches_cost", lambda tensor: True)
    for one, other in zip(results(composed(gating, *again), again), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@GATINGS
def test_threads_change_nothing(gating: Gating, monkeypatch: pytest.MonkeyPatch) -> None:
    given, again = arguments(gating), arguments(gating)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    expected = results(gated_scan(gating, *given), given)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(vector_math, "_LEAST_WORK", 1)
    for one, other in zip(results(gated_scan(gating, *again), again), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)


@GATINGS
def test_bfloat16_is_computed_in_float32(gating: Gating) -> None:
    product, units, state = (part.detach() for part in arguments(gating))
    short = product.bfloat16().requires_grad_()
    outputs, last = gated_scan(gating, short, units, state)
    expected, expected_last = gated_scan(gating, short.detach().float(), units, state)
    assert outputs.dtype == torch.bfloat16
    assert last.dtype == torch.float32
    torch.testing.assert_close(last, expected_last, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(outputs, expected.bfloat16(), rtol=8e-3, atol=0)  # the last digit may be rounded away
    outputs.sum().backward()
    assert short.grad is not None
    assert short.grad.dtype == torch.bfloat16


@GATINGS
def test_pieces_are_the_whole(gating: Gating) -> None:
    product, units, state = (part.detach() for part in arguments(gating))
    whole, last = gated_scan(gating, product, units, state)
    first, between = gated_scan(gating, product[:3], units, state)
    second, end = gated_scan(gating, product[3:], units, between)
    assert torch.equal(torch.cat([first, second]), whole)
    assert torch.equal(end, last)


@GATINGS
@pytest.mark.parametrize("certain", [-200.0, 200.0])
def test_gates_that_are_certain_stay_finite(gating: Gating, certain: float) -> None:
    product = torch.full((T, B, PARTS[gating] * H), certain, requires_grad=True)
    units = torch.zeros(PARTS[gating] + (gating == Gating.RGLRU), H)
    outputs, last = gated_scan(gating, product, units, torch.ones(B, H))
    (outputs.sum() + last.sum()).backward()
    assert product.grad is not None
    assert all(part.isfinite().all() for part in (outputs, last, product.grad))
