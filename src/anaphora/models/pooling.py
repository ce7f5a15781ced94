"""From a vector for each token to one for the document, whatever stands after its end.

Shapes: B batch, T time, W width of the features, P of what is pooled.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from anaphora.models.encoders.encoder import Encoded
from anaphora.models.language_model import at_least_float32

PoolingName = Literal["last", "mean", "max", "concat", "attention"]


class Pooling(nn.Module):
    """Pools the features of each document.

    Args:
        name: "last", the state after the last token; "mean" and "max" over all tokens; "concat", these three joined
            (Howard and Ruder 2018, section 3.3); "attention", a mean whose weights are learnt (Yang et al. 2016).
        width: W.

    Attributes:
        width: P.
    """

    def __init__(self, name: PoolingName, width: int) -> None:
        super().__init__()
        self.name = name
        self.width = 3 * width if name == "concat" else width
        self.project = nn.Linear(width, width) if name == "attention" else None
        self.query = nn.Linear(width, 1, bias=False) if name == "attention" else None

    def forward(self, encoded: Encoded, lengths: Tensor) -> Tensor:
        """Return (B, P), float32 at least, given documents of `lengths` (B,), int64."""
        features, last = encoded
        if self.name == "last":
            return at_least_float32(last)
        places = torch.arange(features.shape[1], device=features.device)
        inside = (places < lengths.unsqueeze(1)).unsqueeze(2)  # (B, T, 1)
        if self.name == "attention":
            return self._attend(features, inside)
        if self.name == "mean":
            return _mean(features, inside, lengths)
        if self.name == "max":
            return _max(features, inside)
        return torch.cat([at_least_float32(last), _max(features, inside), _mean(features, inside, lengths)], -1)

    def _attend(self, features: Tensor, inside: Tensor) -> Tensor:
        assert self.project is not None
        assert self.query is not None
        scores = at_least_float32(self.query(self.project(features).tanh())).masked_fill(~inside, -torch.inf)
        pooled: Tensor = (scores.softmax(1) * features.masked_fill(~inside, 0.0)).sum(1)
        return pooled


def _mean(features: Tensor, inside: Tensor, lengths: Tensor) -> Tensor:
    at_least = torch.promote_types(features.dtype, torch.float32)
    return features.masked_fill(~inside, 0.0).sum(1, dtype=at_least) / lengths.unsqueeze(1)


def _max(features: Tensor, inside: Tensor) -> Tensor:
    return at_least_float32(features.masked_fill(~inside, torch.finfo(features.dtype).min).amax(1))
