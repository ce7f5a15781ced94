"""The three dropouts of AWD-LSTM that PyTorch does not have: locked, of whole embeddings, and of weights.

Each divides what it keeps by 1 - p, and does nothing in evaluation or at p = 0. The masks come from torch's global
generator, so that a resumed run draws the same. Shapes: B batch, T time, V vocabulary, E embedding.
"""

from torch import Tensor, nn
from torch.nn import functional as F


class LockedDropout(nn.Module):
    """One mask for a whole window: a unit that is dropped is dropped at every step (Gal and Ghahramani 2016).

    Also called variational dropout. It acts on (B, T, ...); each row has a mask of its own.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, activations: Tensor) -> Tensor:
        """Drop from activations (B, T, ...)."""
        if not self.training or self.p == 0.0:
            return activations
        ones = activations.new_ones(activations.shape[0], 1, *activations.shape[2:])
        return activations * F.dropout(ones, self.p)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"


def embed_with_dropout(embedding: nn.Embedding, tokens: Tensor, p: float, *, training: bool) -> Tensor:
    """Look up tokens (...), int64, in a matrix of which whole rows are dropped: (..., E).

    One mask for each call, so a type that is dropped is missing wherever it occurs (Gal and Ghahramani 2016; Merity
    et al. 2018, section 4.3). A tied head uses the matrix whole.
    """
    embedded: Tensor = embedding(tokens)
    if not training or p == 0.0:
        return embedded
    kept = F.dropout(embedding.weight.new_ones(embedding.num_embeddings), p)
    return embedded * kept[tokens].unsqueeze(-1)


def drop_weights(weight: Tensor, p: float, *, training: bool) -> Tensor:
    """Return a recurrent matrix with single weights dropped, for one forward pass (DropConnect; Wan et al. 2013).

    On the hidden-to-hidden matrices of an LSTM this is AWD-LSTM's weight dropout (Merity et al. 2018, section 2): one
    mask for a whole window. The result is a new contiguous matrix, and gradients flow to `weight` through it.
    """
    return F.dropout(weight, p) if training and p > 0.0 else weight
