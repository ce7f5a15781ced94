"""`anaphora export` and `anaphora import`: n-gram models to and from other programs, as ARPA files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anaphora.cli import output, progress
from anaphora.cli.output import Json, Quiet

if TYPE_CHECKING:
    from anaphora.api.arpa import ArpaResult


def export(
    model: Annotated[Path, typer.Argument(help="A folder with an n-gram model, or its run folder.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.arpa[.gz]", help="The file to write.")],
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write an n-gram model as an ARPA file, which KenLM, SRILM and others read."""
    from anaphora import api

    with progress.reporting(quiet) as report:
        result = api.export_arpa(model, out, progress=report)
    _show(result, as_json)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.arpa[.gz]", help="The ARPA file to read.")],
    out: Annotated[Path, typer.Option(help="The model folder to make.")],
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make a model of an ARPA file, to be used like one that was trained here."""
    from anaphora import api

    with progress.reporting(quiet) as report:
        result = api.import_arpa(file, out, progress=report)
    _show(result, as_json)


def _show(result: "ArpaResult", as_json: bool) -> None:
    if as_json:
        output.say_json(result.to_json())
        return
    counts = " + ".join(f"{count:,}" for count in result.ngrams)
    output.say_pairs([("n-grams", counts), ("context", result.context), ("written", result.path)])
