"""The fast cells, each equal to its paper's equations step by step, in values and gradients."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from anaphora.models.cells.cell import Cell
from anaphora.models.cells.gated import start_remembering, windows
from anaphora.models.cells.registry import CELLS
from anaphora.models.language_model import State

B, T, E, H = 3, 7, 4, 6
CASES: dict[str, dict[str, Any]] = {
    "mingru": {},
    "minlstm": {},
    "qrnn": {},
    "qrnn of 1": {"window": 1},
    "qrnn of 4": {"window": 4},
    "rglru": {},
    "sru": {"highway_bias": -1.0},
}


def make(case: str, input_size: int = E, **settings: Any) -> Any:
    torch.manual_seed(3)
    name = case.split()[0]
    cell = CELLS[name](input_size, H, CELLS[name].config_class(**{"name": name, **CASES[case], **settings})).double()
    cell.reset_parameters()
    return cell


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def state_of(cell: Cell) -> State:
    return tuple(draw(*part.shape) for part in cell.initial_state(B))


def plain_mingru(cell: Any, inputs: Tensor, state: State) -> Tensor:
    (h,), steps = state, []
    for x in inputs.unbind(1):
        update, candidate = (x @ cell.weight.T + cell.bias).chunk(2, -1)
        z = update.sigmoid()
        h = (1 - z) * h + z * candidate
        steps.append(h)
    return torch.stack(steps, 1)


def plain_minlstm(cell: Any, inputs: Tensor, state: State) -> Tensor:
    (h,), steps = state, []
    for x in inputs.unbind(1):
        f, i, candidate = (x @ cell.weight.T + cell.bias).chunk(3, -1)
        f, i = f.sigmoid(), i.sigmoid()
        h = f / (f + i) * h + i / (f + i) * candidate
        steps.append(h)
    return torch.stack(steps, 1)


def plain_qrnn(cell: Any, inputs: Tensor, state: State) -> Tensor:
    (c, previous), steps = state, []
    for x in inputs.unbind(1):
        seen = torch.cat([previous, x.unsqueeze(1)], 1)
        z, f, o = (seen.flatten(1) @ cell.weight.T + cell.bias).chunk(3, -1)
        c = f.sigmoid() * c + (1 - f.sigmoid()) * z.tanh()
        previous = seen[:, 1:]
        steps.append(o.sigmoid() * c)
    return torch.stack(steps, 1)


def plain_rglru(cell: Any, inputs: Tensor, state: State) -> Tensor:
    (h,), steps = state, []
    for x in inputs.unbind(1):
        r, i, u = (x @ cell.weight.T + cell.bias).chunk(3, -1)
        a = torch.exp(-8 * F.softplus(cell.decay) * r.sigmoid())
        h = a * h + torch.sqrt(1 - a**2) * (i.sigmoid() * u)
        steps.append(h)
    return torch.stack(steps, 1)


def plain_sru(cell: Any, inputs: Tensor, state: State) -> Tensor:
    (c,), steps = state, []
    for x in inputs.unbind(1):
        u, f, r = (x @ cell.weight.T + cell.bias).chunk(3, -1)
        f, r = (f + cell.forget_memory * c).sigmoid(), (r + cell.reset_memory * c).sigmoid()
        c = f * c + (1 - f) * u
        passed = x if cell.highway is None else cell.highway(x)
        steps.append(r * c + (1 - r) * cell.scale * passed)
    return torch.stack(steps, 1)


TWINS: dict[str, Callable[[Any, Tensor, State], Tensor]] = {
    "mingru": plain_mingru,
    "minlstm": plain_minlstm,
    "qrnn": plain_qrnn,
    "rglru": plain_rglru,
    "sru": plain_sru,
}


@pytest.mark.parametrize("seq_len", [1, T])
@pytest.mark.parametrize("case", CASES)
def test_a_cell_is_its_equations(case: str, seq_len: int) -> None:
    results = []
    for twin in (None, TWINS[case.split()[0]]):
        cell = make(case).eval()
        inputs, state = draw(B, seq_len, E).requires_grad_(), tuple(part.requires_grad_() for part in state_of(cell))
        outputs = cell(inputs, state)[0] if twin is None else twin(cell, inputs, state)
        outputs.sin().sum().backward()
        given = [inputs, *(part for part in state if part.numel()), *cell.parameters()]
        results.append([outputs, *(tensor.grad for tensor in given)])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("case", CASES)
def test_the_state_carries_all_that_is_needed(case: str) -> None:
    cell = make(case).eval()
    inputs, state = draw(B, T, E), state_of(cell)
    assert len(state) == cell.num_state_parts
    whole, last = cell(inputs, state)
    pieces = []
    for part in inputs.split([1, 2, 3, 1], 1):
        outputs, state = cell(part, state)
        pieces.append(outputs)
    torch.testing.assert_close(torch.cat(pieces, 1), whole)
    for found, expected in zip(state, last, strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("case", CASES)
def test_under_autocast_states_stay_in_float32(case: str) -> None:
    cell = make(case).float().eval()
    with torch.autocast("cpu", torch.bfloat16):
        _, state = cell(draw(B, T, E).float(), cell.initial_state(B))
    assert all(part.dtype == torch.float32 for part in state)


@pytest.mark.parametrize("case", CASES)
def test_the_gates_matrix_is_dropped_in_training_only(case: str) -> None:
    cell = make(case, dropout_weight=0.5)
    given = draw(B, T, E), state_of(cell)
    assert not torch.allclose(cell(*given)[0], cell(*given)[0])
    cell.eval()
    assert torch.equal(cell(*given)[0], cell(*given)[0])


def test_where_widths_agree_the_sru_passes_its_input_itself() -> None:
    cell = make("sru", input_size=H)
    assert cell.highway is None
    inputs, state = draw(B, T, H), state_of(cell)
    torch.testing.assert_close(cell.eval()(inputs, state)[0], plain_sru(cell, inputs, state))


def test_the_sru_starts_as_a_highway() -> None:
    cell = make("sru", input_size=H, highway_bias=-12.0).eval()
    with torch.no_grad():
        inputs = draw(B, T, H)
        torch.testing.assert_close(cell(inputs, cell.initial_state(B))[0], inputs, rtol=1e-3, atol=1e-3)


def test_the_rglru_starts_with_decays_from_0_9_to_0_999() -> None:
    decays = torch.exp(-8 * F.softplus(make("rglru").decay.detach()))
    assert decays.min() >= 0.9 - 1e-6
    assert decays.max() <= 0.999 + 1e-6


def test_memories_of_many_lengths() -> None:
    bias = torch.empty(3)
    start_remembering(bias)
    assert bias.tolist() == [-1.0, 1.5, 4.0]
    start_remembering(bias, sign=-1)
    assert bias.tolist() == [1.0, -1.5, -4.0]


@pytest.mark.parametrize("seq_len", [1, 2, 3, 5])
@pytest.mark.parametrize("reach", [0, 1, 3])
def test_windows_reach_over_the_border(reach: int, seq_len: int) -> None:
    inputs, previous = draw(B, seq_len, E), draw(B, reach, E)
    found, last = windows(inputs, previous)
    joined = torch.cat([previous, inputs], 1)
    wanted = torch.stack([joined[:, step : step + reach + 1].flatten(1) for step in range(seq_len)], 1)
    assert torch.equal(found, wanted)
    assert torch.equal(last, joined[:, seq_len:])
    assert found.transpose(0, 1).is_contiguous()
    given = (inputs.requires_grad_(), previous.requires_grad_())
    assert torch.autograd.gradcheck(windows, given)
