"""Configuration objects: frozen, keyword-only, and what they answer to a wrong key or value."""

from typing import ClassVar, Literal

import pytest
from pydantic import Field, ValidationError

from anaphora.errors import ConfigError
from anaphora.settings import Settings, did_you_mean


class Inner(Settings):
    section: ClassVar[str] = "outer.inner"
    depth: int = Field(default=1, ge=1)


class Outer(Settings):
    section: ClassVar[str] = "outer"
    hidden_size: int = Field(default=8, ge=1)
    rate: float = 0.1
    kind: Literal["lstm", "gru"] = "lstm"
    needed: str
    inner: Inner = Inner()


def make(**values: object) -> Outer:
    return Outer.model_validate({"needed": "x", **values})


def test_values_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        make().hidden_size = 3


def test_replace_validates() -> None:
    assert make().replace(hidden_size=3).hidden_size == 3
    with pytest.raises(ConfigError, match="hidden_size = 0"):
        make().replace(hidden_size=0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"hiden_size": 3}, "unknown key 'hiden_size' in [outer]; did you mean 'hidden_size'?"),
        ({"zzz": 3}, "unknown key 'zzz' in [outer]"),
        ({"hidden_size": 0}, "hidden_size = 0 in [outer]: should be greater than or equal to 1"),
        ({"hidden_size": "many"}, "hidden_size = 'many' in [outer]: should be a valid integer"),
        ({"rate": float("nan")}, "rate = nan in [outer]: should be a finite number"),
        ({"kind": "rnn"}, "kind = 'rnn' in [outer]: should be 'lstm' or 'gru'"),
        ({"inner": {"dept": 2}}, "unknown key 'dept' in [outer.inner]; did you mean 'depth'?"),
        ({"inner": {"depth": 0}}, "depth = 0 in [outer.inner]: should be greater than or equal to 1"),
    ],
)
def test_what_is_said(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Outer(**{"needed": "x", **values})  # type: ignore[arg-type]
    assert str(caught.value).startswith(said)


def test_a_missing_value_is_named() -> None:
    with pytest.raises(ConfigError, match=r"\[outer\] needs a value for 'needed'"):
        Outer()  # type: ignore[call-arg]


def test_did_you_mean() -> None:
    assert did_you_mean("lsmt", ["gru", "lstm"]) == "; did you mean 'lstm'?"
    assert did_you_mean("q", ["gru", "lstm"]) == ""
