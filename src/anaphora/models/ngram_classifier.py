"""A linear classifier of the n-grams that a document holds: what a recurrent one must beat, and a good partner for it.

Each n-gram of the document counts once, however often it stands there:

    logits = bias + sum of the weights of its known n-grams / sqrt(its length)

`training/ngram_classification.py` makes one. Shapes: B batch, T time, N order, K known n-grams, C classes. A token is
"embedded" as the weights of the n-grams that end with it, so E is C.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from anaphora.models.classifier import LabelledConfig, SingleClassifier

# Odd and without pattern (2^64 over the golden ratio, as int64): a product with it scatters ids over all 64 bits.
_MULTIPLIER = 0x9E3779B97F4A7C15 - (1 << 64)


class NgramClassifierConfig(LabelledConfig):
    """What a linear classifier is made of.

    Attributes:
        order: N, the tokens of the longest n-grams.
        num_ngrams: K, how many n-grams have weights.
    """

    name: Literal["ngram-classifier"] = "ngram-classifier"
    order: int = Field(ge=1, le=8)
    num_ngrams: int = Field(ge=1)


class NgramClassifier(SingleClassifier):
    """Weights of n-grams, added up.

    Attributes:
        keys: (K,), int64, ascending: the n-grams' numbers, see `ngram_keys`.
        weights: (K, C): what each adds to the logits.
        bias: (C,).
    """

    config_class: ClassVar[type[NgramClassifierConfig]] = NgramClassifierConfig
    config: NgramClassifierConfig
    keys: Tensor
    weights: Tensor
    bias: Tensor

    def __init__(self, config: NgramClassifierConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        classes = len(config.labels)
        self.register_buffer("keys", torch.arange(config.num_ngrams))
        self.register_buffer("weights", torch.zeros(config.num_ngrams, classes))
        self.register_buffer("bias", torch.zeros(classes))

    @property
    def embedding_dim(self) -> int:
        return len(self.labels)

    def embed(self, tokens: Tensor) -> Tensor:
        added = torch.zeros(*tokens.shape, self.embedding_dim, device=tokens.device)
        for keys in ngram_keys(tokens, self.config.order):
            places = torch.searchsorted(self.keys, keys).clamp(max=len(self.keys) - 1)
            known = (self.keys[places] == keys) & first_occurrences(keys)
            added += self.weights[places] * known.unsqueeze(2)
        return added

    def logits_from_embedded(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        inside = torch.arange(embedded.shape[1], device=embedded.device) < lengths.unsqueeze(1)
        total = (embedded * inside.unsqueeze(2)).sum(1)
        return total / lengths.unsqueeze(1).sqrt() + self.bias

    def running_log_probs(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        steps = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
        logits = self.embed(tokens).cumsum(1) / steps.unsqueeze(1).sqrt() + self.bias
        ends = torch.minimum(steps, lengths.unsqueeze(1)) - 1
        return self.log_probs(logits.gather(1, ends.unsqueeze(2).expand_as(logits)))


def ngram_keys(tokens: Tensor, order: int) -> list[Tensor]:
    """Return, for each length up to `order`, a number for the n-gram that ends at each place, (B, T), int64.

    Equal n-grams have equal numbers, and of a million different ones two will hardly share theirs. Where an n-gram
    would begin before the document, its number is 0.
    """
    ids = tokens + 1
    keys = [ids]
    for _ in range(order - 1):
        longer = torch.zeros_like(ids)
        before = keys[-1][:, :-1]
        longer[:, 1:] = torch.where(before == 0, 0, before * _MULTIPLIER + ids[:, 1:])
        keys.append(longer)
    return keys


def first_occurrences(keys: Tensor) -> Tensor:
    """Say of each number (B, T) that `ngram_keys` returns whether it is an n-gram's, and the first such in its row."""
    ordered, places = keys.sort(dim=1, stable=True)
    new = ordered != 0
    new[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    return torch.zeros_like(new).scatter(1, places, new)
