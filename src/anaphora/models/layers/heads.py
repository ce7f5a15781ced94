"""The one table of heads, and how a model gets the one that its configuration names."""

from torch import nn

from anaphora.models.layers.adaptive_embedding import AdaptiveEmbedding, Embedding
from anaphora.models.layers.adaptive_head import AdaptiveHead
from anaphora.models.layers.bands import Bands
from anaphora.models.layers.full_head import FullHead
from anaphora.models.layers.head import Head, HeadConfig, HeadName
from anaphora.models.layers.mixture_head import MixtureHead
from anaphora.models.layers.sampled_head import SampledHead

HEADS: dict[HeadName, type[Head]] = {
    "full": FullHead,
    "adaptive": AdaptiveHead,
    "sampled": SampledHead,
    "mixture-of-softmaxes": MixtureHead,
}


def make_head(config: HeadConfig, vocab_size: int, width: int, embedding: nn.Module) -> Head:
    """Return a new head; arguments as `Head`."""
    return HEADS[config.head](config, vocab_size, width, embedding)


def make_embedding(config: HeadConfig, vocab_size: int, embedding_dim: int) -> Embedding:
    """Return a new embedding of the kind that the head can share."""
    if config.head == "adaptive" and config.tie_weights:
        return AdaptiveEmbedding(Bands.of(vocab_size, embedding_dim, config.head_cutoffs, config.head_div_value))
    return nn.Embedding(vocab_size, embedding_dim)


def reset_embedding(embedding: Embedding, embedding_range: float) -> None:
    """Draw an embedding's weights anew from torch's generator."""
    if isinstance(embedding, AdaptiveEmbedding):
        embedding.reset_parameters(embedding_range)
    else:
        nn.init.uniform_(embedding.weight, -embedding_range, embedding_range)
