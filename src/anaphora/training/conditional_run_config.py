"""The configuration of a conditional model's run: [documents], [tokenizer], [model], [condition] and [training]."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, SerializeAsAny

from anaphora.errors import ConfigError
from anaphora.models.conditional import ConditionalConfig
from anaphora.models.language_model import ModelConfig
from anaphora.models.registry import model_class, model_config
from anaphora.settings import Settings
from anaphora.text.documents import DocumentSettings
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.config import TrainingConfig
from anaphora.training.sections import Layout, Sections

_SUITS_WORDS = {"learn_unknown": True}


class ConditionSettings(Settings):
    """The [condition] section; both as in `ConditionalConfig`.

    Attributes:
        condition_dim: numbers that stand for one label.
        dropout_condition: the share of the documents that training takes without their label.
    """

    section: ClassVar[str] = "condition"

    condition_dim: int = Field(default=64, ge=1, le=1 << 16)
    dropout_condition: float = Field(default=0.1, ge=0.0, lt=1.0)


def _class_of(section: str, sections: Sections) -> type[Settings]:
    """Return what a section holds; the keys of [model] depend on the name of the net."""
    name = sections["model"].get("name", "lstm")
    classes: dict[str, type[Settings]] = {
        "documents": DocumentSettings,
        "tokenizer": TokenizerSettings,
        "model": model_class(name).config_class_for(name),
        "condition": ConditionSettings,
        "training": TrainingConfig,
    }
    return classes[section]


CONDITIONAL = Layout(
    ("documents", "tokenizer", "model", "condition", "training"), _class_of, first=("model.name", "name")
)


class ConditionalRunConfig(Settings):
    """All that is needed to make a conditional model's run again; [model] is the net that the condition is added to."""

    section: ClassVar[str] = "run"

    documents: DocumentSettings
    tokenizer: TokenizerSettings
    model: SerializeAsAny[ModelConfig]
    condition: ConditionSettings
    training: TrainingConfig

    def to_json(self) -> Sections:
        """Return the sections as JSON values."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, values: Mapping[str, Mapping[str, Any]]) -> Self:
        """Make the configuration from `{section: {key: value}}`; a section left out takes its defaults.

        Raises:
            ConfigError: an unknown section or key, a bad value, or no documents.
        """
        sections = CONDITIONAL.checked(values)
        if not sections["documents"].get("source"):
            raise ConfigError("no documents were named; give a table with a column of texts and a column of labels")
        if sections["documents"].get("multi_label"):
            raise ConfigError("multi_label in [documents]: a conditional model takes one label for each document")
        model = dict(sections["model"])
        suits = _SUITS_WORDS if sections["tokenizer"].get("kind") in ("words", "english") else {}
        return cls(
            documents=DocumentSettings(**sections["documents"]),
            tokenizer=TokenizerSettings(**{**suits, **sections["tokenizer"]}),
            model=model_config(model.pop("name", "lstm"), model),
            condition=ConditionSettings(**sections["condition"]),
            training=TrainingConfig(**sections["training"]),
        )

    def conditional(self, labels: tuple[str, ...]) -> ConditionalConfig:
        """Return what the model is made of, given the labels of the documents."""
        return ConditionalConfig(net=self.model.model_dump(mode="json"), labels=labels, **dict(self.condition))
