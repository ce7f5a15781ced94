"""`anaphora train`: text in, language model out."""

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anaphora.cli import output, progress
from anaphora.cli.output import Json, Quiet

if TYPE_CHECKING:
    from anaphora.api import TrainResult

_CORPUS, _MODEL, _RUN = "Corpus", "Model and training", "The run"


def train(
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CORPUS",
            help="Text files, a folder, '-' for stdin, or a known corpus (anaphora data list).",
            show_default=False,
        ),
    ] = None,
    valid: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file to validate on.", rich_help_panel=_CORPUS)
    ] = None,
    test: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file to test on.", rich_help_panel=_CORPUS)
    ] = None,
    field: Annotated[
        str | None, typer.Option(help="The field of a .jsonl file that holds the text.", rich_help_panel=_CORPUS)
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="The column of a .csv or .tsv file.", rich_help_panel=_CORPUS)
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="How the files are encoded.", show_default="utf-8", rich_help_panel=_CORPUS)
    ] = None,
    max_chars: Annotated[
        int | None, typer.Option(help="Use the first N characters only.", rich_help_panel=_CORPUS)
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Where known corpora lie.", show_default="ANAPHORA_DATA", rich_help_panel=_CORPUS),
    ] = None,
    from_path: Annotated[
        Path | None,
        typer.Option("--from", help="Your copy of a known corpus, used after its checksum.", rich_help_panel=_CORPUS),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="elman, gru, lstm, unigram or uniform.", show_default="lstm", rich_help_panel=_MODEL),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="chars, bytes, words, english, bpe or unigram.",
            show_default="what suits the corpus",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    lower: Annotated[bool, typer.Option("--lower", help="Lower-case the text.", rich_help_panel=_MODEL)] = False,
    line_breaks: Annotated[
        str | None,
        typer.Option(help="keep, eos (a token of its own) or space.", rich_help_panel=_MODEL),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="Take this long in all, and choose the rest.", show_default="10", rich_help_panel=_MODEL),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Read the text this often.", rich_help_panel=_MODEL)] = None,
    steps: Annotated[int | None, typer.Option(help="Take this many steps.", rich_help_panel=_MODEL)] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every random choice.", rich_help_panel=_MODEL)] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or cuda:N.", show_default="auto", rich_help_panel=_MODEL)
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, float32 or bfloat16.", show_default="auto", rich_help_panel=_MODEL)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A .toml or .json file of settings.", rich_help_panel=_MODEL)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting, as in hidden_size=512.", rich_help_panel=_MODEL),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The run's folder.", show_default="runs/CORPUS-MODEL", rich_help_panel=_RUN),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped.", rich_help_panel=_RUN)
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run that is in --out.", rich_help_panel=_RUN)
    ] = False,
    track: Annotated[
        str | None,
        typer.Option(metavar="tensorboard", help="Write event files into the run.", rich_help_panel=_RUN),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a language model on a text, and measure it.

    A setting given as an option wins over --set, and --set over the --config file.
    """
    from anaphora import api

    shortcuts = {
        "corpus.field": field,
        "corpus.column": column,
        "corpus.encoding": encoding,
        "corpus.max_chars": max_chars,
        "corpus.data_dir": data_dir,
        "corpus.from_path": from_path,
        "tokenizer.lower": lower or None,
        "tokenizer.line_breaks": line_breaks,
        "training.device": device,
        "training.precision": precision,
    }
    with progress.reporting(quiet) as report:
        result = api.train(
            corpus,
            valid=valid,
            test=test,
            model=model,
            tokenizer=tokenizer,
            minutes=minutes,
            epochs=epochs,
            steps=steps,
            seed=seed,
            config=config,
            settings=[*(settings or []), *_assignments(shortcuts)],
            out=out,
            resume=resume,
            overwrite=overwrite,
            track=track,
            command=shlex.join(["anaphora", *sys.argv[1:]]),
            progress=report,
        )
    if as_json:
        output.say_json(result.to_json())
    else:
        _show(result)
    if result.interrupted:
        raise typer.Exit(output.INTERRUPTED)


def _assignments(values: Mapping[str, Any]) -> list[str]:
    """Write the values that were given the way --set takes them; JSON strings are TOML strings."""
    return [
        f"{key}={json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)}"
        for key, value in values.items()
        if value is not None
    ]


def _show(result: "TrainResult") -> None:
    """Print the scores beside the baselines, where the model lies, and what to type next."""
    split, score = ("test", result.test) if result.test else ("valid", result.valid)
    rows = [(name, baseline[split]) for name, baseline in result.baselines.items() if split in baseline]
    if score:
        rows.append((result.name, score))
        output.say_table(
            (f"on {split}", "perplexity", "bits per character", "accuracy"),
            [(name, f"{row.perplexity:,.2f}", f"{row.bits_per_char:.3f}", f"{row.accuracy:.1%}") for name, row in rows],
        )
        output.say(score.signature)
    if result.valid and result.test:
        output.say(
            f"valid: perplexity {result.valid.perplexity:,.2f}, {result.valid.bits_per_char:.3f} bits per character"
        )
    output.say()
    if result.interrupted:
        output.say(f"stopped early after {result.seconds:,.0f} s; go on with  anaphora train --resume {result.run}")
    output.say(f"model  {result.model}")
    output.say(f"next   anaphora generate {result.run}")
