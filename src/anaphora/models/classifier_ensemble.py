"""Classifiers that vote, and how a saved classifier of any kind is built again. Shapes: B batch, T time, C classes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, cast

import torch
from pydantic import Field, SerializeAsAny, field_validator, model_validator
from torch import Tensor, nn

from anaphora.models.classifier import (
    Classifier,
    ClassifierConfig,
    DocumentClassifier,
    LabelledConfig,
    SingleClassifier,
)
from anaphora.models.ngram_classifier import NgramClassifier, NgramClassifierConfig
from anaphora.settings import Settings


class EnsembleConfig(Settings):
    """Several classifiers that vote.

    Attributes:
        members: at least two, of the same labels.
    """

    section: ClassVar[str] = "classifier"

    name: Literal["ensemble"] = "ensemble"
    members: tuple[SerializeAsAny[LabelledConfig], ...] = Field(min_length=2)

    @field_validator("members", mode="before")
    @classmethod
    def _as_configs(cls, given: Any) -> Any:
        return (
            [_single_config(one) if isinstance(one, dict) else one for one in given]
            if isinstance(given, list)
            else given
        )

    @model_validator(mode="after")
    def _same_question(self) -> Self:
        if len({(member.labels, member.multi_label) for member in self.members}) > 1:
            raise ValueError("all members must have the same labels")
        return self


class ClassifierEnsemble(Classifier):
    """The mean of the probabilities that its members give, each at its own temperature.

    ULMFiT's forward and backward model become one in this way (Howard and Ruder 2018, section 3.3). E is the sum of the
    members'.
    """

    config_class: ClassVar[type[EnsembleConfig]] = EnsembleConfig
    config: EnsembleConfig

    def __init__(self, config: EnsembleConfig, vocab_size: int) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.members = nn.ModuleList(_single(member, vocab_size) for member in config.members)
        self.register_buffer("temperature", torch.ones(()))

    @classmethod
    def of(cls, members: Sequence[SingleClassifier]) -> Self:
        """Return the ensemble of classifiers that are there; it shares their weights."""
        made = cls(EnsembleConfig(members=tuple(member.config for member in members)), members[0].vocab_size)
        made.members = nn.ModuleList(members)
        return made

    @property
    def labels(self) -> tuple[str, ...]:
        return self.config.members[0].labels

    @property
    def multi_label(self) -> bool:
        return self.config.members[0].multi_label

    @property
    def max_tokens(self) -> int | None:
        return self.config.members[0].max_tokens

    def embed(self, tokens: Tensor) -> Tensor:
        return torch.cat([member.embed(tokens) for member in self.voters], -1)

    @property
    def embedding_dim(self) -> int:
        return sum(member.embedding_dim for member in self.voters)

    def logits_from_embedded(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        widths = [member.embedding_dim for member in self.voters]
        parts = zip(self.voters, embedded.split(widths, -1), strict=True)
        return self.combine([member.logits_from_embedded(part, lengths) for member, part in parts])

    def combine(self, logits: Sequence[Tensor]) -> Tensor:
        """Return the logits (B, C) of the vote, given those of the members, each (B, C)."""
        voices = [member.log_probs(own) for member, own in zip(self.voters, logits, strict=True)]
        mean = torch.stack(voices).logsumexp(0) - math.log(len(voices))
        # As logits: of one class, up to a constant; of several labels, log p - log (1 - p).
        return mean - torch.log(-torch.expm1(mean)) if self.multi_label else mean

    @property
    def voters(self) -> list[SingleClassifier]:
        """The members, which share their weights with the ensemble."""
        return [cast(SingleClassifier, member) for member in self.members]


def build_classifier(saved: Mapping[str, Any], vocab_size: int) -> Classifier:
    """Make the classifier of a saved configuration.

    Raises:
        ConfigError: an unknown key or a bad value.
    """
    if saved.get("name") == "ensemble":
        return ClassifierEnsemble(EnsembleConfig(**saved), vocab_size)
    return _single(_single_config(saved), vocab_size)


def _single_config(saved: Mapping[str, Any]) -> LabelledConfig:
    return NgramClassifierConfig(**saved) if saved.get("name") == "ngram-classifier" else ClassifierConfig(**saved)


def _single(config: LabelledConfig, vocab_size: int) -> SingleClassifier:
    if isinstance(config, NgramClassifierConfig):
        return NgramClassifier(config, vocab_size)
    assert isinstance(config, ClassifierConfig)
    return DocumentClassifier(config, vocab_size)
