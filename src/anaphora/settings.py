"""The base of all configuration objects: frozen, keyword-only, validated when made.

pydantic does the checking; this file turns its reports into ConfigErrors that name the section, the offending value
and, for an unknown key, the nearest known one. Lowest floor: every package defines its own settings with it.
"""

from difflib import get_close_matches
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from anaphora.errors import ConfigError


def did_you_mean(word: str, known: list[str]) -> str:
    """Return "; did you mean 'x'?" for the known word nearest to `word`, or an empty string."""
    nearest = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


class Settings(BaseModel):
    """A frozen set of named values; `section` is the [section] of a configuration file that holds them.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type or range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False)
    section: ClassVar[str] = "settings"

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(self._explain(error)) from None

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some values changed, validated like any other."""
        return type(self)(**{**dict(self), **changes})

    @classmethod
    def _explain(cls, report: ValidationError) -> str:
        """Say the first fault that pydantic found in one sentence."""
        fault = report.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            return f"unknown key {key!r} in [{cls.section}]{did_you_mean(key, list(cls.model_fields))}"
        if fault["type"] == "missing":
            return f"[{cls.section}] needs a value for {key!r}"
        message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
        if not key:
            return f"[{cls.section}] {message}"
        return f"{key} = {fault['input']!r} in [{cls.section}]: {message}"
