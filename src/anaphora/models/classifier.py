"""A classifier of documents (many-to-one): an encoder, a pooling, and a small head.

    tokens -> encoder -> pooling -> dropout_pooled -> [linear -> relu -> dropout_classifier] -> linear -> logits

Padding never changes a result. Shapes: B batch, T time, E embedding, C classes.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, SerializeAsAny, field_validator
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.encoders.encoder import EncoderConfig
from anaphora.models.encoders.registry import build_encoder, encoder_config
from anaphora.models.language_model import at_least_float32
from anaphora.models.layers.dropout import draw_mask
from anaphora.models.net import Net
from anaphora.models.pooling import Pooling, PoolingName
from anaphora.settings import Settings

_PREFIXES = 64  # of a document, that are read side by side


class Classifier(Net):
    """What every classifier of documents offers.

    Attributes:
        temperature: what logits are divided by before they become probabilities; fitted on held-out documents (Guo et
            al. 2017, arXiv 1706.04599), 1 before.
    """

    vocab_size: int
    temperature: Tensor

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the logits."""

    @property
    @abstractmethod
    def multi_label(self) -> bool:
        """Whether a document may have several of the labels, or none."""

    @property
    @abstractmethod
    def max_tokens(self) -> int | None:
        """How much of a document it reads, see `ClassifierSettings`."""

    @property
    @abstractmethod
    def embedding_dim(self) -> int:
        """E, the numbers that stand for one token."""

    @abstractmethod
    def embed(self, tokens: Tensor) -> Tensor:
        """Look tokens (B, T), int64, up: (B, T, E)."""

    @abstractmethod
    def logits_from_embedded(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Return logits (B, C), float32, given embedded tokens (B, T, E) of documents of `lengths` (B,)."""

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Return logits (B, C), float32.

        Args:
            tokens: (B, T), int64, padded on the right with anything.
            lengths: (B,), int64, the true length of each document, at least 1.
        """
        return self.logits_from_embedded(self.embed(tokens), lengths)

    def log_probs(self, logits: Tensor) -> Tensor:
        """Return the log-probability of each class, (B, C), in nats; of several labels, each is a probability alone."""
        scaled = logits / self.temperature
        return F.logsigmoid(scaled) if self.multi_label else scaled.log_softmax(-1)

    def class_log_probs(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Return `log_probs` (B, C) of documents; shapes as `forward`."""
        return self.log_probs(self(tokens, lengths))

    def running_log_probs(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Return (B, T, C): what `class_log_probs` would say had the document ended after each token.

        Every beginning is read anew, T times T / 2 tokens in all. Past a document's end its last value is repeated.
        """
        steps = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
        rows = []
        for document, length in zip(tokens, lengths, strict=True):
            ends = steps.clamp(max=int(length))
            parts = [
                self.class_log_probs(document[: int(part.max())].expand(len(part), -1), part)
                for part in ends.split(_PREFIXES)
            ]
            rows.append(torch.cat(parts))
        return torch.stack(rows)


class ClassifierSettings(Settings):
    """The [classifier] section: what a user decides of a classifier, above its encoder.

    Attributes:
        pooling: see `pooling.Pooling`.
        classifier_dim: units of a hidden layer before the last; None for none.
        dropout_words: of single words: in training each one, at each place, may be missing.
        dropout_pooled: on the pooled vector.
        dropout_classifier: on the hidden layer.
        class_weights: "balanced" makes all classes count alike in training, however few documents they have.
        adversarial: how far training moves the embedded words, all of a document together, in the direction that hurts
            most, as a share of their length; the loss there counts as much as the plain one (Miyato et al. 2017, arXiv
            1605.07725). A step then takes twice as long. It begins when the embedding learns; 0 leaves it out.
        max_tokens: of a longer document so many are read, half of them at its beginning and half at its end.
    """

    section: ClassVar[str] = "classifier"

    pooling: PoolingName = "concat"
    classifier_dim: int | None = Field(default=None, ge=1, le=1 << 16)
    dropout_words: float = Field(default=0.1, ge=0.0, lt=1.0)
    dropout_pooled: float = Field(default=0.5, ge=0.0, lt=1.0)
    dropout_classifier: float = Field(default=0.1, ge=0.0, lt=1.0)
    class_weights: Literal["none", "balanced"] = "none"
    adversarial: float = Field(default=0.0, ge=0.0)
    max_tokens: int | None = Field(default=None, ge=1)


class LabelledConfig(Settings):
    """What every single classifier is asked.

    Attributes:
        labels: the names of the C classes, in the order of the logits; at least two.
        multi_label: whether a document may have several of the labels, or none; each is then a question of its own.
        max_tokens: of a longer document so many are read, half of them at its beginning and half at its end.
    """

    section: ClassVar[str] = "classifier"

    labels: tuple[str, ...] = Field(min_length=2)
    multi_label: bool = False
    max_tokens: int | None = Field(default=None, ge=1)

    @field_validator("labels")
    @classmethod
    def _labels_differ(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(labels)) < len(labels):
            raise ValueError("each label once")
        return labels


class ClassifierConfig(ClassifierSettings, LabelledConfig):
    """What a classifier with an encoder is made of.

    Attributes:
        encoder: its configuration, the [encoder] section.
    """

    name: Literal["classifier"] = "classifier"
    encoder: SerializeAsAny[EncoderConfig] = Field(default_factory=lambda: encoder_config({}))

    @field_validator("encoder", mode="before")
    @classmethod
    def _as_config(cls, given: Any) -> Any:
        return encoder_config(given) if isinstance(given, dict) else given


class SingleClassifier(Classifier):
    """A classifier that is no vote of others."""

    config: LabelledConfig

    def __init__(self, config: LabelledConfig, vocab_size: int) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.register_buffer("temperature", torch.ones(()))

    @property
    def labels(self) -> tuple[str, ...]:
        return self.config.labels

    @property
    def multi_label(self) -> bool:
        return self.config.multi_label

    @property
    def max_tokens(self) -> int | None:
        return self.config.max_tokens


class DocumentClassifier(SingleClassifier):
    """An encoder, a pooling, and a head."""

    config_class: ClassVar[type[ClassifierConfig]] = ClassifierConfig
    config: ClassifierConfig

    def __init__(self, config: ClassifierConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.encoder = build_encoder(config.encoder, vocab_size)
        self.pooling = Pooling(config.pooling, self.encoder.width)
        width = self.pooling.width
        self.dropout_pooled = nn.Dropout(config.dropout_pooled)
        self.hidden = nn.Linear(width, config.classifier_dim) if config.classifier_dim else None
        self.dropout_classifier = nn.Dropout(config.dropout_classifier)
        self.output = nn.Linear(config.classifier_dim or width, len(config.labels))

    @property
    def embedding_dim(self) -> int:
        return self.encoder.embedding_dim

    def embed(self, tokens: Tensor) -> Tensor:
        embedded = self.encoder.embed(tokens)
        if not self.training or self.config.dropout_words == 0.0:
            return embedded
        mask = draw_mask(embedded.new_empty(*reversed(tokens.shape), 1), self.config.dropout_words)
        return embedded * mask.transpose(0, 1)  # with the time first in memory, as the layers want it

    def logits_from_embedded(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        pooled = self.dropout_pooled(self.pooling(self.encoder.encode(embedded, lengths), lengths))
        if self.hidden is not None:
            pooled = self.dropout_classifier(self.hidden(pooled).relu())
        return at_least_float32(self.output(pooled))

    def layer_groups(self) -> list[list[nn.Parameter]]:
        lower = self.encoder.layer_groups()
        known = {weight for group in lower for weight in group}
        return [*lower, [weight for weight in self.parameters() if weight not in known]]

    def hidden_matrices(self) -> list[tuple[nn.Parameter, int]]:
        return self.encoder.hidden_matrices()
