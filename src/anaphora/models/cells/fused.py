"""LSTM, GRU and Elman layers with weight dropout that stay on the framework's fused kernels: the layers of AWD-LSTM.

nn.LSTM keeps its hidden-to-hidden matrix to itself; who replaces it there at each step loses the fused path, or drops
nothing without a word. Here the layer owns its matrices and hands them to the kernel that nn.LSTM calls.

Shapes: B batch, T time, I input, H output, G gates (LSTM 4: i, f, g, o; GRU 3: r, z, n; Elman 1).
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from anaphora.models.cells.cell import Cell, StackConfig
from anaphora.models.language_model import State, map_state
from anaphora.models.layers.dropout import drop_weights


class AwdLstmConfig(StackConfig):
    """LSTM layers with all five dropouts (Merity et al. 2018, arXiv 1708.02182, whose sizes are the defaults).

    Attributes:
        forget_gate_bias: where the forget gate's bias starts (Jozefowicz et al. 2015 advise 1; the paper has about 0).
    """

    name: Literal["awd-lstm"] = "awd-lstm"
    forget_gate_bias: float = 1.0


class AwdGruConfig(StackConfig):
    """The same with GRU layers (Cho et al. 2014, in cuDNN's form, with the reset gate after the product)."""

    name: Literal["awd-gru"] = "awd-gru"


class AwdElmanConfig(StackConfig):
    """The same with plain tanh layers (Elman 1990)."""

    name: Literal["awd-elman"] = "awd-elman"


class FusedCell(Cell):
    """A layer whose whole window is one call of a fused kernel."""

    gates: ClassVar[int]

    def __init__(self, input_size: int, output_size: int, config: StackConfig) -> None:
        super().__init__(input_size, output_size, config)
        rows = self.gates * output_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        self.weight_hh = nn.Parameter(torch.empty(rows, output_size))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows))

    def reset_parameters(self) -> None:
        bound = self.output_size**-0.5
        for weight in self.parameters():
            nn.init.uniform_(weight, -bound, bound)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        dropped = drop_weights(self.weight_hh, self.config.scaled("dropout_weight"), training=self.training)
        weights = [self.weight_ih, dropped, self.bias_ih, self.bias_hh]
        if inputs.shape[1] == 1 and not torch.is_grad_enabled():
            # In generation: the kernels for windows would repack the weights for each token.
            state = self._step(inputs[:, 0], state, weights)
            return state[0].unsqueeze(1), state
        if inputs.is_cuda:
            weights = _in_one_buffer(weights)
        outputs, last = self._run(inputs.transpose(0, 1), map_state(state, lambda part: part.unsqueeze(0)), weights)
        return outputs.transpose(0, 1), map_state(last, lambda part: part.squeeze(0))

    @abstractmethod
    def _run(self, inputs: Tensor, state: State, weights: list[Tensor]) -> tuple[Tensor, State]:
        """Run the kernel over inputs (T, B, I), with states of (1, B, H)."""

    @abstractmethod
    def _step(self, inputs: Tensor, state: State, weights: list[Tensor]) -> State:
        """Return the state after one step over inputs (B, I)."""


class LstmCell(FusedCell):
    """Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000."""

    config_class = AwdLstmConfig
    config: AwdLstmConfig
    num_state_parts = 2
    gates = 4

    def reset_parameters(self) -> None:
        super().reset_parameters()
        forget = slice(self.output_size, 2 * self.output_size)
        self.bias_ih.data[forget], self.bias_hh.data[forget] = self.config.forget_gate_bias, 0.0

    def _run(self, inputs: Tensor, state: State, weights: list[Tensor]) -> tuple[Tensor, State]:
        # The rest says: with biases, one layer, no dropout of the kernel's own, not in both directions, time first.
        outputs, h, c = torch.lstm(inputs, state, weights, True, 1, 0.0, self.training, False, False)
        return outputs, (h, c)

    def _step(self, inputs: Tensor, state: State, weights: list[Tensor]) -> State:
        return torch.lstm_cell(inputs, state, *weights)


class HiddenStateCell(FusedCell):
    """A layer whose state is h alone."""

    num_state_parts = 1
    window_kernel: ClassVar[Callable[..., tuple[Tensor, Tensor]]]
    step_kernel: ClassVar[Callable[..., Tensor]]

    def _run(self, inputs: Tensor, state: State, weights: list[Tensor]) -> tuple[Tensor, State]:
        outputs, h = type(self).window_kernel(inputs, state[0], weights, True, 1, 0.0, self.training, False, False)
        return outputs, (h,)

    def _step(self, inputs: Tensor, state: State, weights: list[Tensor]) -> State:
        return (type(self).step_kernel(inputs, *state, *weights),)


class GruCell(HiddenStateCell):
    """Cho et al. 2014."""

    config_class = AwdGruConfig
    gates = 3
    window_kernel, step_kernel = staticmethod(torch.gru), staticmethod(torch.gru_cell)


class ElmanCell(HiddenStateCell):
    """Elman 1990."""

    config_class = AwdElmanConfig
    gates = 1
    window_kernel, step_kernel = staticmethod(torch.rnn_tanh), staticmethod(torch.rnn_tanh_cell)


def _in_one_buffer(weights: list[Tensor]) -> list[Tensor]:
    """Copy the matrices, in cuDNN's order, into one buffer, and return them as parts of it.

    cuDNN wants one buffer; given separate matrices it makes one itself, at each call and with a warning.
    """
    buffer = torch.cat([weight.flatten() for weight in weights])
    parts = buffer.split([weight.numel() for weight in weights])
    return [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]
