"""`anaphora classify vote`: one classifier made of several."""

from pathlib import Path
from typing import Annotated

import typer

from anaphora.cli import output
from anaphora.cli.output import Json


def vote(
    models: Annotated[list[Path], typer.Argument(help="Classifiers or their run folders, two or more.")],
    out: Annotated[Path, typer.Option(help="Where to save the new one.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the model that is in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Make one classifier of several that were trained on their own, perhaps side by side on different machines.

    Its probabilities are the mean of theirs. All must have the same labels and the same tokenizer.
    """
    from anaphora import api

    result = api.vote(models, out=out, overwrite=overwrite)
    if as_json:
        output.say_json(result.to_json())
        return
    output.say_pairs(
        [
            ("model", str(result.model)),
            ("members", ", ".join(result.members)),
            ("next", f"anaphora classify eval {result.model} DATA"),
        ]
    )
