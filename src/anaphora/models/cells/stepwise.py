"""The time loop of LSTM-like cells that no fused kernel knows, with as little in it as can be.

What all steps share is done once for a window: the input product where nothing stands before it, the weights' mask and
transposition, and the weights' gradient, which is one product over all T B rows instead of T small ones.

Shapes: B batch, T time, I input, H output; gates are 4H wide: i, f, g, o, as in nn.LSTM.
"""

from abc import abstractmethod
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from anaphora.models.cells.cell import Cell, StackConfig
from anaphora.models.language_model import State, product_format
from anaphora.models.layers.dropout import drop_weights


class StepwiseConfig(StackConfig):
    """What the LSTM-like cells have in common.

    Attributes:
        forget_gate_bias: where the forget gate's bias starts (Jozefowicz et al. 2015).
    """

    forget_gate_bias: float = 1.0


class StepwiseLstm(Cell):
    """An LSTM with one bias; a subclass says what happens at each step of its loop."""

    config: StepwiseConfig
    num_state_parts = 2

    def __init__(self, input_size: int, output_size: int, config: StackConfig) -> None:
        super().__init__(input_size, output_size, config)
        self.weight_ih = nn.Parameter(torch.empty(4 * output_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(4 * output_size, output_size))
        self.bias = nn.Parameter(torch.empty(4 * output_size))

    def reset_parameters(self) -> None:
        bound = self.output_size**-0.5
        for weight in (self.weight_ih, self.weight_hh, self.bias):
            nn.init.uniform_(weight, -bound, bound)
        self.bias.data[self.output_size : 2 * self.output_size] = self.config.forget_gate_bias

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        weight_hh = drop_weights(self.weight_hh, self.config.scaled("dropout_weight"), training=self.training)
        outputs, state = self._run(inputs.transpose(0, 1), state, weight_hh)
        return torch.stack(outputs).transpose(0, 1), state

    @abstractmethod
    def _run(self, inputs: Tensor, state: State, weight_hh: Tensor) -> tuple[list[Tensor], State]:
        """Read inputs (T, B, I) with the matrix (4H, H) of this window; return the output (B, H) of each step."""


class LoopProduct:
    """Products with the same weights at every step of a loop: sums_t = added_t + rows_t @ weight.T + ...

    A weight's gradient is taken when the way back has passed all steps. Until then each step leaves the gradient of its
    sums in that of `added`, to which it is equal.

    Args:
        added: (T, B, N), what is added at each step, an expanded bias for example.
        weights: (N, K) each.
    """

    def __init__(self, added: Tensor, *weights: Tensor) -> None:
        self._learning = torch.is_grad_enabled() and any(weight.requires_grad for weight in weights)
        self._rows: list[list[Tensor]] = [[] for _ in weights]
        if self._learning:
            added = cast(Tensor, _WithGradientsOf.apply(added, self._rows, *weights))  # type: ignore[no-untyped-call]
        self._added = added.unbind()
        # As autocast would shorten them, once instead of at each step.
        transposed = [weight.detach().to(product_format(weight)).t() for weight in weights]
        # A copy makes each product a fifth faster; for a single step, in generation, it costs more than it saves.
        self._transposed = [weight.contiguous() if len(added) > 1 else weight for weight in transposed]

    def __call__(self, step: int, *rows: Tensor) -> Tensor:
        """Return added[step] plus the products of rows, (B, K) for each weight; once for each step."""
        sums = self._added[step]
        for read, transposed, kept in zip(rows, self._transposed, self._rows, strict=True):
            factor = read.to(transposed.dtype)
            if self._learning:
                kept.append(factor.detach())
            sums = torch.addmm(sums, factor, transposed)
        return sums


class _WithGradientsOf(torch.autograd.Function):
    """Returns `added`; on the way back, gives the weights of a LoopProduct their gradients."""

    @staticmethod
    def forward(ctx: Any, added: Tensor, rows: list[list[Tensor]], *weights: Tensor) -> Tensor:
        """Keep the lists, which the loop is about to fill."""
        ctx.rows, ctx.dtypes = rows, [weight.dtype for weight in weights]
        return added.view_as(added)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_sums: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of `forward`'s arguments from those of all steps' sums, (T, B, N)."""
        gradients = []
        for kept, dtype in zip(ctx.rows, ctx.dtypes, strict=True):
            rows = torch.stack(kept).flatten(0, 1)
            gradients.append((d_sums.flatten(0, 1).t().to(rows.dtype) @ rows).to(dtype))
        return d_sums, None, *gradients
