"""`anaphora eval`: how well a model predicts a text, and with --adapt, how well it does while it goes on learning."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anaphora.cli import adaptation, condition, output, progress
from anaphora.cli.output import Json, Quiet
from anaphora.errors import ConfigError

if TYPE_CHECKING:
    from anaphora.evaluation.adapt.report import AdaptedEvaluation
    from anaphora.evaluation.evaluate import Evaluation


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model or run folder.")],
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CORPUS",
            help="As for train; a plain file is scored whole.",
            show_default="the corpus of the training",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="train, valid or test.", show_default="test, or else valid"),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(help="Score this many stretches side by side: faster, and stated in the signature.")
    ] = 1,
    field: Annotated[str | None, typer.Option(help="The field of a .jsonl file that holds the text.")] = None,
    column: Annotated[str | None, typer.Option(help="The column of a .csv or .tsv file.")] = None,
    encoding: Annotated[str | None, typer.Option(help="How the files are encoded.", show_default="utf-8")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where known corpora lie.", show_default="ANAPHORA_DATA")
    ] = None,
    label: condition.Condition = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    adapt: adaptation.Adapt = None,
    tune: Annotated[
        bool,
        typer.Option(
            "--tune",
            help="Search for settings on the beginning of the validation split of the training corpus.",
            rich_help_panel=adaptation.PANEL,
        ),
    ] = False,
    settings: adaptation.Assignments = None,
    statistics: adaptation.Statistics = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measure a model on a text it has not seen.

    With --adapt it is measured twice, as it is and as it adapts to the text; the two figures stand side by side.
    """
    from anaphora import api
    from anaphora.text.corpus import CorpusSettings

    reading = {"field": field, "column": column, "encoding": encoding, "data_dir": data_dir}
    given: dict[str, Any] = {key: str(value) for key, value in reading.items() if value is not None}
    if given and not corpus:
        raise ConfigError(f"--{next(iter(given)).replace('_', '-')} tells how to read CORPUS: name one")
    text = CorpusSettings(source=tuple(corpus), **given) if corpus else None
    common: dict[str, Any] = {"split": split, "batch_size": batch_size}
    bundle = condition.load(model, device, label)
    wanted = adaptation.chosen(adapt, settings, tune=tune, statistics=statistics)
    if wanted is None:
        with progress.reporting(quiet) as report:
            result = api.evaluate(bundle, text, **common, progress=report)
        _show(result, as_json)
        return
    with progress.reporting(quiet) as report:
        both = api.evaluate_adapted(
            bundle, text, settings=wanted, tune=tune, statistics_text=statistics, **common, progress=report
        )
    _show_both(both, as_json)


def _rows(result: "Evaluation") -> list[tuple[str, str]]:
    of_scores = "" if result.normalized else " (of scores that are no probabilities: compare with no other model)"
    known = result.perplexity_without_unknown
    return [
        ("perplexity", f"{result.perplexity:,.3f} per token{of_scores}"),
        *([("without unknown", f"{known:,.3f}")] if result.unknown_tokens and known is not None else []),
        ("loss", f"{result.loss:.4f} nats per token"),
        ("bits per character", f"{result.bits_per_char:.4f}"),
        ("bits per byte", f"{result.bits_per_byte:.4f}"),
        ("accuracy", f"{result.accuracy:.2%}"),
    ]


def _counts(result: "Evaluation") -> tuple[str, str]:
    return ("tokens", f"{result.tokens:,} ({result.unknown_tokens:,} unknown)")


def _show(result: "Evaluation", as_json: bool) -> None:
    if as_json:
        output.say_json(result.to_json())
        return
    output.say_pairs([*_rows(result), _counts(result), ("signature", result.signature)])


def _show_both(result: "AdaptedEvaluation", as_json: bool) -> None:
    """Print the two evaluations side by side, what each took, and the signatures that tell them apart."""
    if as_json:
        output.say_json(result.to_json())
        return
    both = zip(_rows(result.static), _rows(result.adapted), strict=True)
    seconds = result.seconds
    output.say_table(
        ("", "static", "adapted"),
        [
            *((name, static, adapted) for (name, static), (_, adapted) in both),
            ("seconds", f"{seconds['static']:.1f}", f"{seconds['adapted']:.1f}"),
        ],
    )
    output.say()
    output.say_pairs(
        [
            _counts(result.static),
            *(
                (name, f"{seconds[name]:.1f} seconds")
                for name in ("statistics", "tuning")
                if seconds.get(name, 0.0) > 0.05
            ),
            ("static", result.static.signature),
            ("adapted", result.adapted.signature),
        ]
    )
