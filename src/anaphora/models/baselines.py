"""The two models that every other must beat: all tokens equally likely, and each as likely as it is frequent.

They have no memory: their state is empty. Shapes: B batch, T time, V vocabulary.
"""

from typing import ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor

from anaphora.models.language_model import (
    NO_SPECIAL_IDS,
    CountingLanguageModel,
    ModelConfig,
    SpecialIds,
    State,
    TokenIds,
)

_COUNTED_AT_ONCE = 1 << 20  # ids; they come memory-mapped in one or two bytes, and bincount wants eight


class UniformConfig(ModelConfig):
    """The uniform model has nothing to set."""

    name: Literal["uniform"] = "uniform"


class UnigramConfig(ModelConfig):
    """The unigram model has nothing to set."""

    name: Literal["unigram"] = "unigram"


class UnigramLanguageModel(CountingLanguageModel):
    """Each token with its relative frequency, one added to every count (Laplace), so that no token is impossible.

    Until `fit` is called all counts are zero, which makes it the uniform model.
    """

    config_class: ClassVar[type[ModelConfig]] = UnigramConfig
    counts: Tensor

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.register_buffer("counts", torch.zeros(vocab_size, dtype=torch.int64))

    def fit(self, token_ids: TokenIds, special_ids: SpecialIds = NO_SPECIAL_IDS) -> Self:
        counts = np.zeros(self.vocab_size, np.int64)
        for start in range(0, len(token_ids), _COUNTED_AT_ONCE):
            counts += np.bincount(token_ids[start : start + _COUNTED_AT_ONCE], minlength=self.vocab_size)
        self.counts.copy_(torch.from_numpy(counts))
        return self

    def initial_state(self, batch_size: int) -> State:
        return ()

    def target_log_probs(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        return self._log_probs()[targets], state

    def score_targets(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        log_probs = self._log_probs()
        return log_probs[targets], targets == log_probs.argmax(), state

    def next_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        return self._log_probs().expand(len(tokens), -1), state

    def _log_probs(self) -> Tensor:
        smoothed = self.counts.double() + 1.0
        return (smoothed / smoothed.sum()).log().float()


class UniformLanguageModel(UnigramLanguageModel):
    """Every token with probability 1/V: perplexity is the size of the vocabulary, whatever the text."""

    config_class = UniformConfig

    def fit(self, token_ids: TokenIds, special_ids: SpecialIds = NO_SPECIAL_IDS) -> Self:
        return self


def unigram_log_probs(token_ids: TokenIds, vocab_size: int) -> Tensor:
    """Return the log-frequency (V,) of each token among token_ids (N,), as the unigram model has it."""
    return UnigramLanguageModel(UnigramConfig(), vocab_size).fit(token_ids)._log_probs()
