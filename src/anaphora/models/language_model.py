"""The one contract for everything that predicts a next token: counting models, recurrent nets, mixtures of them.

Shapes: B batch, T time, V vocabulary. All log-probabilities are in nats. A state is a tuple of tensors whose first axis
is the batch, whatever the model: so reordering beams, dropping a finished row and keeping a session are one line each.
Nothing carries memory from one call to the next except the state that was passed in.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from anaphora.models.net import Net
from anaphora.settings import Settings

State = tuple[Tensor, ...]
TokenIds = NDArray[np.integer[Any]]

# Scoring cuts its rows so that no more logits than this exist at a time (16 MB in float32), however large V is.
_MAX_LOGITS = 1 << 22


def map_state(state: State, function: Callable[[Tensor], Tensor]) -> State:
    """Apply `function` to every tensor of a state."""
    return tuple(function(part) for part in state)


def detach(state: State) -> State:
    """Cut a state from the graph that made it: gradients stop here (truncated back-propagation through time)."""
    return map_state(state, Tensor.detach)


def select_rows(state: State, rows: Tensor) -> State:
    """Take rows (N,), int64, of the batch axis: the same three lines reorder beams and drop finished samples."""
    return map_state(state, lambda part: part.index_select(0, rows))


def at_least_float32(logits: Tensor) -> Tensor:
    """Return logits in float32 when autocast made them shorter: log-probabilities need the digits."""
    return logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits


def product_format(tensor: Tensor) -> torch.dtype:
    """Return the number format in which a product with this tensor is made: under autocast a shorter one."""
    kind = tensor.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else tensor.dtype


class ModelConfig(Settings):
    """Base of the configurations in the [model] section; one class for each kind of model."""

    section: ClassVar[str] = "model"


@dataclass(frozen=True, kw_only=True)
class SpecialIds:
    """What a model that counts must know of the vocabulary; None for what it does not have.

    Attributes:
        unk_id: the token that stands for all unknown words.
        eos_id: the token that ends a line.
        start_id: the token that is read before a text begins.
    """

    unk_id: int | None = None
    eos_id: int | None = None
    start_id: int = 0


NO_SPECIAL_IDS = SpecialIds()


class LanguageModel(Net, ABC):
    """A model of the next token given the tokens before it.

    Subclasses set `config_class`, take `(config, vocab_size)` and implement the four abstract methods below.
    """

    config: ModelConfig
    config_class: ClassVar[type[ModelConfig]]
    trained_by: ClassVar[str]  # "gradient" (a Trainer), "counting" (one pass of `fit`), or "mixing" (of other models)

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size

    @classmethod
    def config_class_for(cls, name: str) -> type[ModelConfig]:
        """Return the configuration of the model that is registered as `name`, for classes with several names."""
        return cls.config_class

    @property
    def context(self) -> str:
        """How far back a prediction may look: "stream", over all that was read; "sentence", to the last line end."""
        return "stream"

    @property
    def normalized(self) -> bool:
        """Whether `next_log_probs` are probabilities; False for scores that do not sum to one (stupid back-off)."""
        return True

    @abstractmethod
    def initial_state(self, batch_size: int) -> State:
        """Return the state before any token, for `batch_size` rows."""

    @abstractmethod
    def target_log_probs(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        """Score given targets.

        Args:
            tokens: (B, T), int64, what the model reads.
            targets: (B, T), int64; `targets[:, t]` follows `tokens[:, t]`.
            state: the state before `tokens[:, 0]`.

        Returns:
            log-probabilities (B, T) of the targets in nats, and the state after the last token.
        """

    @abstractmethod
    def score_targets(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Like `target_log_probs`, and between the two: (B, T), bool, was the target the most probable token."""

    @abstractmethod
    def next_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T), int64, T at least 1; return log-probabilities (B, V) of the next token, and the state."""

    def all_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T), int64; return log-probabilities (B, T, V) of the token after each, and the last state.

        One step after the other, for models that know no faster way.
        """
        log_probs = []
        for token in tokens.split(1, 1):
            step, state = self.next_log_probs(token, state)
            log_probs.append(step)
        return torch.stack(log_probs, 1), state


