"""What a stack of recurrent layers and each of its layers agree on: the settings of the stack, and the cell's contract.

Shapes: B batch, T time, I width of a layer's input, H of its output.
"""

import warnings
from abc import ABC, abstractmethod
from typing import ClassVar, Self

from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.errors import AnaphoraWarning
from anaphora.models.headed import HeadedConfig
from anaphora.models.language_model import State

_DROPOUTS = ("dropout_embedding", "dropout_input", "dropout_hidden", "dropout_output", "dropout_weight")


class StackConfig(HeadedConfig):
    """What every stack is made of, beside what `HeadedConfig` lists; a cell's own configuration adds to it.

    The dropouts are those of AWD-LSTM (Merity et al. 2018, arXiv 1708.02182); in brackets their names in its code.

    Attributes:
        last_hidden_size: units of the last layer; None makes it as wide as a tied embedding, else as the others.
        dropout_embedding: of whole rows of the embedding matrix (dropoute).
        dropout_input: locked, on what the first layer reads (dropouti).
        dropout_hidden: locked, between layers (dropouth).
        dropout_output: locked, on what the head reads (dropout).
        dropout_weight: of single hidden-to-hidden weights (wdrop).
        drop_mult: multiplies all of these, as in fastai.
    """

    embedding_dim: int = Field(default=400, ge=1, le=1 << 16)
    hidden_size: int = Field(default=1150, ge=1, le=1 << 16)
    num_layers: int = Field(default=3, ge=1, le=64)
    last_hidden_size: int | None = Field(default=None, ge=1, le=1 << 16)
    tie_weights: bool = True
    dropout_embedding: float = Field(default=0.1, ge=0.0, lt=1.0)
    dropout_input: float = Field(default=0.4, ge=0.0, lt=1.0)
    dropout_hidden: float = Field(default=0.25, ge=0.0, lt=1.0)
    dropout_output: float = Field(default=0.4, ge=0.0, lt=1.0)
    dropout_weight: float = Field(default=0.5, ge=0.0, lt=1.0)
    drop_mult: float = Field(default=1.0, ge=0.0)

    def scaled(self, dropout: str) -> float:
        """Return the probability that acts: the setting of that name times `drop_mult`."""
        return self.drop_mult * float(getattr(self, dropout))

    @property
    def widths(self) -> list[int]:
        """The width of what each layer reads, and last that of what the head reads: L + 1 numbers."""
        last = self.last_hidden_size or (self.embedding_dim if self.tie_weights else self.hidden_size)
        return [self.embedding_dim, *[self.hidden_size] * (self.num_layers - 1), last]

    @model_validator(mode="after")
    def _check_scaled_dropouts(self) -> Self:
        for key in _DROPOUTS:
            if self.scaled(key) >= 1.0:
                raise ValueError(f"drop_mult = {self.drop_mult:g} makes {key} {self.scaled(key):g}; it must be below 1")
        return self

    @model_validator(mode="after")
    def _warn_of_settings_between_layers(self) -> Self:
        if self.num_layers > 1:
            return self
        one_layer = f"on the model {self.name!r} with one layer"
        idle = {
            "dropout_hidden": (True, one_layer),
            "hidden_size": (self.widths[-1] != self.hidden_size, f"{one_layer}, which has {self.widths[-1]} units"),
        }
        for key, (without_effect, where) in idle.items():
            if without_effect and getattr(self, key) != type(self).model_fields[key].default:
                warnings.warn(f"{key} in [model] has no effect {where}", AnaphoraWarning, stacklevel=2)
        return self


class Cell(nn.Module, ABC):
    """One recurrent layer. It reads (B, T, I) and says (B, T, H); in memory both have the time first where they can.

    Args:
        input_size: I.
        output_size: H.
        config: of the whole stack, `config_class`; a cell finds its own settings in it, and `dropout_weight`.
    """

    config_class: ClassVar[type[StackConfig]]
    num_state_parts: int  # tensors that its state has
    is_residual: ClassVar[bool] = False  # adds to what it reads; such a sum is normed before the head

    def __init__(self, input_size: int, output_size: int, config: StackConfig) -> None:
        super().__init__()
        self.input_size, self.output_size, self.config = input_size, output_size, config

    @abstractmethod
    def reset_parameters(self) -> None:
        """Draw all weights anew from torch's generator."""

    def matrices(self) -> list[tuple[nn.Parameter, int]]:
        """Return each matrix of this layer, and how many gates, of H rows each, are stacked in it."""
        matrices = [weight for weight in self.parameters() if weight.ndim == 2]
        return [(matrix, len(matrix) // self.output_size or 1) for matrix in matrices]

    def initial_state(self, batch_size: int) -> State:
        """Return the state before any token: a tuple of tensors, each (B, ...); here zeros (B, H)."""
        zeros = next(self.parameters()).new_zeros(batch_size, self.output_size)
        return (zeros,) * self.num_state_parts

    @abstractmethod
    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Read inputs (B, T, I); return the outputs (B, T, H), and the state after the last.

        `inputs.transpose(0, 1)` is contiguous in the common case; outputs that are such a view cost the next layer
        and the head no copy. Under autocast, where outputs are bfloat16, the stack sees to it that states are not.
        """

    def read_types(self, table: Tensor, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Do what `forward` does with inputs that stand in a table (V, I), one row for each of the tokens (B, T).

        A cell that overrides it has less to compute than for inputs of all steps; `layers/type_table.py` says when.
        """
        return self.forward(F.embedding(tokens.t(), table).transpose(0, 1), state)
