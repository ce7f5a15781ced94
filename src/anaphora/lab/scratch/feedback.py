"""The recurrences that go through the output instead of the hidden layer.

    hidden-to-hidden   h' = tanh(x W_xh + h W_hh + b_h)     y' = h' W_hy + b_y     the Elman cell (elman.py)
    output-to-hidden   h' = tanh(x W_xh + y W_yh + b_h)     y' = h' W_hy + b_y     Jordan (1986)
    output-to-output   h' = tanh(x W_xh + b_h)              y' = h' W_hy + y W_yy + b_y

The last two must squeeze all that they remember through the output, which training pulls towards the target: they
remember less, but with the true output fed back each step can be trained alone (teacher forcing).
Shapes: B batch, T time, E input, H hidden, O output. The state is (y,), (B, O). No framework has layers for these.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class OutputRecurrence(nn.Module, ABC):
    """A net whose memory is its last output."""

    def __init__(self, input_dim: int, hidden_size: int, output_dim: int) -> None:
        super().__init__()
        self.output_dim = output_dim
        self.input_to_hidden = nn.Linear(input_dim, hidden_size)
        self.hidden_to_output = nn.Linear(hidden_size, output_dim)

    @abstractmethod
    def step(self, inputs: Tensor, output: Tensor) -> Tensor:
        """Read inputs (B, E) of one token and the output before it; return the output (B, O) after it."""

    def forward(self, inputs: Tensor, output: Tensor) -> Tensor:
        """Read inputs (B, T, E), starting from `output` (B, O); return the output after each token, (B, T, O)."""
        outputs = []
        for token in inputs.unbind(1):
            output = self.step(token, output)
            outputs.append(output)
        return torch.stack(outputs, 1)


class OutputToHidden(OutputRecurrence):
    """The last output is one more input of the hidden layer."""

    def __init__(self, input_dim: int, hidden_size: int, output_dim: int) -> None:
        super().__init__(input_dim, hidden_size, output_dim)
        self.output_to_hidden = nn.Linear(output_dim, hidden_size, bias=False)

    def step(self, inputs: Tensor, output: Tensor) -> Tensor:
        h = torch.tanh(self.input_to_hidden(inputs) + self.output_to_hidden(output))
        new: Tensor = self.hidden_to_output(h)
        return new


class OutputToOutput(OutputRecurrence):
    """The last output goes straight into the next; the hidden layer sees nothing but its input."""

    def __init__(self, input_dim: int, hidden_size: int, output_dim: int) -> None:
        super().__init__(input_dim, hidden_size, output_dim)
        self.output_to_output = nn.Linear(output_dim, output_dim, bias=False)

    def step(self, inputs: Tensor, output: Tensor) -> Tensor:
        h = torch.tanh(self.input_to_hidden(inputs))
        new: Tensor = self.hidden_to_output(h) + self.output_to_output(output)
        return new