class Reading(NamedTuple):
    """What the layers of a net made of a window.

    Attributes:
        raw: (B, T, H), the output of the last layer; temporal activation regularisation looks at it.
        dropped: (B, T, H), the same after the last dropout; activation regularisation looks at it.
        features: (B, T, D), what the head reads: `dropped`, or its projection where the widths differ.
    """

    raw: Tensor
    dropped: Tensor
    features: Tensor


class Losses(NamedTuple):
    """What a head makes of its targets: two scalars, equal where nothing is smoothed or sampled.

    Attributes:
        nats: the mean nats per target, to report; it need not have a gradient.
        objective: what to differentiate.
    """

    nats: Tensor
    objective: Tensor


class NeuralLanguageModel(LanguageModel):
    """A language model of layers that `read` and a head that makes `logits`; trained by gradient descent.

    D is the width of what the head reads. A head with a cheaper way to its loss than by all logits overrides `losses`.
    """

    trained_by = "gradient"

    @abstractmethod
    def read(self, tokens: Tensor, state: State) -> tuple[Reading, State]:
        """Read tokens (B, T), int64; return what the layers make of them, and the last state."""

    @abstractmethod
    def logits(self, features: Tensor) -> Tensor:
        """Return the logits (..., V) for the token after each of the features (..., D)."""

    def losses(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Losses:
        """Return the head's losses over targets (N,), given features (N, D).

        Args:
            features: what `read` returned, one row for each target.
            targets: int64.
            label_smoothing: the share of the probability that is asked for all types alike (Szegedy et al. 2016).
        """
        logits = at_least_float32(self.logits(features))
        nats = F.cross_entropy(logits, targets)
        if label_smoothing == 0.0:
            return Losses(nats, nats)
        # The mean cross-entropy over all types, without a second softmax: it and `nats` have log Z in common.
        over_all_types = nats + logits.gather(1, targets.unsqueeze(1)).mean() - logits.mean()
        return Losses(nats, torch.lerp(nats, over_all_types, label_smoothing))

    def start_from_unigrams(self, log_probs: Tensor) -> None:
        """Take note, before the first step, of the tokens' log-frequencies (V,) in the training text."""

    def features(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T); return what the head reads, (B, T, D), and the last state."""
        reading, state = self.read(tokens, state)
        return reading.features, state

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T), int64; return logits (B, T, V) for the token after each, and the last state."""
        features, state = self.features(tokens, state)
        return self.logits(features), state

    def loss(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the mean nats per target, a scalar to differentiate, and the last state. Shapes as `forward`."""
        features, state = self.features(tokens, state)
        return self.losses(*in_rows(features, targets)).objective, state

    def target_log_probs(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        log_probs, _, state = self.score_targets(tokens, targets, state)
        return log_probs, state

    def score_targets(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        features, state = self.features(tokens, state)
        rows = max(1, _MAX_LOGITS // self.vocab_size)
        log_probs, correct = [], []
        for part, wanted in zip(features.flatten(0, 1).split(rows), targets.flatten().split(rows), strict=True):
            logits = at_least_float32(self.logits(part))
            log_probs.append(-F.cross_entropy(logits, wanted, reduction="none"))
            correct.append(logits.argmax(-1) == wanted)
        return torch.cat(log_probs).view_as(targets), torch.cat(correct).view_as(targets), state

    def next_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        features, state = self.features(tokens, state)
        return at_least_float32(self.logits(features[:, -1])).log_softmax(-1), state

    def all_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        features, state = self.features(tokens, state)
        return at_least_float32(self.logits(features)).log_softmax(-1), state


def in_rows(features: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return features (B, T, D) as (N, D) and targets (B, T) as (N,), in the order in which the features lie.

    The framework's layers leave their output with time first: in that order nothing is copied on the way to the head.
    """
    if not features.is_contiguous():
        features, targets = features.transpose(0, 1), targets.t()
    return features.flatten(0, 1), targets.flatten()


class CountingLanguageModel(LanguageModel):
    """A language model whose parameters are statistics of the training ids, gathered in one pass."""

    trained_by = "counting"

    @abstractmethod
    def fit(self, token_ids: TokenIds, special_ids: SpecialIds = NO_SPECIAL_IDS) -> Self:
        """Gather the statistics of token_ids (N,), which may be memory-mapped; return self."""
