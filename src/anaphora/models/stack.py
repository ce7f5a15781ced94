"""The regularised stack: any cell of `cells/registry.py`, layer upon layer, with the dropouts of AWD-LSTM around it.

    tokens -> embedding (dropout_embedding) -> dropout_input -> cell 1 -> dropout_hidden -> ... -> cell L
           -> dropout_output -> head

Merity, Keskar and Socher 2018, "Regularizing and optimizing LSTM language models" (arXiv 1708.02182). Shapes: B batch,
T time, E embedding, H hidden, L layers. The state is that of cell 1, then of cell 2, and so on; each tensor (B, ...).
"""

from collections.abc import Callable
from itertools import islice, pairwise
from typing import cast

from torch import Tensor, nn

from anaphora.models.cells.block_pass import add_and_norm
from anaphora.models.cells.cell import Cell, StackConfig
from anaphora.models.cells.registry import CELLS
from anaphora.models.headed import HeadedLanguageModel
from anaphora.models.language_model import ModelConfig, Reading, State
from anaphora.models.layers.dropout import LockedDropout, drop_rows, embed_with_dropout
from anaphora.models.layers.type_table import table_pays


class StackLanguageModel(HeadedLanguageModel):
    """Embedding, a stack of cells of one kind, and a head over the vocabulary."""

    config_class = StackConfig
    config: StackConfig

    def __init__(self, config: StackConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size, config.widths[-1])
        cell = CELLS[config.name]
        self.layers = nn.ModuleList(cell(below, above, config) for below, above in pairwise(config.widths))
        self.norm = nn.LayerNorm(config.widths[-1], bias=False) if cell.is_residual else None
        self.dropout_input = LockedDropout(config.scaled("dropout_input"))
        self.dropout_hidden = LockedDropout(config.scaled("dropout_hidden"))
        self.dropout_output = LockedDropout(config.scaled("dropout_output"))
        self.reset_parameters()

    @classmethod
    def config_class_for(cls, name: str) -> type[ModelConfig]:
        return CELLS[name].config_class

    @property
    def cells(self) -> list[Cell]:
        """The layers, from the embedding to the head."""
        return [cast(Cell, layer) for layer in self.layers]

    def reset_parameters(self) -> None:
        super().reset_parameters()
        for cell in self.cells:
            cell.reset_parameters()
        if self.norm is not None:
            self.norm.reset_parameters()

    def layer_weights(self) -> list[list[nn.Parameter]]:
        return [list(cell.parameters()) for cell in self.cells]

    def hidden_matrices(self) -> list[tuple[nn.Parameter, int]]:
        return [matrix for cell in self.cells for matrix in cell.matrices()]

    def initial_state(self, batch_size: int) -> State:
        return tuple(part for cell in self.cells for part in cell.initial_state(batch_size))

    def embed(self, tokens: Tensor) -> Tensor:
        p = self.config.scaled("dropout_embedding")
        return embed_with_dropout(self.embedding, tokens.t(), p, training=self.training).transpose(0, 1)

    def read(self, tokens: Tensor, state: State) -> tuple[Reading, State]:
        untouched = not self.training or self.dropout_input.p == 0.0
        if not (untouched and isinstance(self.embedding, nn.Embedding) and table_pays(self.embedding.weight, tokens)):
            return super().read(tokens, state)
        table = drop_rows(self.embedding.weight, self.config.scaled("dropout_embedding"), training=self.training)
        return self._read(lambda cell, own: cell.read_types(table, tokens, own), state)

    def read_embedded(self, embedded: Tensor, state: State) -> tuple[Reading, State]:
        return self._read(lambda cell, own: cell(self.dropout_input(embedded), own), state)

    def _read(self, first: Callable[[Cell, State], tuple[Tensor, State]], state: State) -> tuple[Reading, State]:
        """Return the reading and the state, given what calls the first cell."""
        given = iter(state)
        hidden: Tensor | None = None
        last: list[Tensor] = []
        for cell in self.cells:
            own = tuple(islice(given, cell.num_state_parts))
            hidden, after = first(cell, own) if hidden is None else cell(self.dropout_hidden(hidden), own)
            last += [part.to(before.dtype) for part, before in zip(after, own, strict=True)]
        assert hidden is not None
        if self.norm is not None:
            _, normed = add_and_norm(hidden.transpose(0, 1), None, self.norm.weight)
            hidden = normed.transpose(0, 1)
        return self.reading(hidden, self.dropout_output(hidden)), tuple(last)
