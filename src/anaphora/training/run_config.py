"""The configuration file of a run: [corpus], [tokenizer], [model] and [training], from TOML, JSON or key=value items.

    read_config(path) -> {section: {key: value}} -> apply_assignments(..., ["hidden_size=64"]) -> RunConfig.from_json

The first two return plain dictionaries, so that several sources can be laid over each other before anything is checked
for good. Unknown sections and keys are refused at once, with the file's name and the nearest known word.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

from pydantic import SerializeAsAny

from anaphora.errors import ConfigError
from anaphora.models.language_model import ModelConfig
from anaphora.models.registry import model_class, model_config
from anaphora.settings import Settings, did_you_mean
from anaphora.text.corpus import CorpusSettings
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.config import TrainingConfig

Sections = dict[str, dict[str, Any]]

_MAX_CONFIG_BYTES = 1 << 20
_SECTIONS = ("corpus", "tokenizer", "model", "training")


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
        sections = _checked(values, "the configuration")
        model = dict(sections["model"])
        return cls(
            corpus=CorpusSettings(**sections["corpus"]),
            tokenizer=TokenizerSettings(**sections["tokenizer"]),
            model=model_config(model.pop("name", "lstm"), model),
            training=TrainingConfig(**sections["training"]),
        )


def read_config(path: Path) -> Sections:
    """Read a .toml or .json file; the sections it leaves out come back empty.

    Raises:
        ConfigError: the file is missing, malformed, or has a section or key that nobody knows.
    """
    if path.suffix not in (".toml", ".json"):
        raise ConfigError(f"configuration file {path}: the name must end in .toml or .json")
    try:
        if path.stat().st_size > _MAX_CONFIG_BYTES:
            raise ConfigError(f"configuration file {path} is larger than 1 MB; this is no configuration")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        raise ConfigError(f"configuration file {path} is not UTF-8 at byte {fault.start}") from None
    except OSError as fault:
        raise ConfigError(f"configuration file {path} cannot be read: {fault.strerror}") from None
    try:
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise ConfigError(f"configuration file {path}: {fault}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"configuration file {path} holds a JSON {type(values).__name__}, not an object")
    return _checked(values, str(path))


def apply_assignments(values: Mapping[str, Mapping[str, Any]], assignments: Iterable[str]) -> Sections:
    """Lay "section.key=value" items over `values`; "key=value" will do where only one section has that key.

    A value is read as TOML (numbers, true, false, [lists], "strings"), else it is taken as a plain string; "none"
    empties a key that may be empty.

    Raises:
        ConfigError: no "=", an unknown section or key (with the nearest one), or a key that several sections have.
    """
    sections = _checked(values, "the configuration")
    pairs = [_split(item) for item in assignments]
    # The model's name decides which keys [model] has, so it is looked at first, wherever it stands.
    pairs.sort(key=lambda pair: pair[0] not in ("model.name", "name"))
    for name, text in pairs:
        section, key = _locate(name, sections)
        sections[section][key] = _parse(text, _fields(section, sections)[key])
    return sections


def _checked(values: Mapping[str, Any], where: str) -> Sections:
    """Return a copy with all four sections, after looking at every name in it."""
    for section, content in values.items():
        if section not in _SECTIONS:
            hint = f"{did_you_mean(section, list(_SECTIONS))} (known: {', '.join(_SECTIONS)})"
            raise ConfigError(f"{where}: unknown section [{section}]{hint}")
        if not isinstance(content, Mapping):
            raise ConfigError(f"{where}: {section} = {content!r} must be a section with keys, [{section}]")
    sections = {section: dict(values.get(section, {})) for section in _SECTIONS}
    for section, content in sections.items():
        known = list(_fields(section, sections))
        for key in content:
            if key not in known:
                raise ConfigError(f"{where}: unknown key {key!r} in [{section}]{did_you_mean(key, known)}")
    return sections


def _fields(section: str, sections: Sections) -> dict[str, Any]:
    """Return the keys of a section, each with its type; those of [model] depend on the model's name."""
    model_name = sections["model"].get("name", "lstm")
    classes: dict[str, type[Settings]] = {
        "corpus": CorpusSettings,
        "tokenizer": TokenizerSettings,
        "model": model_class(model_name).config_class_for(model_name),
        "training": TrainingConfig,
    }
    settings = classes[section]
    return {key: field.annotation for key, field in settings.model_fields.items()}


def _split(item: str) -> tuple[str, str]:
    name, equals, text = item.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"{item!r} is not an assignment; write key=value, as in training.learning_rate=0.01")
    return name.strip(), text.strip()


def _locate(name: str, sections: Sections) -> tuple[str, str]:
    """Return section and key of a full or bare name."""
    every = {section: _fields(section, sections) for section in _SECTIONS}
    section, dot, key = name.partition(".")
    if dot:
        if section not in every:
            raise ConfigError(f"{name}: unknown section [{section}]{did_you_mean(section, list(_SECTIONS))}")
        if key not in every[section]:
            raise ConfigError(f"{name}: unknown key {key!r} in [{section}]{did_you_mean(key, list(every[section]))}")
        return section, key
    owners = [section for section, keys in every.items() if name in keys]
    if len(owners) > 1:
        choices = " or ".join(f"{owner}.{name}" for owner in owners)
        raise ConfigError(f"{name}: several sections have this key; write {choices}")
    if not owners:
        known = [key for keys in every.values() for key in keys]
        raise ConfigError(f"{name}: no section has this key{did_you_mean(name, known)}")
    return owners[0], name


def _parse(text: str, annotation: object) -> Any:
    if text.lower() == "none" and type(None) in get_args(annotation):
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
