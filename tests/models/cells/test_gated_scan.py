"""The pass over time of minGRU, minLSTM and QRNN: the same in blocks of any size, number formats, and on a GPU's path.

That each cell equals its paper step by step stands in test_gated.py.
"""

import pytest
import torch
from torch import Tensor

from anaphora.models.cells import gated_scan as module
from anaphora.models.cells import scan as scan_module
from anaphora.models.cells.gated_scan import GateRules, gated_scan
from anaphora.models.cells.mingru import MinGruGates
from anaphora.models.cells.minlstm import MinLstmGates
from anaphora.models.cells.qrnn import QrnnGates

T, B, H = 7, 3, 5
RULES = [MinGruGates(), MinLstmGates(), QrnnGates()]


def arguments(rules: GateRules, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    chance = torch.Generator().manual_seed(1)
    shapes = [(T, B, rules.num_parts * H), (rules.num_parts * H,), (B, H)]
    return [torch.randn(shape, generator=chance, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes]


def results(rules: GateRules, given: list[Tensor]) -> list[Tensor]:
    """Return outputs, last state and all gradients of something that depends on both."""
    outputs, last = gated_scan(rules, *given)
    (outputs.sin().sum() + last.cos().sum()).backward()
    return [outputs, last, *(part.grad for part in given if part.grad is not None)]


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: type(rules).__name__)
def test_the_gradients_are_those_of_the_differences(rules: GateRules) -> None:
    assert torch.autograd.gradcheck(lambda *given: gated_scan(rules, *given), arguments(rules))


@pytest.mark.parametrize("steps", [1, 2, 3, T])
@pytest.mark.parametrize("rules", RULES, ids=lambda rules: type(rules).__name__)
def test_blocks_of_any_size_give_the_same(rules: GateRules, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = results(rules, arguments(rules))
    monkeypatch.setattr(module, "_BLOCK", steps * B * rules.num_parts * H // torch.get_num_threads())
    found = results(rules, arguments(rules))
    assert len(found) == len(expected) == 5
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: type(rules).__name__)
def test_the_way_of_a_gpu_gives_the_same(rules: GateRules, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = results(rules, arguments(rules))
    for part in (module, scan_module):
        monkeypatch.setattr(part, "launches_cost", lambda tensor: True)
    for one, other in zip(results(rules, arguments(rules)), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: type(rules).__name__)
def test_bfloat16_is_computed_in_float32(rules: GateRules) -> None:
    product, bias, state = (part.detach() for part in arguments(rules, torch.float32))
    short = product.bfloat16().requires_grad_()
    outputs, last = gated_scan(rules, short, bias, state)
    expected, expected_last = gated_scan(rules, short.detach().float(), bias, state)
    assert outputs.dtype == torch.bfloat16
    assert last.dtype == torch.float32
    assert torch.equal(last, expected_last)
    torch.testing.assert_close(outputs, expected.bfloat16(), rtol=0, atol=0)
    outputs.sum().backward()
    assert short.grad is not None
    assert short.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: type(rules).__name__)
def test_gates_that_are_certain_stay_finite(rules: GateRules) -> None:
    product = torch.full((T, B, rules.num_parts * H), -200.0, requires_grad=True)
    outputs, last = gated_scan(rules, product, torch.zeros(rules.num_parts * H), torch.ones(B, H))
    (outputs.sum() + last.sum()).backward()
    assert product.grad is not None
    assert all(part.isfinite().all() for part in (outputs, last, product.grad))
