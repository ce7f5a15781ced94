"""`anaphora compare`: which of two models predicts a text better, and where."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anaphora.cli import output
from anaphora.cli.output import Json

if TYPE_CHECKING:
    from anaphora.api import Comparison
    from anaphora.api.comparison import Place


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A model or run folder.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
    text: Annotated[str, typer.Argument(metavar="TEXT|-", help="A text that neither has learnt; '-' for stdin.")],
    unit: Annotated[
        str, typer.Option(help="nats-per-token, or bits-per-byte for models over different tokens.")
    ] = "nats-per-token",
    context: Annotated[
        str, typer.Option(help="stream: read the text as eval does; line: start anew at each line.")
    ] = "stream",
    top: Annotated[int, typer.Option(help="List so many places where each is furthest ahead.")] = 10,
    draws: Annotated[int, typer.Option(help="Draw the lines anew so often.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 1,
    encoding: Annotated[str, typer.Option(help="How the file is encoded.")] = "utf-8",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    as_json: Json = False,
) -> None:
    """Compare two models on a text: the difference, how far it can be trusted, and where each is ahead.

    The confidence interval and p come from a paired bootstrap over the lines of the text.
    """
    from anaphora import api

    result = api.compare(
        first,
        second,
        text,
        unit=unit,
        context=context,
        top=top,
        draws=draws,
        seed=seed,
        encoding=encoding,
        device=device,
    )
    if as_json:
        output.say_json(result.to_json())
    else:
        _show(result)


def _show(result: "Comparison") -> None:
    difference, (a, b) = result.difference, result.models
    better = a if difference.difference < 0 else b
    verdict = f"{better} is better" if difference.p < 0.05 else "no difference that could not be luck"
    output.say_pairs(
        [
            ("A", a),
            ("B", b),
            ("A, " + result.unit.replace("-", " "), _loss(result.unit, difference.first)),
            ("B", _loss(result.unit, difference.second)),
            ("A - B", f"{difference.difference:+.4f}  (95 %: {difference.low:+.4f} to {difference.high:+.4f})"),
            ("p", f"{difference.p:.4f}  ({difference.draws:,} draws of {difference.lines:,} lines)"),
            ("verdict", f"{verdict} (at 0.05)"),
            ("signature A", result.signatures[0]),
            ("signature B", result.signatures[1]),
        ]
    )
    for name, places in (("A", result.first_wins), ("B", result.second_wins)):
        if places:
            output.say()
            output.say_table((f"where {name} is furthest ahead", "line", "bits A", "bits B"), _rows(places))


def _loss(unit: str, loss: float) -> str:
    from anaphora.evaluation.metrics import perplexity

    return f"{loss:.4f}" + (f"  (perplexity {perplexity(loss):,.3f})" if unit == "nats-per-token" else "")


def _rows(places: "Sequence[Place]") -> list[tuple[str, ...]]:
    return [
        (
            f"{place.before!r:.60} > {place.text!r:.40}" if place.before else f"{place.text!r:.100}",
            str(place.line),
            f"{place.first:.2f}",
            f"{place.second:.2f}",
        )
        for place in places
    ]
