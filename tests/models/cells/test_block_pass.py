"""Residual sum with norm, and SwiGLU: the compiled loops against the framework's operations."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from anaphora.models import vector_math
from anaphora.models.cells.block_pass import add_and_norm, swiglu

T, B, D = 5, 29, 37  # more rows than share a sum of the weight's gradient, units that do not fill registers


def drawn(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return values.to(dtype).requires_grad_()


def gradients(results: tuple[Tensor, ...], given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return torch.autograd.grad(sum((part.double().sin().sum() for part in results), torch.zeros(())), given)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("adds", [False, True])
def test_sum_and_norm_are_the_framework_s(adds: bool, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(vector_math, "_LEAST_WORK", 1)
    stream, added, weight = drawn(T, B, D), drawn(T, B, D, seed=2), drawn(D, seed=3)
    found = add_and_norm(stream, added if adds else None, weight)
    total = stream.double() + added.double() if adds else stream.double()
    expected = (total, F.layer_norm(total, (D,), weight.double()))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-6)
    given = (stream, added, weight) if adds else (stream, weight)
    for one, other in zip(gradients(found, given), gradients(expected, given), strict=True):
        torch.testing.assert_close(one, other, rtol=2e-5, atol=2e-5)


def test_only_the_norm_may_be_used() -> None:
    stream, added, weight = drawn(T, B, D), drawn(T, B, D, seed=2), drawn(D, seed=3)
    found = gradients(add_and_norm(stream, added, weight)[1:], (stream, added, weight))
    expected = gradients((F.layer_norm(stream + added, (D,), weight),), (stream, added, weight))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-5, atol=2e-5)


def test_under_autocast_the_stream_keeps_its_digits_and_the_norm_is_short() -> None:
    stream, added, weight = drawn(T, B, D), drawn(T, B, D, seed=2, dtype=torch.bfloat16), drawn(D, seed=3)
    with torch.autocast("cpu", torch.bfloat16):
        total, normed = add_and_norm(stream, added, weight)
    assert total.dtype == torch.float32
    assert normed.dtype == torch.bfloat16
    torch.testing.assert_close(total, stream + added.float())
    torch.testing.assert_close(normed.float(), F.layer_norm(total, (D,), weight), rtol=8e-3, atol=1e-6)
    d_stream, d_added, _ = gradients((total, normed), (stream, added, weight))
    assert d_added.dtype == torch.bfloat16
    assert torch.equal(d_stream.bfloat16(), d_added)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 8e-3)])
def test_swiglu_is_its_equation(dtype: torch.dtype, tolerance: float) -> None:
    product = drawn(T, B, 2 * D, dtype=dtype)
    precise = product.detach().double().requires_grad_()
    found, expected = swiglu(product), swiglu(precise)
    assert found.dtype == dtype
    torch.testing.assert_close(expected, F.silu(precise[..., :D]) * precise[..., D:])
    torch.testing.assert_close(found.double(), expected, rtol=tolerance, atol=tolerance)
    (one,), (other,) = (
        torch.autograd.grad(part.double().sum(), given) for part, given in ((found, product), (expected, precise))
    )
    torch.testing.assert_close(one.double(), other, rtol=tolerance, atol=2 * tolerance)


def test_double_precision_takes_the_framework_s_operations() -> None:
    given = (
        drawn(2, 3, 8, dtype=torch.float64),
        drawn(2, 3, 8, seed=2, dtype=torch.float64),
        drawn(8, dtype=torch.float64),
    )
    assert torch.autograd.gradcheck(add_and_norm, given)
    assert torch.autograd.gradcheck(swiglu, given[:1])
