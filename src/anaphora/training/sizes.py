"""The sizes of net that the one dial chooses from: what each costs, and how well it can be expected to predict.

Pure functions of counts; `budget.py` brings in the measured speed. The formula ranks sizes against each other and is no
forecast of a loss.

    shortfall = sqrt(WEIGHTS / weights) + sqrt(TOKENS / worth of the tokens read) + EXCESS * weights / tokens in text

First term: a small net cannot say more (Kaplan et al. 2020, arXiv 2001.08361: weights without embedding and head).
Second: a net that has read little has not learnt it yet. Reading again is worth less and less, as Muennighoff et al.
2023 (arXiv 2305.16264) measured. Third: a net far larger than its text learns it by heart. The third term does not
depend on time and the second falls faster for the slower net, so more time never picks a smaller net.

The constants fit these runs (2026-11-22, one core of a Xeon with AMX, bfloat16, LSTM with one layer, 16 x 32 tokens a
step, AdamW in one cycle; nats per character on the last tenth or twentieth, after so many seconds of processor time):

    tinyshakespeare  20 s: hidden 128 1.674, 256 1.624    40 s: 256 1.579, 384 1.570    90 s: 256 1.525, 512 1.542
    The Time Machine 30 s: hidden 128 1.522, 256 1.459 (dropout 0.3)
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, sqrt
from typing import Any, cast

import torch

from anaphora.errors import AnaphoraWarning
from anaphora.models.headed import HeadedConfig, HeadedLanguageModel
from anaphora.models.registry import build_model, model_config

_WEIGHTS = 6.2e3
_TOKENS = 2.4e4
_EXCESS = 5e-3
_REREADING = 15.0  # epochs; R* of Muennighoff et al.: what endless re-reading is worth
_FLOPS = 6  # for each weight and token: two to predict, four to learn

# (hidden_size, num_layers), each more costly than the one before.
_LADDER = (
    (32, 1), (64, 1), (96, 1), (128, 1), (192, 1), (256, 1), (384, 1), (512, 1),
    (768, 1), (768, 2), (1024, 2), (1536, 2), (2048, 2),
)  # fmt: skip
_LARGE_VOCABULARY = 1000  # from here on the head is most of the net: tie it, and keep it narrow
_WIDEST_TIED = 512
# From here on the softmax over all types is most of the time, and an adaptive one reads several times as much in it.
# LSTM, tied, 16 x 32 tokens a step, after 40 s of processor time (one busy core of an AMD EPYC), full and adaptive:
# 50,001 types (text8, hidden 128) perplexity 1,051 after 70 steps and 632 after 840; 10,000 types (PTB, hidden 256)
# 353 and 220. With so few types longer runs have not been compared: they keep the full softmax, whose rare words have
# wider vectors.
HUGE_VOCABULARY = 20_000
_EMBEDDING_STEP = 32  # numbers; what matrix units work in


@dataclass(frozen=True)
class Size:
    """One size of net on one vocabulary.

    Attributes:
        config: of the model, without dropout.
        weights: of the recurrent layers, which decide what the net can say.
        head: entries multiplied to get from the last layer to logits.
    """

    config: HeadedConfig
    weights: int
    head: int

    @property
    def flops(self) -> int:
        """Arithmetic to train on one token."""
        return _FLOPS * (self.weights + self.head)

    @property
    def label(self) -> str:
        """The size in words: "hidden 256", "2 layers of hidden 768"."""
        config = self.config
        layers = "" if config.num_layers == 1 else f"{config.num_layers} layers of "
        return f"{layers}hidden {config.hidden_size}"


def sizes(name: str, vocab_size: int, fixed: Mapping[str, Any]) -> list[Size]:
    """Return the sizes to choose from, smallest first; keys that the user `fixed` are the same in all of them.

    Raises:
        ConfigError: a fixed key or value that the model does not have.
    """
    found: list[Size] = []
    with warnings.catch_warnings():  # dropout between layers has no effect in some sizes: that is no news here
        warnings.simplefilter("ignore", AnaphoraWarning)
        for hidden_size, num_layers in _LADDER:
            shape = {"hidden_size": hidden_size, "num_layers": num_layers, **fixed}
            config = cast(HeadedConfig, model_config(name, shape))
            size = _size(_with_embedding(config, vocab_size, fixed), vocab_size)
            if not found or size.flops > found[-1].flops:
                found.append(size)
    return found


def shortfall(size: Size, tokens_read: float, train_tokens: int) -> float:
    """Return how far a net is expected to stay behind the best possible one; smaller is better, unit arbitrary.

    Args:
        size: of the net.
        tokens_read: by the end of training, counting repeats.
        train_tokens: in the training text.
    """
    worth = max(1.0, worth_of_reading(tokens_read, train_tokens))
    return sqrt(_WEIGHTS / size.weights) + sqrt(_TOKENS / worth) + _EXCESS * size.weights / max(1, train_tokens)


def worth_of_reading(tokens_read: float, train_tokens: int) -> float:
    """Return how many fresh tokens are worth as much as `tokens_read` from a text of `train_tokens`."""
    repeats = tokens_read / max(1, train_tokens) - 1
    if repeats <= 0:
        return tokens_read
    return train_tokens * (1 + _REREADING * (1 - exp(-repeats / _REREADING)))


def _with_embedding(config: HeadedConfig, vocab_size: int, fixed: Mapping[str, Any]) -> HeadedConfig:
    """Return `config` with an embedding, and tied weights or not, that suit the vocabulary."""
    chosen: dict[str, Any]
    if vocab_size >= _LARGE_VOCABULARY:
        chosen = {"embedding_dim": min(config.hidden_size, _WIDEST_TIED), "tie_weights": True}
    else:
        needed = -(-vocab_size // _EMBEDDING_STEP) * _EMBEDDING_STEP
        chosen = {"embedding_dim": min(config.hidden_size, needed), "tie_weights": False}
    if vocab_size >= HUGE_VOCABULARY:
        chosen["head"] = "adaptive"
    return config.replace(**{key: value for key, value in chosen.items() if key not in fixed})


def _size(config: HeadedConfig, vocab_size: int) -> Size:
    """Count the matrices of a model that is described and not made."""
    with torch.device("meta"):
        model = build_model(config, vocab_size)
    assert isinstance(model, HeadedLanguageModel)
    matrices = {name: weight.numel() for name, weight in model.named_parameters() if weight.ndim >= 2}
    layers = sum(count for name, count in matrices.items() if name.startswith("layers."))
    projection = 0 if model.projection is None else model.projection.weight.numel()
    return Size(config, layers, model.head.multiplications + projection)
