"""Sampled softmax: in training, the normaliser over all types is estimated from a few that are drawn.

Jean et al. 2015, "On using very large target vocabulary for neural machine translation" (arXiv 1412.2007), after Bengio
and Senecal 2008: types drawn from a proposal q count 1 / q times, so that frequent ones can be drawn often and the sum
still comes out right on average. All rows of a step share the draw. Scores are those of the full softmax.

Shapes: N rows, D width of the features, V vocabulary, S samples.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.language_model import Losses, at_least_float32
from anaphora.models.layers.full_head import FullHead
from anaphora.models.layers.head import HeadConfig


class SampledHead(FullHead):
    """A full softmax that is trained on samples; its reported loss is the estimate."""

    log_proposal: Tensor

    def __init__(self, config: HeadConfig, vocab_size: int, width: int, embedding: nn.Module) -> None:
        super().__init__(config, vocab_size, width, embedding)
        self.register_buffer("log_proposal", torch.full((vocab_size,), -math.log(vocab_size)))

    @property
    def multiplications(self) -> int:
        return (self.config.head_samples + 1) * self.width

    def start_from_unigrams(self, log_probs: Tensor) -> None:
        super().start_from_unigrams(log_probs)
        self.log_proposal.copy_(log_probs)

    def losses(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Losses:
        self._refuse(label_smoothing)
        if not self.training:
            return super().losses(features, targets)
        drawn = self.draw()
        types = torch.cat([targets, drawn])
        rows, biases = F.embedding(types, self.matrix), self.bias[types]
        right_rows, wrong_rows = rows.split([len(targets), len(drawn)])
        right_bias, wrong_bias = biases.split([len(targets), len(drawn)])
        wrong = at_least_float32(F.linear(features, wrong_rows))
        wrong = wrong + (wrong_bias - self.log_proposal[drawn] - math.log(len(drawn)))
        wrong = wrong.masked_fill(targets.unsqueeze(1) == drawn, -math.inf)  # the right type counts once, and is there
        right = (features * right_rows).sum(1) + right_bias
        among = torch.cat([at_least_float32(right).unsqueeze(1), wrong], 1)
        estimate = F.cross_entropy(among, torch.zeros_like(targets))
        return Losses(estimate, estimate)

    def draw(self) -> Tensor:
        """Draw S types, with replacement, from torch's generator."""
        cumulative = self.log_proposal.double().exp().cumsum(0)
        points = torch.rand(self.config.head_samples, dtype=torch.float64, device=cumulative.device) * cumulative[-1]
        return torch.searchsorted(cumulative, points).clamp_(max=self.vocab_size - 1)
