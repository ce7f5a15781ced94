"""`anaphora eval`: how well a model predicts a text."""

from pathlib import Path
from typing import Annotated, Any

import typer

from anaphora.cli import output, progress
from anaphora.cli.output import Json, Quiet
from anaphora.errors import ConfigError


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
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measure a model on a text it has not seen."""
    from anaphora import api
    from anaphora.text.corpus import CorpusSettings

    reading = {"field": field, "column": column, "encoding": encoding, "data_dir": data_dir}
    given: dict[str, Any] = {key: str(value) for key, value in reading.items() if value is not None}
    if given and not corpus:
        raise ConfigError(f"--{next(iter(given)).replace('_', '-')} tells how to read CORPUS: name one")
    with progress.reporting(quiet) as report:
        result = api.evaluate(
            model,
            CorpusSettings(source=tuple(corpus), **given) if corpus else None,
            split=split,
            batch_size=batch_size,
            device=device,
            progress=report,
        )
    if as_json:
        output.say_json(result.to_json())
        return
    of_scores = "" if result.normalized else " (of scores that are no probabilities: compare with no other model)"
    known = result.perplexity_without_unknown
    output.say_pairs(
        [
            ("perplexity", f"{result.perplexity:,.3f} per token{of_scores}"),
            *([("without unknown", f"{known:,.3f}")] if result.unknown_tokens and known is not None else []),
            ("loss", f"{result.loss:.4f} nats per token"),
            ("bits per character", f"{result.bits_per_char:.4f}"),
            ("bits per byte", f"{result.bits_per_byte:.4f}"),
            ("accuracy", f"{result.accuracy:.2%}"),
            ("tokens", f"{result.tokens:,} ({result.unknown_tokens:,} unknown)"),
            ("signature", result.signature),
        ]
    )
