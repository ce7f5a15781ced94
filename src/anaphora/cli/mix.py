"""`anaphora mix`: several models made one."""

from pathlib import Path
from typing import Annotated

import typer

from anaphora.cli import output
from anaphora.cli.output import Json


def mix(
    models: Annotated[list[Path], typer.Argument(help="Model or run folders, two or more, over the same tokens.")],
    tune: Annotated[str, typer.Option(metavar="FILE|-", help="A held-out text to find the weights on.")],
    out: Annotated[Path, typer.Option(help="Where to save the mixture.")],
    combination: Annotated[str, typer.Option(help="linear or log-linear.")] = "linear",
    classes: Annotated[
        str, typer.Option(help="one, or rank: weights of their own after frequent and after rare tokens.")
    ] = "one",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the model that is in --out.")] = False,
    encoding: Annotated[str, typer.Option(help="How the file is encoded.")] = "utf-8",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    as_json: Json = False,
) -> None:
    """Mix models into one that predicts better than each, and save it.

    The weights are tuned on a text that no component was trained on. The mixture is a model like any other.
    """
    from anaphora import api

    result = api.mix(
        models,
        tune=tune,
        out=out,
        combination=combination,
        context_classes=classes,
        overwrite=overwrite,
        encoding=encoding,
        device=device,
    )
    if as_json:
        output.say_json(result.to_json())
        return
    rows = [(part.model, f"{part.weight:.4f}", f"{part.perplexity:,.3f}") for part in result.components]
    output.say_table(("model", "weight", "perplexity"), [*rows, (str(result.model), "", f"{result.perplexity:,.3f}")])
    output.say(f"tuned on {result.tokens:,} tokens of {result.tuned_on} in {result.steps} steps")
    output.say(f"next: anaphora eval {result.model} TEST")
