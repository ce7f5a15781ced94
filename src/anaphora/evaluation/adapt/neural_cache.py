"""The neural cache (Grave et al. 2017, "Improving Neural Language Models with a Continuous Cache", arXiv 1612.04426).

What the net hands to its head is a key, and the token that followed is its value. The cache gives each token the share
of the attention that falls on its own occurrences, and the mixture is

    p(w) = (1 - weight) * p_net(w) + weight * sum over i with x_{i+1} = w of softmax_i(theta * h_t . h_i)

over the pairs (h_i, x_{i+1}) of the window; before there is one, p is p_net. No weight changes: the cache is part of
the state. Shapes: B batch, T time, W window, D features, V vocabulary.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor

from anaphora.evaluation.adapt.settings import CacheSettings
from anaphora.models.language_model import LanguageModel, ModelConfig, NeuralLanguageModel, State, at_least_float32

_MAX_ENTRIES = 1 << 22  # of the largest arrays made at a time: 16 MB each
_NUM_MEMORY = 3


class CachedLanguageModel(LanguageModel):
    """A trained net with a neural cache in front of it.

    The state is that of the net and three parts more: keys (B, W, D), the features after each of the last W tokens;
    those tokens (B, W), int64; and how many of the W places are taken, from the right, (B,), int64.
    """

    config_class = ModelConfig
    trained_by: ClassVar[str] = "gradient"

    def __init__(self, net: NeuralLanguageModel, settings: CacheSettings) -> None:
        """Wrap `net`, which is shared and not changed."""
        super().__init__(net.config, net.vocab_size)
        self.net = net
        self.settings = settings
        self.training = net.training

    def initial_state(self, batch_size: int) -> State:
        inner, window, device = self.net.initial_state(batch_size), self.settings.window, self.device
        with torch.no_grad():  # one token is read to see how wide the features are
            like, _ = self.net.features(torch.zeros(batch_size, 1, dtype=torch.int64, device=device), inner)
        return (
            *inner,
            like.new_zeros(batch_size, window, like.shape[-1]),
            torch.zeros(batch_size, window, dtype=torch.int64, device=device),
            torch.zeros(batch_size, dtype=torch.int64, device=device),
        )

    def target_log_probs(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        log_probs, _, state = self.score_targets(tokens, targets, state)
        return log_probs, state

    def score_targets(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Score as every model does; gradients reach the net through its own share of the mixture."""
        scores, correct, seq_len = [], [], self._seq_len(len(tokens))
        for part, wanted in zip(tokens.split(seq_len, 1), targets.split(seq_len, 1), strict=True):
            features, cached, state = self._read(part, state)
            log_probs = at_least_float32(self.net.logits(features)).log_softmax(-1)
            chosen = wanted.unsqueeze(-1)
            known = cached.any(-1, keepdim=True)
            scores.append(self._mix(log_probs.gather(-1, chosen), cached.gather(-1, chosen), known).squeeze(-1))
            with torch.no_grad():  # which token comes first is seen without logarithms
                share = self.settings.weight / (1.0 - self.settings.weight)
                correct.append(log_probs.exp().add_(cached, alpha=share).argmax(-1) == wanted)
        return torch.cat(scores, 1), torch.cat(correct, 1), state

    def next_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        for part in tokens.split(self._seq_len(len(tokens)), 1):
            features, cached, state = self._read(part, state)
        log_probs = at_least_float32(self.net.logits(features[:, -1])).log_softmax(-1)
        return self._mix(log_probs, cached[:, -1], cached[:, -1].any(-1, keepdim=True)), state

    def _read(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Read tokens (B, T); return features (B, T, D), the cache's probabilities (B, T, V) after each, and the state.

        The probabilities are all zero where nothing is cached yet.
        """
        features, inner = self.net.features(tokens, state[:-_NUM_MEMORY])
        with torch.no_grad():
            attention, values, memory = _attend(features, tokens, state[-_NUM_MEMORY:], self.settings.theta)
            cached = attention.new_zeros(*tokens.shape, self.vocab_size)
            cached.scatter_add_(-1, values.unsqueeze(1).expand_as(attention), attention)
        return features, cached, (*inner, *memory)

    def _mix(self, log_probs: Tensor, cached: Tensor, known: Tensor) -> Tensor:
        """Return the log of the mixture; sums stay in the log domain, so that no small probability of the net is lost.

        Args:
            log_probs: of the net, in nats.
            cached: probabilities of the same tokens in the cache.
            known: whether there is anything in the cache.
        """
        weight = self.settings.weight
        mixed = torch.logaddexp(log_probs + math.log1p(-weight), cached.log() + math.log(weight))
        return torch.where(known, mixed, log_probs)

    def _seq_len(self, batch_size: int) -> int:
        """Return how many tokens of each row to read at a time."""
        return max(1, _MAX_ENTRIES // (batch_size * (self.vocab_size + self.settings.window)))


def _attend(features: Tensor, tokens: Tensor, memory: State, theta: float) -> tuple[Tensor, Tensor, State]:
    """Compare features (B, T, D) with the W keys before each of them, and remember them.

    Key j is followed by token j + 1: what comes after the last key is not known before the next call.

    Returns:
        attention (B, T, W + T - 1), float32, all zero where no key is known; the tokens (B, W + T - 1) that followed
        the keys; and the memory after the last token.
    """
    old_keys, old_tokens, taken = memory
    window, seq_len = old_keys.shape[1], tokens.shape[1]
    keys = torch.cat((old_keys, features.to(old_keys.dtype)), 1)
    read = torch.cat((old_tokens, tokens), 1)
    key = torch.arange(window + seq_len - 1, device=tokens.device)
    now = torch.arange(seq_len, device=tokens.device).unsqueeze(1)
    in_reach = (key >= now) & (key < now + window) & (key >= (window - taken)[:, None, None])
    scores = torch.matmul(keys[:, window:], keys[:, :-1].transpose(1, 2)).float() * theta
    attention = scores.masked_fill_(~in_reach, -math.inf).softmax(-1)
    attention.masked_fill_(~in_reach.any(-1, keepdim=True), 0.0)  # a row without keys: its softmax is not a number
    memory = (keys[:, seq_len:], read[:, seq_len:], (taken + seq_len).clamp(max=window))
    return attention, read[:, 1:], memory
