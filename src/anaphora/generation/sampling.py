"""The next token: filters that reshape a distribution, and the draw from what they leave.

Pure functions on scores (B, V): log-probabilities in nats up to a constant for each row; -inf is an impossible token.
Every filter leaves each row at least its most probable token. Shapes: B batch, V vocabulary.
"""

import math

import numpy as np
import torch
from torch import Tensor

_BLOCK = 256  # uniform numbers that a sample draws ahead


def forbid(scores: Tensor, token_ids: Tensor) -> Tensor:
    """Make the tokens token_ids (N,), int64, impossible in every row."""
    return scores.index_fill(1, token_ids, -math.inf) if len(token_ids) else scores


def penalize_repetition(scores: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Raise the probability p of each token in `seen` (B, V), bool, to the power `penalty`.

    Keskar et al. 2019 (CTRL, arXiv 1909.05858, section 4.1) divide scores by the penalty and take positive scores for
    granted. Log-probabilities are never positive, so they are multiplied: above 1 a seen token loses, for any model.
    """
    return torch.where(seen, scores * penalty, scores)


def apply_temperature(scores: Tensor, temperature: float) -> Tensor:
    """Divide by the temperature, above 0: low is safe (near the most probable token), high is wild, 1 is the model.

    Done in float64 from the best score down, so that no temperature, however small, makes a row all impossible.
    """
    return (scores - scores.amax(1, keepdim=True)).double() / temperature


def keep_top_k(scores: Tensor, k: int) -> Tensor:
    """Keep the k most probable tokens (Fan et al. 2018, arXiv 1805.04833)."""
    values, token_ids = scores.topk(k, 1)
    return torch.full_like(scores, -math.inf).scatter_(1, token_ids, values)


def keep_top_p(scores: Tensor, p: float) -> Tensor:
    """Keep the nucleus: the fewest most probable tokens that together have probability p (Holtzman et al. 2019).

    arXiv 1904.09751. Among equals the lower id comes first.
    """
    values, token_ids = scores.sort(dim=1, descending=True, stable=True)
    probabilities = values.softmax(1, dtype=torch.float64)
    before = probabilities.cumsum(1) - probabilities
    outside = (before >= p).index_fill_(1, torch.zeros(1, dtype=torch.int64, device=scores.device), False)
    return torch.empty_like(scores).scatter_(1, token_ids, values.masked_fill(outside, -math.inf))


def keep_min_p(scores: Tensor, p: float) -> Tensor:
    """Keep tokens at least p times as probable as the most probable one (Nguyen et al. 2024, arXiv 2407.01082)."""
    if p == 0.0:
        return scores
    return scores.masked_fill(scores < scores.amax(1, keepdim=True) + math.log(p), -math.inf)


def draw(scores: Tensor, uniforms: Tensor) -> Tensor:
    """Draw one token for each row by the inverse of its distribution function; return ids (B,), int64.

    Args:
        scores: (B, V).
        uniforms: (B,), float64 in [0, 1): one number decides one row, whatever the other rows are.
    """
    cumulative = scores.softmax(1, dtype=torch.float64).cumsum(1)
    return torch.searchsorted(cumulative, uniforms.unsqueeze(1) * cumulative[:, -1:], right=True).squeeze(1)


class UniformStreams:
    """One stream of uniform numbers for each sample, which depends on the seed and the sample's number only.

    Drawn on the CPU by NumPy, so that a seed means the same numbers on every device.
    """

    def __init__(self, seed: int | None, num: int) -> None:
        entropy = np.random.SeedSequence(seed).entropy  # None: from the operating system
        seeds = (np.random.SeedSequence(entropy, spawn_key=(i,)) for i in range(num))
        self._generators = [np.random.default_rng(seed) for seed in seeds]
        self._block = np.empty((num, 0))
        self._used = 0

    def next(self, samples: list[int]) -> Tensor:
        """Move every stream on by one number; return those of some samples, float64 in [0, 1), on the CPU."""
        if self._used == self._block.shape[1]:
            self._block = np.stack([generator.random(_BLOCK) for generator in self._generators])
            self._used = 0
        self._used += 1
        return torch.from_numpy(self._block[samples, self._used - 1])
