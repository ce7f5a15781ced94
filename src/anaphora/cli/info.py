"""`anaphora info`: what a model folder holds."""

from pathlib import Path
from typing import Annotated, Any

import typer

from anaphora.cli import output
from anaphora.cli.output import Json


def info(
    model: Annotated[Path, typer.Argument(help="A model or run folder.")],
    as_json: Json = False,
) -> None:
    """Show a model's sizes, settings, tokenizer, corpus and results."""
    from anaphora import api

    facts = api.info(model)
    if as_json:
        output.say_json(facts)
    else:
        output.say_pairs(_flat(facts))


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Turn nested values into "outer.inner" lines."""
    lines: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            lines += _flat(value, f"{prefix}{key}.")
        elif value is not None:
            lines.append((f"{prefix}{key}", f"{value:,}" if type(value) is int else str(value)))
    return lines
