"""The one table of heads, and how a model gets the one that its configuration names."""

from torch import nn

from anaphora.models.layers.full_head import FullHead
from anaphora.models.layers.head import Head, HeadConfig

HEADS: dict[str, type[Head]] = {
    "full": FullHead,
}


def make_head(config: HeadConfig, vocab_size: int, width: int, embedding: nn.Module) -> Head:
    """Return a new head; arguments as `Head`."""
    return HEADS[config.head](config, vocab_size, width, embedding)
