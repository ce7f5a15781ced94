"""The three dropouts of AWD-LSTM that PyTorch does not have: locked, of whole embeddings, and of weights.

Each divides what it keeps by 1 - p, and does nothing in evaluation or at p = 0. The masks come from torch's global
generator, so that a resumed run draws the same, or from one's own: see `masks_from`. Shapes: B batch, T time,
V vocabulary, E embedding.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Generator, Tensor, nn

from anaphora.models.layers.adaptive_embedding import Embedding

_SIXTEEN_BITS = 1 << 16
_GENERATOR: ContextVar[Generator | None] = ContextVar("generator of masks", default=None)


@contextmanager
def masks_from(generator: Generator) -> Iterator[None]:
    """Draw the masks of this thread from `generator` while the block runs: nets in other threads do not disturb it."""
    before = _GENERATOR.set(generator)
    try:
        yield
    finally:
        _GENERATOR.reset(before)


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
        return activations * draw_mask(activations[:, :1], self.p)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"


def embed_with_dropout(embedding: Embedding, tokens: Tensor, p: float, *, training: bool) -> Tensor:
    """Look up tokens (...), int64, in a matrix of which whole rows are dropped: (..., E).

    One mask for each call, so a type that is dropped is missing wherever it occurs (Gal and Ghahramani 2016; Merity
    et al. 2018, section 4.3). A tied head uses the matrix whole.
    """
    embedded: Tensor = embedding(tokens)
    if not training or p == 0.0:
        return embedded
    return embedded * draw_mask(embedded.new_empty(embedding.num_embeddings, 1), p)[tokens]  # (V, 1) -> (..., 1)


def drop_rows(matrix: Tensor, p: float, *, training: bool) -> Tensor:
    """Return an embedding matrix (V, E) with whole rows dropped; looked up, it is what `embed_with_dropout` returns."""
    return matrix * draw_mask(matrix.new_empty(len(matrix), 1), p) if training and p > 0.0 else matrix


def drop_weights(weight: Tensor, p: float, *, training: bool) -> Tensor:
    """Return a recurrent matrix with single weights dropped, for one forward pass (DropConnect; Wan et al. 2013).

    On the hidden-to-hidden matrices of an LSTM this is AWD-LSTM's weight dropout (Merity et al. 2018, section 2): one
    mask for a whole window. The result is a new contiguous matrix, and gradients flow to `weight` through it.
    """
    return weight * draw_mask(weight, p) if training and p > 0.0 else weight


def draw_mask(like: Tensor, p: float) -> Tensor:
    """Return a mask of the shape, type and device of `like`: 0 with probability p, else what keeps the mean at 1.

    On the CPU bernoulli_ draws number after number, 170 ms for a matrix of 4,600 x 1,150. Here four decisions share 64
    random bits, which takes a fifth of that; p is rounded to 1/65,536.
    """
    generator = _GENERATOR.get()
    if not like.is_cpu:
        return like.new_empty(like.shape).bernoulli_(1 - p, generator=generator).div_(1 - p)
    kept = max(1, round((1 - p) * _SIXTEEN_BITS))
    words = torch.empty(-(-like.numel() // 4), dtype=torch.int64).random_(-(1 << 63), None, generator=generator)
    draws = words.view(torch.int16)[: like.numel()]  # each from -32,768 to 32,767
    return (draws < kept - _SIXTEEN_BITS // 2).to(like.dtype).mul_(_SIXTEEN_BITS / kept).view(like.shape)
