"""Back-propagation by hand equals autograd, in float64; cut after k tokens it equals autograd with detached states."""

import pytest
import torch
from torch import Tensor

from anaphora.lab.bptt import ElmanWeights, gradients, loss

BATCH, TIME, INPUT, HIDDEN, CLASSES = 3, 12, 4, 5, 6


@pytest.fixture
def problem() -> tuple[ElmanWeights, Tensor, Tensor, Tensor]:
    torch.manual_seed(5)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=torch.float64)

    weights = ElmanWeights(
        w_xh=normal(INPUT, HIDDEN),
        w_hh=normal(HIDDEN, HIDDEN) / HIDDEN**0.5,
        b_h=normal(HIDDEN),
        w_hq=normal(HIDDEN, CLASSES),
        b_q=normal(CLASSES),
    )
    return weights, normal(BATCH, TIME, INPUT), torch.randint(CLASSES, (BATCH, TIME)), normal(BATCH, HIDDEN)


def by_autograd(weights: ElmanWeights, inputs: Tensor, targets: Tensor, h: Tensor, truncate: int) -> dict[str, Tensor]:
    leaves = {name: weight.clone().requires_grad_() for name, weight in vars(weights).items()}
    traced = ElmanWeights(**leaves)
    total = torch.zeros((), dtype=torch.float64)
    for start in range(0, inputs.shape[1], truncate):
        piece = slice(start, start + truncate)
        share = targets[:, piece].numel() / targets.numel()
        total = total + share * loss(traced, inputs[:, piece], targets[:, piece], h)
        for x in inputs[:, piece].unbind(1):
            h = torch.tanh(x @ weights.w_xh + h @ weights.w_hh + weights.b_h)
    total.backward()
    return {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}


@pytest.mark.parametrize("truncate", [None, 1, 4, 5])
def test_by_hand_equals_autograd(problem: tuple[ElmanWeights, Tensor, Tensor, Tensor], truncate: int | None) -> None:
    by_hand = vars(gradients(*problem, truncate=truncate))
    expected = by_autograd(*problem, truncate=truncate or TIME)
    assert by_hand.keys() == expected.keys()
    for name, gradient in expected.items():
        assert torch.allclose(by_hand[name], gradient, rtol=0, atol=1e-12), name


def test_truncation_costs_something(problem: tuple[ElmanWeights, Tensor, Tensor, Tensor]) -> None:
    whole, cut = gradients(*problem), gradients(*problem, truncate=2)
    assert not torch.allclose(whole.w_hh, cut.w_hh, atol=1e-4)
    assert torch.allclose(whole.w_hq, cut.w_hq)
