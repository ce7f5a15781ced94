"""The embedding below a tied adaptive head: narrow vectors for rare types, brought to full width by a matrix per band.

Baevski and Auli 2019, "Adaptive input representations for neural language modeling" (arXiv 1809.10853). The tables are
shared with the head; the matrices that widen and narrow are not.

Shapes: V vocabulary, E embedding.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.layers.bands import Bands, in_full_precision


class AdaptiveEmbedding(nn.Module):
    """Looks up vectors (E,) of types whose frequency decides how many numbers of their own they have.

    Args:
        bands: of the vocabulary; the first is E wide.
    """

    ranks: Tensor

    def __init__(self, bands: Bands) -> None:
        super().__init__()
        self.bands = bands
        self.num_embeddings, self.embedding_dim = bands.bounds[-1], bands.widths[0]
        shapes = zip(bands.sizes, bands.widths, strict=True)
        self.tables = nn.ParameterList(nn.Parameter(torch.empty(shape)) for shape in shapes)
        self.widening = nn.ParameterList(
            nn.Parameter(torch.empty(self.embedding_dim, width)) for width in bands.widths[1:]
        )
        self.register_buffer("ranks", torch.arange(self.num_embeddings))

    def reset_parameters(self, embedding_range: float) -> None:
        """Draw all weights anew: vectors of every band end up about as long as uniform ones of that range."""
        for table in self.tables:
            nn.init.uniform_(table, -embedding_range, embedding_range)
        for matrix in self.widening:
            nn.init.normal_(matrix, std=matrix.shape[1] ** -0.5)

    @property
    def weight(self) -> Tensor:
        """The vectors of all types, (V, E), made anew each time."""
        wide = [table @ matrix.t() for table, matrix in zip(self.tables[1:], self.widening, strict=True)]
        return torch.cat([self.tables[0], *wide])[self.ranks]

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the vectors (..., E) of tokens (...), int64."""
        first, *rarer = self.bands.sort(self.ranks[tokens.flatten()])
        vectors = [F.embedding(first.places, self.tables[0])]
        with in_full_precision(tokens.device):
            for band, table, matrix in zip(rarer, self.tables[1:], self.widening, strict=True):
                vectors.append(F.linear(F.embedding(band.places, table), matrix))
        order = torch.cat([first.rows, *(band.rows for band in rarer)]).argsort()
        return torch.cat(vectors)[order].view(*tokens.shape, -1)


Embedding = nn.Embedding | AdaptiveEmbedding
