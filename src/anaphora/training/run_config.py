"""The configuration of a language model's run: its sections [corpus], [tokenizer], [model] and [training].

    read_config(path) -> {section: {key: value}} -> apply_assignments(..., ["hidden_size=64"]) -> RunConfig.from_json

The first two return plain dictionaries, so that several sources can be laid over each other before anything is checked
for good. How sections are read, whatever they hold, is in `sections.py`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import SerializeAsAny

from anaphora.models.language_model import ModelConfig
from anaphora.models.registry import model_class, model_config
from anaphora.settings import Settings
from anaphora.text.corpus import CorpusSettings
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.config import TrainingConfig
from anaphora.training.sections import Layout, Sections


def _class_of(section: str, sections: Sections) -> type[Settings]:
    """Return what a section holds; the keys of [model] depend on the model's name."""
    model_name = sections["model"].get("name", "lstm")
    classes: dict[str, type[Settings]] = {
        "corpus": CorpusSettings,
        "tokenizer": TokenizerSettings,
        "model": model_class(model_name).config_class_for(model_name),
        "training": TrainingConfig,
    }
    return classes[section]


LANGUAGE_MODEL = Layout(("corpus", "tokenizer", "model", "training"), _class_of, first=("model.name", "name"))


class RunConfig(Settings):
    """All that is needed to make a run again: the four sections of its configuration file."""

    section: ClassVar[str] = "run"

    corpus: CorpusSettings
    tokenizer: TokenizerSettings
    model: SerializeAsAny[ModelConfig]
    training: TrainingConfig

    def to_json(self) -> Sections:
        """Return the four sections as JSON values."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, values: Mapping[str, Mapping[str, Any]]) -> Self:
        """Make the configuration from `{section: {key: value}}`; a section left out takes its defaults.

        Raises:
            ConfigError: an unknown section or key, a bad value, or no [corpus] source.
        """
        sections = LANGUAGE_MODEL.checked(values)
        model = dict(sections["model"])
        return cls(
            corpus=CorpusSettings(**sections["corpus"]),
            tokenizer=TokenizerSettings(**sections["tokenizer"]),
            model=model_config(model.pop("name", "lstm"), model),
            training=TrainingConfig(**sections["training"]),
        )


def read_config(path: Path) -> Sections:
    """Read a .toml or .json file; see `Layout.read`."""
    return LANGUAGE_MODEL.read(path)


def apply_assignments(values: Mapping[str, Mapping[str, Any]], assignments: Iterable[str]) -> Sections:
    """Lay "section.key=value" items over `values`; see `Layout.assigned`."""
    return LANGUAGE_MODEL.assigned(values, assignments)
