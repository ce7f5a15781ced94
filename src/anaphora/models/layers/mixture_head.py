"""A mixture of softmaxes: several distributions from one state, weighed by how well each suits it.

Yang et al. 2018, "Breaking the softmax bottleneck" (arXiv 1711.03953): a single softmax can only say what a matrix of
rank D can, and language needs more. K experts read the features through a layer each and share the rows of the types.

Shapes: N rows, W width of the features, D width of the types' rows (of the embedding when tied), K experts, V types.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.language_model import Losses, at_least_float32
from anaphora.models.layers.chunked_softmax import chunked_cross_entropy
from anaphora.models.layers.head import HeadConfig, MatrixHead


class MixtureHead(MatrixHead):
    """sum_k mixture_k softmax(W tanh(A_k x + a_k) + b), with mixture = softmax(M x)."""

    projects = True

    def __init__(self, config: HeadConfig, vocab_size: int, width: int, embedding: nn.Module) -> None:
        inner = cast(nn.Embedding, embedding).embedding_dim if config.tie_weights else width
        super().__init__(config, vocab_size, inner, embedding)
        self.experts = nn.Linear(width, config.head_experts * inner)
        self.mixture = nn.Linear(width, config.head_experts, bias=False)
        self.dropout = nn.Dropout(config.head_dropout)
        self.logits_per_row *= config.head_experts

    @property
    def multiplications(self) -> int:
        return self.logits_per_row * self.width + self.experts.weight.numel() + self.mixture.weight.numel()

    def reset_parameters(self) -> None:
        super().reset_parameters()
        self.experts.reset_parameters()
        self.mixture.reset_parameters()

    def losses(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Losses:
        self._refuse(label_smoothing)
        read, log_mixture = self._experts(features)
        return chunked_cross_entropy(
            read,
            self.matrix,
            self.bias,
            targets,
            log_mixture=log_mixture,
            scale=1 / len(targets),
            max_logits=self.config.head_max_logits,
        )

    def log_probs(self, features: Tensor) -> Tensor:
        read, log_mixture = self._experts(features)
        each = at_least_float32(F.linear(read, self.matrix, self.bias)).log_softmax(-1)
        return (each + log_mixture.unsqueeze(-1)).logsumexp(-2)

    def _experts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return what each expert reads, (..., K, D), and the log-probabilities of the experts, (..., K)."""
        read = self.dropout(torch.tanh(self.experts(features))).unflatten(-1, (self.config.head_experts, -1))
        return read, at_least_float32(self.mixture(features)).log_softmax(-1)
