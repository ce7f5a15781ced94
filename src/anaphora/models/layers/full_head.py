"""The ordinary head: one row of a matrix for each type, a softmax over all of them.

Shapes: N rows, D width of the features, V vocabulary.
"""

from torch import Tensor
from torch.nn import functional as F

from anaphora.models.language_model import Losses, at_least_float32
from anaphora.models.layers.chunked_softmax import chunked_cross_entropy
from anaphora.models.layers.head import MatrixHead

# Up to here the framework's own cross-entropy, a handful of calls, is as fast as two dozen on the same few numbers.
_FEW_TYPES = 192


class FullHead(MatrixHead):
    """A linear layer and a softmax over all V types."""

    def losses(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Losses:
        most = self.config.head_max_logits
        if label_smoothing or self.vocab_size > _FEW_TYPES or self.vocab_size * len(features) > most:
            return chunked_cross_entropy(
                features,
                self.matrix,
                self.bias,
                targets,
                scale=1 / len(targets),
                label_smoothing=label_smoothing,
                max_logits=most,
            )
        nats = F.cross_entropy(at_least_float32(self.logits(features)), targets)
        return Losses(nats, nats)

    def logits(self, features: Tensor) -> Tensor:
        return F.linear(features, self.matrix, self.bias)

    def log_probs(self, features: Tensor) -> Tensor:
        return at_least_float32(self.logits(features)).log_softmax(-1)
