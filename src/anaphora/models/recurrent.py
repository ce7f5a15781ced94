"""Elman, LSTM and GRU language models on the framework's own layers, whose fused CPU and cuDNN kernels stay in use.

    tokens -> embedding -> dropout_input -> recurrent layers (dropout_hidden between them) -> dropout_output -> head

Shapes: B batch, T time, V vocabulary, E embedding, H hidden, L layers. The state is (h,) or, for an LSTM, (h, c), each
(B, L, H): the batch comes first at every public border; the framework's (L, B, H) stays inside this file.
"""

import warnings
from collections.abc import Iterator
from typing import Literal, Self, cast

from pydantic import Field, model_validator
from torch import Tensor, nn

from anaphora.errors import AnaphoraWarning
from anaphora.models.headed import HeadedConfig, HeadedLanguageModel
from anaphora.models.language_model import Reading, State, map_state
from anaphora.models.lstm_recurrence import run_by_table, table_pays


class RecurrentConfig(HeadedConfig):
    """What a recurrent language model is made of, beside what `HeadedConfig` lists.

    Attributes:
        name: "elman" (Elman 1990), "lstm" (Hochreiter and Schmidhuber 1997; forget gate by Gers et al. 2000) or
            "gru" (Cho et al. 2014, in cuDNN's form, with the reset gate after the product).
        activation: of the Elman layer; has no effect on the others.
        dropout_input: on the embedded tokens (Zaremba et al. 2014 put dropout on non-recurrent connections only).
        dropout_hidden: between layers; has no effect with one layer.
        dropout_output: on what the head reads.
        tie_weights: where E and H differ, a linear projection H -> E stands between.
        forget_gate_bias: start value of the LSTM's forget-gate bias (Jozefowicz et al. 2015 advise 1).
        initialization: of the hidden-to-hidden matrices: "uniform" within 1/sqrt(H), or "orthogonal"
            (Saxe et al. 2014).
    """

    name: Literal["elman", "lstm", "gru"] = "lstm"
    activation: Literal["tanh", "relu"] = "tanh"
    dropout_input: float = Field(default=0.0, ge=0.0, lt=1.0)
    dropout_hidden: float = Field(default=0.0, ge=0.0, lt=1.0)
    dropout_output: float = Field(default=0.0, ge=0.0, lt=1.0)
    forget_gate_bias: float = 1.0
    initialization: Literal["uniform", "orthogonal"] = "uniform"

    @model_validator(mode="after")
    def _warn_of_settings_without_effect(self) -> Self:
        without_effect = {
            "activation": self.name != "elman",
            "forget_gate_bias": self.name != "lstm",
            "dropout_hidden": self.num_layers == 1,
        }
        for key in (key for key, idle in without_effect.items() if idle):
            if getattr(self, key) != type(self).model_fields[key].default:
                where = f"on the model {self.name!r}" + (" with one layer" if key == "dropout_hidden" else "")
                warnings.warn(f"{key} in [model] has no effect {where}", AnaphoraWarning, stacklevel=2)
        return self


class RecurrentLanguageModel(HeadedLanguageModel):
    """Embedding, a stack of recurrent layers of one kind, and a head over the vocabulary."""

    config_class = RecurrentConfig
    config: RecurrentConfig

    def __init__(self, config: RecurrentConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size, config.hidden_size)
        self.layers = _framework_layers(config)
        self.dropout_input = nn.Dropout(config.dropout_input)
        self.dropout_output = nn.Dropout(config.dropout_output)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        super().reset_parameters()
        self.layers.reset_parameters()
        if self.config.initialization == "orthogonal":
            for gate in self._hidden_to_hidden_gates():
                nn.init.orthogonal_(gate)
        if self.config.name == "lstm":
            self._set_forget_gate_bias(self.config.forget_gate_bias)

    def layer_weights(self) -> list[list[nn.Parameter]]:
        return [self._layer(number) for number in range(self.config.num_layers)]

    def hidden_matrices(self) -> list[tuple[nn.Parameter, int]]:
        matrices = [weight for layer in self.layer_weights() for weight in layer if weight.ndim == 2]
        return [(matrix, len(matrix) // self.config.hidden_size) for matrix in matrices]

    def initial_state(self, batch_size: int) -> State:
        weight = next(self.layers.parameters())
        shape = (batch_size, self.config.num_layers, self.config.hidden_size)
        num_parts = 2 if self.config.name == "lstm" else 1
        return tuple(weight.new_zeros(shape) for _ in range(num_parts))

    def read(self, tokens: Tensor, state: State) -> tuple[Reading, State]:
        dropped = self.training and self.config.dropout_input > 0
        if (
            isinstance(self.layers, nn.LSTM)
            and isinstance(self.embedding, nn.Embedding)
            and not dropped
            and table_pays(self.layers, self.embedding.weight, tokens)
        ):
            hidden, inner = run_by_table(self.layers, self.embedding.weight, tokens, _inner(state))
            return self._reading(hidden, inner, state)
        return super().read(tokens, state)

    def read_embedded(self, embedded: Tensor, state: State) -> tuple[Reading, State]:
        embedded, inner = self.dropout_input(embedded), _inner(state)
        if self.config.name == "lstm":
            hidden, last = self.layers(embedded, inner)
            return self._reading(hidden, cast(State, last), state)
        hidden, last = self.layers(embedded, inner[0])
        return self._reading(hidden, (last,), state)

    def _reading(self, hidden: Tensor, inner: State, before: State) -> tuple[Reading, State]:
        """Return the reading of the last layer's output (B, T, H), and the framework's state with the batch first."""
        dtype = before[0].dtype  # under autocast the layers return bfloat16; a state keeps full precision
        state = map_state(inner, lambda part: part.transpose(0, 1).to(dtype))
        return self.reading(hidden, self.dropout_output(hidden)), state

    def _layer(self, number: int) -> list[nn.Parameter]:
        """Return the weights of one layer: input-to-hidden, hidden-to-hidden, and their biases."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [getattr(self.layers, f"{name}_l{number}") for name in names]

    def _hidden_to_hidden_gates(self) -> Iterator[Tensor]:
        """Yield the (H, H) matrix of each gate of each layer."""
        for layer in range(self.config.num_layers):
            gates: Tensor = getattr(self.layers, f"weight_hh_l{layer}").data
            yield from gates.chunk(len(gates) // self.config.hidden_size)

    def _set_forget_gate_bias(self, value: float) -> None:
        """Set the forget gate's two biases, which add up, to `value` and 0. The gates' order is i, f, g, o."""
        forget = slice(self.config.hidden_size, 2 * self.config.hidden_size)
        for layer in range(self.config.num_layers):
            getattr(self.layers, f"bias_ih_l{layer}").data[forget] = value
            getattr(self.layers, f"bias_hh_l{layer}").data[forget] = 0.0


def _inner(state: State) -> State:
    """Return a state as the framework's layers take it, (L, B, H)."""
    return map_state(state, lambda part: part.transpose(0, 1).contiguous())


def _framework_layers(config: RecurrentConfig) -> nn.RNNBase:
    sizes = (config.embedding_dim, config.hidden_size, config.num_layers)
    dropout = config.dropout_hidden if config.num_layers > 1 else 0.0
    if config.name == "lstm":
        return nn.LSTM(*sizes, batch_first=True, dropout=dropout)
    if config.name == "gru":
        return nn.GRU(*sizes, batch_first=True, dropout=dropout)
    return nn.RNN(*sizes, nonlinearity=config.activation, batch_first=True, dropout=dropout)
