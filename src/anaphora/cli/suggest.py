"""`anaphora suggest`: the likeliest next words."""

from pathlib import Path
from typing import Annotated

import typer

from anaphora.cli import output
from anaphora.cli.output import Json


def suggest(
    model: Annotated[Path, typer.Argument(help="A model or run folder.")],
    prefix: Annotated[str, typer.Argument(help="The text so far; within a word, or with a space at its end.")] = "",
    top: Annotated[int, typer.Option(help="How many words.")] = 5,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    as_json: Json = False,
) -> None:
    """Suggest the next word, or how a half-typed one may end.

    A probability is that of the word given the text before it and the letters typed of it.
    """
    from anaphora import api

    result = api.suggest(model, prefix, top=top, device=device)
    if as_json:
        output.say_json(result.to_json())
        return
    for one in result.words:
        output.say(f"{one.probability:7.4f}  {one.word}")
    if not result.words:
        output.note(f"no word that the model knows begins with {result.typed!r}" if result.typed else "no word found")
