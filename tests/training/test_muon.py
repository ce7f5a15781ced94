"""Muon against the same written out with singular values, gate by gate."""

import math

import pytest
import torch
from torch import Tensor

from anaphora.training.muon import Muon, orthogonalized


def by_singular_values(matrix: Tensor) -> Tensor:
    """Apply the five rounds to the singular values themselves."""
    u, values, v = torch.linalg.svd(matrix / matrix.norm(), full_matrices=False)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    product: Tensor = u @ torch.diag(values) @ v
    return product


@pytest.mark.parametrize("shape", [(6, 6), (9, 4), (4, 9), (1, 5)])
def test_the_iteration_acts_on_singular_values(shape: tuple[int, int]) -> None:
    matrices = torch.randn(3, *shape, dtype=torch.float64)
    found = orthogonalized(matrices)
    for one, result in zip(matrices, found, strict=True):
        torch.testing.assert_close(result, by_singular_values(one))
        assert (torch.linalg.svdvals(result) < 1.3).all()


def test_nothing_comes_from_nothing() -> None:
    assert torch.equal(orthogonalized(torch.zeros(1, 3, 3)), torch.zeros(1, 3, 3))


@pytest.mark.parametrize("gates", [1, 4])
def test_steps_equal_those_written_out(gates: int) -> None:
    """Nesterov momentum, decoupled decay, each gate by itself, and the size of AdamW's updates."""
    weight = torch.randn(8, 3, dtype=torch.float64).requires_grad_()
    expected, buffer = weight.detach().clone(), torch.zeros(8, 3, dtype=torch.float64)
    muon = Muon([{"params": [weight], "gates": gates}], lr=0.1, momentum=0.9, weight_decay=0.2)
    for _ in range(3):
        gradient = torch.randn(8, 3, dtype=torch.float64)
        weight.grad = gradient.clone()
        muon.step()

        buffer = 0.9 * buffer + 0.1 * gradient
        direction = 0.1 * gradient + 0.9 * buffer
        rows = 8 // gates
        parts = [by_singular_values(part) for part in direction.split(rows)]
        expected = expected * (1 - 0.1 * 0.2) - 0.1 * 0.2 * math.sqrt(max(rows, 3)) * torch.cat(parts)
    torch.testing.assert_close(weight.detach(), expected)


def test_an_update_is_as_large_as_adamws() -> None:
    """Root mean square 0.2 times the learning rate, whatever the shape; singular values end at 1 more or less."""
    for shape in ((256, 256), (512, 64)):
        weight = torch.zeros(shape, requires_grad=True)
        weight.grad = torch.randn(shape)
        Muon([{"params": [weight]}], lr=0.5).step()
        assert weight.square().mean().sqrt().item() == pytest.approx(0.2 * 0.5, rel=0.3)


def test_a_matrix_without_gradient_stays() -> None:
    weight = torch.ones(2, 2, requires_grad=True)
    Muon([{"params": [weight]}], lr=0.5, weight_decay=0.5).step()
    assert torch.equal(weight, torch.ones(2, 2))
