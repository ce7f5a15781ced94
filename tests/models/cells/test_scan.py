"""The scans equal the recurrence written out, forwards and backwards, whatever the strides, lengths and devices."""

import pytest
import torch
from torch import Tensor

from anaphora.models.cells.scan import run_in_chunks, run_in_steps, scan

B, H = 3, 5


def plain_scan(decay: Tensor, inputs: Tensor, state: Tensor) -> Tensor:
    steps = []
    for a, b in zip(decay.unbind(1), inputs.unbind(1), strict=True):
        state = a * state + b
        steps.append(state)
    return torch.stack(steps, 1)


def arguments(seq_len: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    chance = torch.Generator().manual_seed(seq_len)
    shapes = [(B, seq_len, H), (B, seq_len, H), (B, H)]
    return [torch.randn(shape, generator=chance, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("seq_len", [1, 2, 7, 16])
def test_values_and_gradients_are_those_of_the_plain_recurrence(seq_len: int) -> None:
    results = []
    for function in (scan, plain_scan):
        given = arguments(seq_len)
        hidden = function(*given)
        hidden.sin().sum().backward()
        results.append([hidden, *(argument.grad for argument in given)])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_strides_do_not_matter() -> None:
    with torch.no_grad():
        decay, inputs, state = arguments(6)
        expected = scan(decay, inputs, state)
        time_major = [part.transpose(0, 1).contiguous().transpose(0, 1) for part in (decay, inputs)]
        striped = [torch.stack([part, part], -1)[..., 0] for part in (decay, inputs)]
        for given in (time_major, striped):
            assert torch.equal(scan(given[0], given[1], state.t().contiguous().t()), expected)
        assert expected.transpose(0, 1).is_contiguous()


@pytest.mark.parametrize("seq_len", [0, 1, 2, 3, 4, 5, 16, 17, 40])
def test_chunks_equal_steps(seq_len: int) -> None:
    decay, inputs, state = (part.detach() for part in arguments(seq_len))
    given = decay.transpose(0, 1), inputs.transpose(0, 1), state
    torch.testing.assert_close(run_in_chunks(*given), run_in_steps(*given), rtol=1e-12, atol=1e-12)


def test_chunks_are_safe_where_decays_vanish_or_forget_nothing() -> None:
    """A scan that divides by products of decays, or takes their logarithms, fails here."""
    inputs, state = torch.ones(300, 1, 3), torch.ones(1, 3)
    decay = torch.tensor([0.0, 1e-30, 1.0]).expand(300, 1, 3)
    found = run_in_chunks(decay, inputs, state)
    assert found.isfinite().all()
    torch.testing.assert_close(found, run_in_steps(decay, inputs, state))
    torch.testing.assert_close(found[-1], torch.tensor([[1.0, 1.0, 301.0]]))


def test_bfloat16_is_computed_in_float32() -> None:
    short = arguments(12, torch.bfloat16)
    hidden = scan(*short)
    assert hidden.dtype == torch.float32
    assert torch.equal(hidden, scan(*(part.detach().float() for part in short)))
    hidden.sum().backward()
    assert all(part.grad is not None and part.grad.dtype == torch.bfloat16 for part in short)
