"""The chunked cross-entropy against the composed one: values, gradients, sizes of chunk, number formats."""

import pytest
import torch
from torch.nn import functional as F

from anaphora.models.layers.chunked_softmax import chunked_cross_entropy

N, K, D, V = 7, 3, 5, 11
CHUNKS = [1, 3 * V, 1 << 20]  # one row at a time, three, all


def drawn(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 1) -> torch.Tensor:
    values = torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))
    return values.requires_grad_()


TARGETS = torch.randint(V, (N,), generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("max_logits", CHUNKS)
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_it_is_the_composed_cross_entropy(
    max_logits: int, label_smoothing: float, dtype: torch.dtype, tolerance: float
) -> None:
    weights = (drawn(N, D, dtype=dtype), drawn(V, D, dtype=dtype, seed=2), drawn(V, dtype=dtype, seed=3))
    losses = chunked_cross_entropy(
        *weights, TARGETS, scale=1 / N, label_smoothing=label_smoothing, max_logits=max_logits
    )
    logits = F.linear(*weights)
    plain = F.cross_entropy(logits, TARGETS, label_smoothing=label_smoothing)
    torch.testing.assert_close(losses.objective, plain, rtol=tolerance, atol=0)
    torch.testing.assert_close(losses.nats, F.cross_entropy(logits, TARGETS).detach(), rtol=tolerance, atol=0)
    for found, wanted in zip(
        torch.autograd.grad(3 * losses.objective, weights), torch.autograd.grad(3 * plain, weights), strict=True
    ):
        torch.testing.assert_close(found, wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("max_logits", CHUNKS)
def test_the_gradients_are_the_slopes(max_logits: int) -> None:
    def objective(features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return chunked_cross_entropy(features, weight, bias, TARGETS, max_logits=max_logits).objective

    assert torch.autograd.gradcheck(objective, (drawn(N, D), drawn(V, D, seed=2), drawn(V, seed=3)))


@pytest.mark.parametrize("max_logits", CHUNKS)
def test_a_mixture_is_its_equation(max_logits: int) -> None:
    """Check sum_k mixture_k softmax_k against the plain formula, and its gradients against the slopes."""

    def objective(
        features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, mixture: torch.Tensor
    ) -> torch.Tensor:
        log_mixture = mixture.log_softmax(1)
        return chunked_cross_entropy(
            features, weight, bias, TARGETS, log_mixture=log_mixture, max_logits=max_logits
        ).objective

    weights = (drawn(N, K, D), drawn(V, D, seed=2), drawn(V, seed=3), drawn(N, K, seed=4))
    softmaxes = F.linear(*weights[:3]).softmax(-1)
    probs = (weights[3].softmax(1).unsqueeze(-1) * softmaxes).sum(1)
    torch.testing.assert_close(objective(*weights), -probs.gather(1, TARGETS.unsqueeze(1)).log().sum())
    assert torch.autograd.gradcheck(objective, weights)


def test_a_hopeless_target_has_a_finite_loss() -> None:
    """A probability of exp(-300) is nought in float32, and its logarithm must not be."""
    weight = torch.tensor([[300.0], [0.0]], requires_grad=True)
    losses = chunked_cross_entropy(torch.ones(1, 1), weight, torch.zeros(2), torch.tensor([1]), max_logits=4)
    assert losses.objective.item() == 300.0
    losses.objective.backward()
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, torch.tensor([[1.0], [-1.0]]))


def test_under_autocast_products_are_short_and_the_rest_is_not() -> None:
    weights = (drawn(N, D, dtype=torch.float32), drawn(V, D, dtype=torch.float32), drawn(V, dtype=torch.float32))
    with torch.autocast("cpu", torch.bfloat16):
        found = chunked_cross_entropy(*weights, TARGETS, max_logits=2 * V).objective
        plain = F.cross_entropy(F.linear(*weights).float(), TARGETS, reduction="sum")
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, plain, rtol=1e-2, atol=0)  # bfloat16 has 8 bits
    for one, other in zip(torch.autograd.grad(found, weights), torch.autograd.grad(plain, weights), strict=True):
        assert one.dtype == other.dtype
        torch.testing.assert_close(one, other, rtol=0, atol=0.03)


def test_without_gradients_only_the_loss_is_made() -> None:
    weights = (drawn(N, D), drawn(V, D, seed=2), drawn(V, seed=3))
    with torch.no_grad():
        losses = chunked_cross_entropy(*weights, TARGETS, max_logits=V)
    assert not losses.objective.requires_grad
    assert losses.objective.item() == losses.nats.item()


def test_the_reported_nats_have_no_gradient() -> None:
    losses = chunked_cross_entropy(drawn(N, D), drawn(V, D), drawn(V), TARGETS, label_smoothing=0.1, max_logits=V)
    assert not losses.nats.requires_grad
    assert losses.objective.requires_grad


@pytest.mark.parametrize("wrong", [-1, V])
def test_a_target_that_is_no_type_is_refused(wrong: int) -> None:
    weights = (drawn(N, D, dtype=torch.float32), drawn(V, D, dtype=torch.float32), drawn(V, dtype=torch.float32))
    with pytest.raises(IndexError, match=f"in a table of {V} rows"):
        chunked_cross_entropy(*weights, torch.full((N,), wrong), max_logits=V)
