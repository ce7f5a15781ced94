"""The Mogrifier LSTM: before each step input and state gate each other in turns.

Melis, Kočiský and Blunsom 2020, "Mogrifier LSTM" (arXiv 1909.01792), equations 1 and 2. Shapes: B batch, T time,
I input, H output, K rank.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from anaphora.models.cells.cell import StackConfig
from anaphora.models.cells.stepwise import LoopProduct, StepwiseConfig, StepwiseLstm
from anaphora.models.language_model import State
from anaphora.models.lstm_gates import lstm_step


class MogrifierConfig(StepwiseConfig):
    """LSTM layers in which input x and last output h modulate each other for some rounds.

    Attributes:
        mogrifier_rounds: r; 0 is the plain LSTM, and the paper finds 5 or 6 best.
        mogrifier_rank: K of the matrices' two factors; 0 leaves them whole.
        cap_input_gate: whether the input gate is at most 1 - f, as in the authors' code. Without it cells may grow for
            ever on a long text, and what they have grown to does not go away.
    """

    name: Literal["mogrifier"] = "mogrifier"
    mogrifier_rounds: int = Field(default=5, ge=0, le=32)
    mogrifier_rank: int = Field(default=64, ge=0)
    cap_input_gate: bool = True


class MogrifierCell(StepwiseLstm):
    """Rounds 1, 3, ...: x <- 2 s(Q h) x; rounds 2, 4, ...: h <- 2 s(R x) h; s is the logistic function. Then LSTM."""

    config_class = MogrifierConfig
    config: MogrifierConfig

    def __init__(self, input_size: int, output_size: int, config: StackConfig) -> None:
        super().__init__(input_size, output_size, config)
        shapes = [(input_size, output_size), (output_size, input_size)]  # Q, R, Q, R, ...
        self.rounds = nn.ParameterList(
            nn.Parameter(torch.empty(shape))
            for number in range(self.config.mogrifier_rounds)
            for shape in _factors(shapes[number % 2], self.config.mogrifier_rank)
        )

    def reset_parameters(self) -> None:
        super().reset_parameters()
        for factor in self.rounds:
            nn.init.uniform_(factor, -(factor.shape[1] ** -0.5), factor.shape[1] ** -0.5)

    def _run(self, inputs: Tensor, state: State, weight_hh: Tensor) -> tuple[list[Tensor], State]:
        (h, c), outputs = state, []
        seq_len, batch_size = inputs.shape[:2]
        bias = self.bias.expand(seq_len, batch_size, -1)
        product = LoopProduct(bias, self.weight_ih, weight_hh)
        rounds = self._products(seq_len, batch_size)
        for step, read in enumerate(inputs.unbind()):
            x, said = read, h
            for number, factors in enumerate(rounds):
                sums = x if number % 2 else said
                for factor in factors:
                    sums = factor(step, sums)
                # 2 s(a) = 1 + tanh(a / 2), and the half is in the last factor.
                if number % 2:
                    said = torch.addcmul(said, said, sums.tanh())
                else:
                    x = torch.addcmul(x, x, sums.tanh())
            h, c = lstm_step(product(step, x, said), c, cap_input_gate=self.config.cap_input_gate)
            outputs.append(h)
        return outputs, (h, c)

    def _products(self, seq_len: int, batch_size: int) -> list[list[LoopProduct]]:
        """Return for each round the products with its factors, the one from the right first."""
        per_round = 2 if self.config.mogrifier_rank else 1
        factors = list(self.rounds)
        products = []
        for start in range(0, len(factors), per_round):
            left, *right = factors[start : start + per_round]
            products.append([self._product(factor, seq_len, batch_size) for factor in (*right, left / 2)])
        return products

    def _product(self, factor: Tensor, seq_len: int, batch_size: int) -> LoopProduct:
        return LoopProduct(factor.new_zeros(()).expand(seq_len, batch_size, len(factor)), factor)


def _factors(shape: tuple[int, int], rank: int) -> list[tuple[int, int]]:
    """Return the shapes of the matrices whose product has `shape`: itself, or two of that rank."""
    return [(shape[0], rank), (rank, shape[1])] if rank else [shape]
