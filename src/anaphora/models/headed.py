"""What surrounds the recurrent layers of every neural model here: an embedding below, a head over the vocabulary above.

    tokens -> embedding -> [the subclass's layers: `read`] -> projection, where the widths differ -> head

Shapes: B batch, T time, V vocabulary, E embedding, H width of the last layer.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.language_model import ModelConfig, NeuralLanguageModel, Reading


class HeadedConfig(ModelConfig):
    """What the models with an embedding and a head have in common.

    Attributes:
        embedding_dim: E, numbers that stand for one token.
        hidden_size: H, units of each layer.
        num_layers: L, recurrent layers on top of each other.
        tie_weights: the head shares the embedding matrix (Press and Wolf 2017; Inan et al. 2017).
        head_bias: starts as "zero", or when training begins as the "unigram" log-frequencies of the training text, so
            that the first step already predicts as well as the unigram model and none is spent on learning it.
        embedding_range: the embedding starts uniform in [-embedding_range, embedding_range].
    """

    embedding_dim: int = Field(default=256, ge=1, le=1 << 16)
    hidden_size: int = Field(default=256, ge=1, le=1 << 16)
    num_layers: int = Field(default=1, ge=1, le=64)
    tie_weights: bool = False
    head_bias: Literal["zero", "unigram"] = "unigram"
    embedding_range: float = Field(default=0.1, gt=0.0)


class HeadedLanguageModel(NeuralLanguageModel):
    """A language model between an embedding and a head; a subclass brings the layers.

    Args:
        config: of the subclass.
        vocab_size: V.
        width: of the last layer.
    """

    config: HeadedConfig

    def __init__(self, config: HeadedConfig, vocab_size: int, width: int) -> None:
        super().__init__(config, vocab_size)
        self.embedding = nn.Embedding(vocab_size, config.embedding_dim)
        head_dim = config.embedding_dim if config.tie_weights else width
        self.projection = nn.Linear(width, head_dim, bias=False) if head_dim != width else None
        self.head_weight = None if config.tie_weights else nn.Parameter(torch.empty(vocab_size, head_dim))
        self.head_bias = nn.Parameter(torch.zeros(vocab_size))

    def reset_parameters(self) -> None:
        """Draw all weights anew from torch's generator; a subclass draws those of its layers after these."""
        nn.init.uniform_(self.embedding.weight, -self.config.embedding_range, self.config.embedding_range)
        if self.head_weight is not None:
            bound = self.head_weight.shape[1] ** -0.5
            nn.init.uniform_(self.head_weight, -bound, bound)
        nn.init.zeros_(self.head_bias)
        if self.projection is not None:
            self.projection.reset_parameters()

    def start_from_unigrams(self, log_probs: Tensor) -> None:
        if self.config.head_bias == "unigram":
            self.head_bias.data.copy_(log_probs)

    def logits(self, features: Tensor) -> Tensor:
        return F.linear(features, self.output_weight, self.head_bias)

    @property
    def output_weight(self) -> Tensor:
        """The head's matrix, (V, H or E): the embedding itself when the weights are tied."""
        return self.embedding.weight if self.head_weight is None else self.head_weight

    def reading(self, hidden: Tensor, dropped: Tensor) -> Reading:
        """Return the reading (B, T, H) of the last layer, before and after the last dropout, with its projection."""
        return Reading(hidden, dropped, dropped if self.projection is None else self.projection(dropped))
