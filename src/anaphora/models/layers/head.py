"""The Head contract: from what the layers say to the probabilities of the next token, and to a loss to learn from.

The output layer of a word model is most of its weights and of its time. So a head says itself how its loss is made,
and need not make all logits for it; scores and distributions are exact whatever way it was trained.

Shapes: N rows (B T in a window), D width of the features, V vocabulary.
"""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from anaphora.models.language_model import Losses, ModelConfig


class HeadConfig(ModelConfig):
    """The part of a model's configuration that its head looks at.

    Attributes:
        head: a name in `heads.HEADS`.
        tie_weights: the head shares the embedding matrix (Press and Wolf 2017; Inan et al. 2017). Where its width and
            that of the layers differ, a linear projection stands between.
        head_bias: starts as "zero", or when training begins as the "unigram" log-frequencies of the training text, so
            that the first step already predicts as well as the unigram model and none is spent on learning it.
        head_max_logits: the most logits that exist at a time in training and scoring, four bytes each, whatever B, T
            and V; more than this only where one row has more.
    """

    head: Literal["full"] = "full"
    tie_weights: bool = False
    head_bias: Literal["zero", "unigram"] = "unigram"
    head_max_logits: int = Field(default=1 << 22, ge=1)


class Head(nn.Module, ABC):
    """Scores the next token, given features.

    Args:
        config: the model's.
        vocab_size: V.
        width: D, of the features.
        embedding: whose weights the head borrows when they are tied. They stay the embedding's: a head does not list
            them among its own.
    """

    def __init__(self, config: HeadConfig, vocab_size: int, width: int, embedding: nn.Module) -> None:
        super().__init__()
        self.config, self.vocab_size, self.width = config, vocab_size, width
        # In a tuple, or it would be registered a second time.
        self._tied: tuple[nn.Module, ...] = (embedding,) if config.tie_weights else ()

    @abstractmethod
    def reset_parameters(self) -> None:
        """Draw the head's own weights anew from torch's generator."""

    @abstractmethod
    def losses(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Losses:
        """Return the losses over targets (N,), int64, given features (N, D).

        Args:
            features: one row for each target.
            targets: what followed.
            label_smoothing: the share of the objective that asks for all types alike (Szegedy et al. 2016).

        Raises:
            ConfigError: `label_smoothing` of a head that never looks at all types.
        """

    def loss(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Return the objective alone, a scalar to differentiate; arguments as `losses`."""
        return self.losses(features, targets, label_smoothing).objective

    @abstractmethod
    def log_probs(self, features: Tensor) -> Tensor:
        """Return the log-probabilities (..., V), at least float32, of features (..., D)."""

    def logits(self, features: Tensor) -> Tensor:
        """Return numbers (..., V) whose softmax is the distribution: the log-probabilities, or what is cheaper."""
        return self.log_probs(features)

    def score(self, features: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the exact log-probabilities (N,) of targets (N,), and (N,), bool: was it the most probable token."""
        log_probs, correct = [], []
        rows = max(1, self.config.head_max_logits // self.vocab_size)
        for read, wanted in zip(features.split(rows), targets.split(rows), strict=True):
            scores = self.log_probs(read)
            log_probs.append(scores.gather(1, wanted.unsqueeze(1)).squeeze(1))
            correct.append(scores.argmax(1) == wanted)
        return torch.cat(log_probs), torch.cat(correct)

    @abstractmethod
    def start_from_unigrams(self, log_probs: Tensor) -> None:
        """Take note, before the first step, of the tokens' log-frequencies (V,) in the training text."""
