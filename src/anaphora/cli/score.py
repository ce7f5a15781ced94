"""`anaphora score`: how probable is each line of a text."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anaphora.cli import adaptation, condition, output, progress
from anaphora.cli.output import Json, Quiet
from anaphora.errors import ConfigError

if TYPE_CHECKING:
    from anaphora.api import LineScores
    from anaphora.evaluation.scoring import TextScore


def score(
    model: Annotated[Path, typer.Argument(help="A model or run folder.")],
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A text, one item a line; '-' for stdin.")],
    per_token: Annotated[bool, typer.Option("--per-token", help="Also show each token's surprise in bits.")] = False,
    context: Annotated[
        str,
        typer.Option(help="line: each line is a text of its own; stream: it goes on from the line before."),
    ] = "line",
    no_end: Annotated[bool, typer.Option("--no-end", help="Leave the line ends out.")] = False,
    label: condition.Condition = None,
    tsv: Annotated[bool, typer.Option("--tsv", help="Print tab-separated values under a row of names.")] = False,
    encoding: Annotated[str, typer.Option(help="How the file is encoded.")] = "utf-8",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    adapt: adaptation.Adapt = None,
    settings: adaptation.Assignments = None,
    statistics: adaptation.Statistics = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Score every line of a text: log-probability, perplexity, tokens, unknown tokens.

    Lines are scored as they arrive, so this works as a filter in a pipe. An empty line is its line end alone. With
    --adapt dynamic or both, the weights follow the stream of the lines: that needs --context stream.
    """
    from anaphora import api

    if tsv and as_json:
        raise ConfigError("--tsv and --json are two forms of the same result; choose one")
    wanted = adaptation.chosen(adapt, settings, statistics=statistics)
    bundle = condition.load(model, device, label)
    if wanted is not None:
        with progress.reporting(quiet) as report:
            bundle = api.adapt(bundle, wanted, statistics_text=statistics, progress=report)
    scores = api.score(bundle, file, context=context, with_end=not no_end, encoding=encoding)
    if as_json:
        _show_json(scores, per_token)
    elif tsv:
        if not quiet:
            output.note(_conditions(scores))
        _show_tsv(scores, per_token)
    else:
        _show(scores, per_token)


def _show(scores: "LineScores", per_token: bool) -> None:
    """Print a line of figures for each line, and their sum."""
    log_prob, perplexity = _names(scores)
    output.say(f"# {_conditions(scores)}")
    output.say(f"{log_prob:>14}  {perplexity:>17}  {'tokens':>9}  {'unknown':>9}  text")
    for line in scores:
        _say_total(line.total, line.text)
        if per_token:
            for token, surprisal in scores.surprisals(line):
                output.say(f"{surprisal:>14.4f} bits  {token!r}")
    _say_total(scores.total, f"# {scores.lines:,} lines, {scores.total.bits_per_byte:.4f} bits per byte")


def _say_total(total: "TextScore", text: str) -> None:
    figures = f"{total.log_prob:>14,.4f}  {_measure(total.perplexity):>17}"
    output.say(f"{figures}  {total.tokens:>9,}  {total.unknown_tokens:>9,}  {text}")


def _show_tsv(scores: "LineScores", per_token: bool) -> None:
    """Print a row for each line, or for each token."""
    log_prob, perplexity = _names(scores)
    if per_token:
        output.say_row(["line", "surprisal_bits", "token"])
        for number, line in enumerate(scores, start=1):
            for token, surprisal in scores.surprisals(line):
                output.say_row([str(number), f"{surprisal:.6f}", token])
        return
    output.say_row(["line", f"{log_prob}_nats", perplexity, "tokens", "unknown", "text"])
    for number, line in enumerate(scores, start=1):
        total = line.total
        figures = [f"{total.log_prob:.6f}", _measure(total.perplexity), str(total.tokens), str(total.unknown_tokens)]
        output.say_row([str(number), *figures, line.text])


def _show_json(scores: "LineScores", per_token: bool) -> None:
    """Print one JSON object in pieces, a line of it for each line of the text: it may be longer than memory."""
    output.say_json_stream(
        scores.head_to_json(),
        "lines",
        (scores.line_to_json(line, per_token=per_token) for line in scores),
        lambda: {"total": scores.total_to_json()},
    )


def _conditions(scores: "LineScores") -> str:
    kind = "natural log-probabilities" if scores.normalized else "scores, no probabilities: they compare within a model"
    return f"{kind} (nats); {scores.signature}"


def _names(scores: "LineScores") -> tuple[str, str]:
    return ("log_prob", "perplexity") if scores.normalized else ("score", "pseudo_perplexity")


def _measure(value: float) -> str:
    return "-" if value != value else f"{value:.3f}"
