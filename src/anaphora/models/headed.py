"""What surrounds the recurrent layers of every neural model here: an embedding below, a head over the vocabulary above.

    tokens -> embedding -> [the subclass's layers: `read_embedded`] -> projection, where the widths differ -> head

Shapes: B batch, T time, V vocabulary, E embedding, H width of the last layer.
"""

from abc import abstractmethod

from pydantic import Field
from torch import Tensor, nn

from anaphora.models.language_model import Losses, NeuralLanguageModel, Reading, State
from anaphora.models.layers.head import HeadConfig
from anaphora.models.layers.heads import HEADS, make_embedding, make_head, reset_embedding


class HeadedConfig(HeadConfig):
    """What the models with an embedding and a head have in common, beside what `HeadConfig` lists.

    Attributes:
        name: of the model, in `registry.py`.
        embedding_dim: E, numbers that stand for one token.
        hidden_size: H, units of each layer.
        num_layers: L, recurrent layers on top of each other.
        embedding_range: the embedding starts uniform in [-embedding_range, embedding_range].
    """

    name: str
    embedding_dim: int = Field(default=256, ge=1, le=1 << 16)
    hidden_size: int = Field(default=256, ge=1, le=1 << 16)
    num_layers: int = Field(default=1, ge=1, le=64)
    embedding_range: float = Field(default=0.1, gt=0.0)


class HeadedLanguageModel(NeuralLanguageModel):
    """A language model between an embedding and a head; a subclass brings the layers.

    Args:
        config: of the subclass.
        vocab_size: V.
        width: of the last layer.
    """

    config: HeadedConfig

    def __init__(self, config: HeadedConfig, vocab_size: int, width: int) -> None:
        super().__init__(config, vocab_size)
        self.width = width
        self.embedding = make_embedding(config, vocab_size, config.embedding_dim)
        projected = config.tie_weights and not HEADS[config.head].projects
        head_dim = config.embedding_dim if projected else width
        self.projection = nn.Linear(width, head_dim, bias=False) if head_dim != width else None
        self.head = make_head(config, vocab_size, head_dim, self.embedding)

    def reset_parameters(self) -> None:
        """Draw all weights anew from torch's generator; a subclass draws those of its layers after these."""
        reset_embedding(self.embedding, self.config.embedding_range)
        self.head.reset_parameters()
        if self.projection is not None:
            self.projection.reset_parameters()

    def start_from_unigrams(self, log_probs: Tensor) -> None:
        self.head.start_from_unigrams(log_probs)

    @abstractmethod
    def layer_weights(self) -> list[list[nn.Parameter]]:
        """Return the weights of each layer between embedding and head, from the lowest up."""

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return the embedding, the layers, and the head with its projection; a shared embedding is the head's."""
        groups = self.layer_weights()
        if not self.config.tie_weights:
            groups = [list(self.embedding.parameters()), *groups]
        lower = {weight for group in groups for weight in group}
        return [*groups, [weight for weight in self.parameters() if weight not in lower]]

    def embed(self, tokens: Tensor) -> Tensor:
        """Look tokens (B, T), int64, up: (B, T, E), what `read_embedded` takes."""
        embedded: Tensor = self.embedding(tokens)
        return embedded

    @abstractmethod
    def read_embedded(self, embedded: Tensor, state: State) -> tuple[Reading, State]:
        """Read embedded tokens (B, T, E), or what somebody added to them; return as `read`."""

    def read(self, tokens: Tensor, state: State) -> tuple[Reading, State]:
        return self.read_embedded(self.embed(tokens), state)

    def losses(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Losses:
        return self.head.losses(features, targets, label_smoothing)

    def logits(self, features: Tensor) -> Tensor:
        return self.head.logits(features)

    def score_targets(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        features, state = self.features(tokens, state)
        log_probs, correct = self.head.score(features.flatten(0, 1), targets.flatten())
        return log_probs.view_as(targets), correct.view_as(targets), state

    def next_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        features, state = self.features(tokens, state)
        return self.head.log_probs(features[:, -1]), state

    def reading(self, hidden: Tensor, dropped: Tensor) -> Reading:
        """Return the reading (B, T, H) of the last layer, before and after the last dropout, with its projection."""
        return Reading(hidden, dropped, dropped if self.projection is None else self.projection(dropped))
