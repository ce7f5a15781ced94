"""Layers of any cell, in one direction or in both, trained from nothing: the encoder of a classifier's own.

    tokens -> embedding (dropout_embedding) -> dropout_input -> layer 1 -> dropout_hidden -> ... -> layer L -> features

A bidirectional layer is two cells, one of which reads each document from its own end to its beginning; what both say of
a token is joined, and the next layer reads the pair (Schuster and Paliwal 1997). The rows are turned round within their
true lengths, so padding is always met last, after all that counts; packing would take the framework's layers off their
fused path. Shapes: B batch, T time, E embedding, H hidden, W width: H, or 2 H in both directions.
"""

from typing import Any, ClassVar

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from anaphora.models.cells.cell import Cell, StackConfig
from anaphora.models.cells.registry import CELLS
from anaphora.models.encoders.encoder import Encoded, Encoder, EncoderConfig, at, read_in_pieces, take, turned
from anaphora.models.layers.dropout import LockedDropout, embed_with_dropout

_PLAIN_NAMES = {"elman": "awd-elman", "gru": "awd-gru", "lstm": "awd-lstm"}


class StackEncoderConfig(EncoderConfig):
    """What an encoder of one's own is made of.

    Attributes:
        name: "elman", "lstm", "gru", or any other cell of `cells/registry.py`.
        bidirectional: whether each layer reads in both directions.
        embedding_dim, hidden_size, num_layers: E, H and L.
        embedding_range: the embedding starts uniform in [-embedding_range, embedding_range].
        dropout_embedding: of whole types, wherever they occur.
        dropout_input: locked, on what the first layer reads.
        dropout_hidden: locked, between layers.
        dropout_weight: of single hidden-to-hidden weights.
        cell: more settings of the cell, as in the [model] section of a language model of it.
    """

    name: str = "lstm"
    bidirectional: bool = True
    embedding_dim: int = Field(default=128, ge=1, le=1 << 16)
    hidden_size: int = Field(default=128, ge=1, le=1 << 16)
    num_layers: int = Field(default=1, ge=1, le=64)
    embedding_range: float = Field(default=0.1, gt=0.0)
    dropout_embedding: float = Field(default=0.0, ge=0.0, lt=1.0)
    dropout_input: float = Field(default=0.3, ge=0.0, lt=1.0)
    dropout_hidden: float = Field(default=0.2, ge=0.0, lt=1.0)
    dropout_weight: float = Field(default=0.0, ge=0.0, lt=1.0)
    cell: dict[str, Any] = Field(default_factory=dict)

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if _PLAIN_NAMES.get(name, name) not in CELLS:
            raise ValueError(f"no such encoder (known: {', '.join([*_PLAIN_NAMES, *CELLS])}, language-model)")
        return name


class StackEncoder(Encoder):
    """Embedding and layers of one kind of cell."""

    config_class: ClassVar[type[StackEncoderConfig]] = StackEncoderConfig
    config: StackEncoderConfig

    def __init__(self, config: StackEncoderConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        name = _PLAIN_NAMES.get(config.name, config.name)
        cell, shape = CELLS[name], _cell_config(name, config)
        directions = 2 if config.bidirectional else 1
        self.width, self.embedding_dim = directions * config.hidden_size, config.embedding_dim
        self.embedding = nn.Embedding(vocab_size, config.embedding_dim)
        widths = [config.embedding_dim, *[self.width] * (config.num_layers - 1)]
        self.layers = nn.ModuleList(
            nn.ModuleList(cell(below, config.hidden_size, shape) for _ in range(directions)) for below in widths
        )
        self.dropout_input = LockedDropout(config.dropout_input)
        self.dropout_hidden = LockedDropout(config.dropout_hidden)
        self.norm = nn.LayerNorm(self.width, bias=False) if cell.is_residual else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.embedding.weight, -self.config.embedding_range, self.config.embedding_range)
        for cell in self._cells():
            cell.reset_parameters()

    def embed(self, tokens: Tensor) -> Tensor:
        # With the time first in memory, as the layers want it.
        p = self.config.dropout_embedding
        return embed_with_dropout(self.embedding, tokens.t(), p, training=self.training).transpose(0, 1)

    def encode(self, embedded: Tensor, lengths: Tensor) -> Encoded:
        places = turned(lengths, embedded.shape[1]) if self.config.bidirectional else None
        hidden = embedded
        for number, layer in enumerate(self.layers):
            hidden = (self.dropout_hidden if number else self.dropout_input)(hidden)
            forward, *backward = [cell for cell in layer.children() if isinstance(cell, Cell)]
            outputs = [self._run(forward, hidden)]
            if places is not None:
                outputs.append(take(self._run(backward[0], take(hidden, places)), places))
            hidden = torch.cat(outputs, -1) if len(outputs) > 1 else outputs[0]
        features = hidden if self.norm is None else self.norm(hidden)
        return Encoded(features, self._last(features, lengths))

    def layer_groups(self) -> list[list[nn.Parameter]]:
        top = [] if self.norm is None else [list(self.norm.parameters())]
        return [list(self.embedding.parameters()), *(list(layer.parameters()) for layer in self.layers), *top]

    def hidden_matrices(self) -> list[tuple[nn.Parameter, int]]:
        return [matrix for cell in self._cells() for matrix in cell.matrices()]

    def _cells(self) -> list[Cell]:
        return [cell for cell in self.layers.modules() if isinstance(cell, Cell)]

    def _run(self, cell: Cell, inputs: Tensor) -> Tensor:
        return read_in_pieces(cell, inputs, cell.initial_state(len(inputs)), self.config)

    def _last(self, features: Tensor, lengths: Tensor) -> Tensor:
        if not self.config.bidirectional:
            return at(features, lengths - 1)
        forward, backward = features.chunk(2, -1)
        return torch.cat([at(forward, lengths - 1), backward[:, 0]], -1)


def _cell_config(name: str, config: StackEncoderConfig) -> StackConfig:
    """Return the configuration that a cell finds its own settings in."""
    values = {
        "name": name,
        "embedding_dim": config.embedding_dim,
        "hidden_size": config.hidden_size,
        "last_hidden_size": config.hidden_size,
        "num_layers": config.num_layers,
        "dropout_weight": config.dropout_weight,
    }
    return CELLS[name].config_class(**{**values, **config.cell})
