"""The Head contract: from what the layers say to the probabilities of the next token, and to a loss to learn from.

The output layer of a word model is most of its weights and of its time. So a head says itself how its loss is made,
and need not make all logits for it; scores and distributions are exact whatever way it was trained.

Shapes: N rows (B T in a window), D width of the features, V vocabulary.
"""

import warnings
from abc import ABC, abstractmethod
from itertools import pairwise
from typing import ClassVar, Literal, Self, cast

import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from anaphora.errors import AnaphoraWarning, ConfigError
from anaphora.models.language_model import Losses, ModelConfig

HeadName = Literal["full", "adaptive", "sampled", "mixture-of-softmaxes"]

_COPIES = 3  # of the logits, while they are scored: themselves, log-probabilities, and on the way from one to the other

_SETTINGS_OF: dict[str, HeadName] = {
    "head_cutoffs": "adaptive",
    "head_div_value": "adaptive",
    "head_samples": "sampled",
    "head_experts": "mixture-of-softmaxes",
    "head_dropout": "mixture-of-softmaxes",
}


class HeadConfig(ModelConfig):
    """The part of a model's configuration that its head looks at.

    Attributes:
        head: a name in `heads.HEADS`.
        tie_weights: the head shares the embedding matrix (Press and Wolf 2017; Inan et al. 2017). Where its width and
            that of the layers differ, a linear projection stands between.
        head_bias: starts as "zero", or when training begins as the "unigram" log-frequencies of the training text, so
            that the first step already predicts as well as the unigram model and none is spent on learning it.
        head_cutoffs: ranks by frequency at which an adaptive head's bands begin, rising; None: at 1/25 and 1/5 of V.
        head_div_value: how many times narrower an adaptive head's vectors are from band to band.
        head_samples: wrong types that a sampled head compares with the right ones, the same for all rows of a step.
        head_experts: softmaxes in a mixture.
        head_dropout: on what each softmax of a mixture reads (dropoutl in its authors' code).
        head_max_logits: the most logits that exist at a time in training and scoring, four bytes each, whatever B, T
            and V; more than this only where one row has more.
    """

    head: HeadName = "full"
    tie_weights: bool = False
    head_bias: Literal["zero", "unigram"] = "unigram"
    head_cutoffs: tuple[int, ...] | None = Field(default=None, min_length=1)
    head_div_value: float = Field(default=4.0, ge=1.0)
    head_samples: int = Field(default=1024, ge=1)
    head_experts: int = Field(default=10, ge=1)
    head_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    head_max_logits: int = Field(default=1 << 24, ge=1)

    @field_validator("head_cutoffs")
    @classmethod
    def _check_cutoffs(cls, cutoffs: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if cutoffs is not None and (cutoffs[0] < 1 or any(low >= high for low, high in pairwise(cutoffs))):
            raise ValueError("cut-offs must rise from 1 or more")
        return cutoffs

    @model_validator(mode="after")
    def _warn_of_head_settings_without_effect(self) -> Self:
        for key, head in _SETTINGS_OF.items():
            if self.head != head and getattr(self, key) != type(self).model_fields[key].default:
                message = f"{key} in [model] has no effect on head = {self.head!r}; it belongs to {head!r}"
                warnings.warn(message, AnaphoraWarning, stacklevel=2)
        return self


class Head(nn.Module, ABC):
    """Scores the next token, given features. Its weights are undefined until `reset_parameters`.

    Args:
        config: the model's.
        vocab_size: V.
        width: D, of the features.
        embedding: whose weights the head borrows when they are tied. They stay the embedding's: a head does not list
            them among its own.
    """

    projects: ClassVar[bool] = False  # it brings features to the embedding's width itself when the weights are tied

    def __init__(self, config: HeadConfig, vocab_size: int, width: int, embedding: nn.Module) -> None:
        super().__init__()
        self.logits_per_row = vocab_size
        self.config, self.vocab_size, self.width = config, vocab_size, width
        # In a tuple, or it would be registered a second time.
        self._tied: tuple[nn.Module, ...] = (embedding,) if config.tie_weights else ()

    @property
    @abstractmethod
    def multiplications(self) -> int:
        """How many numbers are multiplied from features to loss, for one target and on average."""

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
            ConfigError: `label_smoothing`, where the head does not look at all types in training.
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
        rows = max(1, self.config.head_max_logits // (_COPIES * self.logits_per_row))
        for read, wanted in zip(features.split(rows), targets.split(rows), strict=True):
            scores = self.log_probs(read)
            log_probs.append(scores.gather(1, wanted.unsqueeze(1)).squeeze(1))
            correct.append(scores.argmax(1) == wanted)
        return torch.cat(log_probs), torch.cat(correct)

    def _refuse(self, label_smoothing: float) -> None:
        """Raise ConfigError when there is label smoothing: for a head that never looks at all types in training."""
        if label_smoothing:
            raise ConfigError(
                f"label_smoothing = {label_smoothing:g} in [training]: the head {self.config.head!r} does not look at"
                " all types in training; leave it out, or set head = 'full' in [model]"
            )

    @abstractmethod
    def start_from_unigrams(self, log_probs: Tensor) -> None:
        """Take note, before the first step, of the tokens' log-frequencies (V,) in the training text."""


class MatrixHead(Head):
    """A head with a row of a matrix and a bias for each type.

    Args:
        width: D, of the rows.
    """

    def __init__(self, config: HeadConfig, vocab_size: int, width: int, embedding: nn.Module) -> None:
        super().__init__(config, vocab_size, width, embedding)
        self.weight = None if self._tied else nn.Parameter(torch.empty(vocab_size, width))
        self.bias = nn.Parameter(torch.empty(vocab_size))

    def reset_parameters(self) -> None:
        if self.weight is not None:
            nn.init.uniform_(self.weight, -(self.width**-0.5), self.width**-0.5)
        nn.init.zeros_(self.bias)

    @property
    def multiplications(self) -> int:
        return self.vocab_size * self.width

    @property
    def matrix(self) -> Tensor:
        """The rows of the types, (V, D): the embedding itself when the weights are tied."""
        return cast(nn.Embedding, self._tied[0]).weight if self.weight is None else self.weight

    def start_from_unigrams(self, log_probs: Tensor) -> None:
        if self.config.head_bias == "unigram":
            self.bias.data.copy_(log_probs)
