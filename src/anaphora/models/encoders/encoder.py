"""What every encoder is: tokens with their true lengths go in, a vector for each token comes out.

Padding stands on the right, and nothing that is returned for a document depends on how much of it there is: what an
encoder says at padded places means nothing. Shapes: B batch, T time, E embedding, W width of the features.

Long documents are read in pieces of `bptt` tokens with the state carried over; gradients stop between pieces, and do
not reach pieces that end more than `gradient_tokens` before the longest document of the batch does (truncated
back-propagation through time; Howard and Ruder 2018, section 3.3, "BPT3C").
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from anaphora.models.language_model import State, detach
from anaphora.models.net import Net
from anaphora.settings import Settings


class Encoded(NamedTuple):
    """What an encoder makes of a batch.

    Attributes:
        features: (B, T, W).
        last: (B, W), the features at the end of reading: at the last token of each document, and for layers that read
            backwards at the first.
    """

    features: Tensor
    last: Tensor


class EncoderConfig(Settings):
    """What all encoders have in common: the [encoder] section.

    Attributes:
        name: of the encoder, in `registry.py`.
        bptt: tokens through which gradients flow back.
        gradient_tokens: the last tokens of a document from which gradients flow at all.
    """

    section: ClassVar[str] = "encoder"

    name: str
    bptt: int = Field(default=512, ge=1)
    gradient_tokens: int = Field(default=2048, ge=1)


class Encoder(Net):
    """The base of encoders.

    Attributes:
        width: W.
        embedding_dim: E.
    """

    config: EncoderConfig
    width: int
    embedding_dim: int

    @abstractmethod
    def reset_parameters(self) -> None:
        """Draw all weights anew from torch's generator."""

    @abstractmethod
    def embed(self, tokens: Tensor) -> Tensor:
        """Look tokens (B, T), int64, up: (B, T, E)."""

    @abstractmethod
    def encode(self, embedded: Tensor, lengths: Tensor) -> Encoded:
        """Read embedded tokens (B, T, E) of documents of `lengths` (B,), int64, at least 1 each."""

    def forward(self, tokens: Tensor, lengths: Tensor) -> Encoded:
        """Read tokens (B, T), int64, of documents of `lengths` (B,), int64, at least 1 each."""
        return self.encode(self.embed(tokens), lengths)

    @abstractmethod
    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return all weights, each once, in groups from the embedding upwards."""


Read = Callable[[Tensor, State], tuple[Tensor, State]]


def read_in_pieces(read: Read, inputs: Tensor, state: State, config: EncoderConfig) -> Tensor:
    """Read inputs (B, T, I) piece by piece, and return the outputs (B, T, W) of all pieces.

    Args:
        read: takes a piece and the state before it; returns its outputs and the state after it.
        inputs: embedded tokens, or what a layer below made of them.
        state: before the first piece.
        config: for `bptt` and `gradient_tokens`.
    """
    if inputs.shape[1] <= config.bptt:
        return read(inputs, state)[0]
    outputs = []
    for piece, learns in _pieces(inputs, config):
        with nullcontext() if learns else torch.no_grad():
            output, state = read(piece, detach(state))
        outputs.append(output)
    return torch.cat(outputs, 1)


def _pieces(inputs: Tensor, config: EncoderConfig) -> Iterator[tuple[Tensor, bool]]:
    start, end = 0, inputs.shape[1]
    for piece in inputs.split(config.bptt, 1):
        start += piece.shape[1]
        yield piece, start > end - config.gradient_tokens


def turned(lengths: Tensor, steps: int) -> Tensor:
    """Return the places (T B,), int64, that `take` needs to turn each row round within its true length."""
    places = torch.arange(steps, device=lengths.device).unsqueeze(1)
    sources = torch.where(places < lengths, lengths - 1 - places, places)
    return (sources * len(lengths) + torch.arange(len(lengths), device=lengths.device)).flatten()


def take(inputs: Tensor, places: Tensor) -> Tensor:
    """Return inputs (B, T, ...) with the rows turned round; the time comes first in memory."""
    by_time = inputs.transpose(0, 1)
    return by_time.flatten(0, 1).index_select(0, places).view_as(by_time).transpose(0, 1)


def at(features: Tensor, positions: Tensor) -> Tensor:
    """Return the features (B, T, W) of one position (B,) in each row: (B, W)."""
    return features[torch.arange(len(features), device=features.device), positions]
