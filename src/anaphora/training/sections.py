"""Configurations in sections, from TOML, JSON or key=value items, whatever the sections are: a Layout says that.

Unknown sections and keys are refused at once, with the file's name and the nearest known word. What comes out are plain
dictionaries, so that several sources can be laid over each other before anything is checked for good.
"""

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from anaphora.errors import ConfigError
from anaphora.settings import Settings, did_you_mean

Sections = dict[str, dict[str, Any]]

_MAX_CONFIG_BYTES = 1 << 20


@dataclass(frozen=True)
class Layout:
    """The sections that the runs of one kind have.

    Attributes:
        names: of the sections.
        class_of: returns what a section holds, given its name and all sections: one may decide about another.
        first: names of the settings that decide about others, and so are looked at first.
    """

    names: tuple[str, ...]
    class_of: Callable[[str, Sections], type[Settings]]
    first: tuple[str, ...] = ()

    def read(self, path: Path) -> Sections:
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
        return self.checked(values, str(path))

    def assigned(self, values: Mapping[str, Mapping[str, Any]], assignments: Iterable[str]) -> Sections:
        """Lay "section.key=value" items over `values`; "key=value" will do where only one section has that key.

        A value is read as TOML (numbers, true, false, [lists], "strings"), else it is taken as a plain string; "none"
        empties a key that may be empty.

        Raises:
            ConfigError: no "=", an unknown section or key (with the nearest one), or a key that several sections have.
        """
        sections = self.checked(values)
        pairs = [_split(item) for item in assignments]
        pairs.sort(key=lambda pair: pair[0] not in self.first)
        for name, text in pairs:
            section, key = self._locate(name, sections)
            sections[section][key] = _parse(text, self._fields(section, sections)[key])
        return sections

    def checked(self, values: Mapping[str, Any], where: str = "the configuration") -> Sections:
        """Return a copy with all sections, after looking at every name in it."""
        for section, content in values.items():
            if section not in self.names:
                hint = f"{did_you_mean(section, list(self.names))} (known: {', '.join(self.names)})"
                raise ConfigError(f"{where}: unknown section [{section}]{hint}")
            if not isinstance(content, Mapping):
                raise ConfigError(f"{where}: {section} = {content!r} must be a section with keys, [{section}]")
        sections = {section: dict(values.get(section, {})) for section in self.names}
        for section, content in sections.items():
            known = list(self._fields(section, sections))
            for key in content:
                if key not in known:
                    raise ConfigError(f"{where}: unknown key {key!r} in [{section}]{did_you_mean(key, known)}")
        return sections

    def _fields(self, section: str, sections: Sections) -> dict[str, Any]:
        """Return the keys of a section, each with its type."""
        return {key: field.annotation for key, field in self.class_of(section, sections).model_fields.items()}

    def _locate(self, name: str, sections: Sections) -> tuple[str, str]:
        """Return section and key of a full or bare name."""
        every = {section: self._fields(section, sections) for section in self.names}
        section, dot, key = name.partition(".")
        if dot:
            if section not in every:
                raise ConfigError(f"{name}: unknown section [{section}]{did_you_mean(section, list(self.names))}")
            if key not in every[section]:
                raise ConfigError(
                    f"{name}: unknown key {key!r} in [{section}]{did_you_mean(key, list(every[section]))}"
                )
            return section, key
        owners = [section for section, keys in every.items() if name in keys]
        if len(owners) > 1:
            choices = " or ".join(f"{owner}.{name}" for owner in owners)
            raise ConfigError(f"{name}: several sections have this key; write {choices}")
        if not owners:
            known = [key for keys in every.values() for key in keys]
            raise ConfigError(f"{name}: no section has this key{did_you_mean(name, known)}")
        return owners[0], name


def _split(item: str) -> tuple[str, str]:
    name, equals, text = item.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"{item!r} is not an assignment; write key=value, as in training.learning_rate=0.01")
    return name.strip(), text.strip()


def _parse(text: str, annotation: object) -> Any:
    if text.lower() == "none" and type(None) in get_args(annotation):
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
