"""Muon: momentum whose direction is made orthogonal before each step, for the matrices between embedding and head.

A gradient of a matrix is often dominated by a few directions; an orthogonal matrix moves along all of them alike
(Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/). Embedding, head, biases and norms are left to AdamW:
see `optimizers.py`.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # Jordan et al.: steepest at zero; five rounds end between 0.7 and 1.2
_ROUNDS = 5
_TINY = 1e-7
_UPDATE_SIZE = 0.2  # root mean square of AdamW's updates (Liu et al. 2025)


class Muon(Optimizer):
    """Muon with decoupled weight decay and Nesterov momentum.

    An update has the root mean square of AdamW's, 0.2 times the learning rate, whatever the matrix's shape (Liu et al.
    2025, arXiv 2502.16982, section 2.2), so that one learning rate and one weight decay serve both optimizers.

    A recurrent layer stacks the matrices of its gates into one. Each gate is made orthogonal by itself: they are maps
    of their own, and a whole that is orthogonal would let the gates share out one unit of length for each input.

    Args:
        groups: parameter groups; beside `params` each has `gates`, how many matrices are stacked in the rows of each.
        lr: learning rate; every group may have its own.
        momentum: share of the old direction that is kept.
        weight_decay: pull towards zero, per step and learning rate.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], *, lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "gates": 1})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move each matrix that has a gradient; under autocast the products are made in the shorter format."""
        for group in self.param_groups:
            lr, momentum = group["lr"], group["momentum"]
            for matrix in (matrix for matrix in group["params"] if matrix.grad is not None):
                memory = self.state[matrix]
                if "momentum_buffer" not in memory:
                    memory["momentum_buffer"] = torch.zeros_like(matrix)
                buffer: Tensor = memory["momentum_buffer"]
                buffer.lerp_(matrix.grad, 1 - momentum)
                direction = matrix.grad.lerp(buffer, momentum)
                gates = direction.unflatten(0, (group["gates"], -1))
                size = _UPDATE_SIZE * math.sqrt(max(gates.shape[1:]))
                matrix.mul_(1 - lr * group["weight_decay"])
                matrix.add_(orthogonalized(gates).flatten(0, 1), alpha=-lr * size)


def orthogonalized(matrices: Tensor) -> Tensor:
    """Return matrices (N, rows, columns) with all singular values near 1, by five rounds of a Newton-Schulz iteration.

    Each round maps every singular value s to a s + b s^3 + c s^5 with products alone (Jordan et al. 2024).
    """
    upright = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if upright else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=_TINY)
    a, b, c = _COEFFICIENTS
    for _ in range(_ROUNDS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if upright else x
