"""`anaphora train`: text in, language model out."""

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anaphora.cli import output, progress
from anaphora.cli.options import RUN, TRAINING, ConfigFile, Device, Overwrite, Resume, Seed, Settings, Steps, Track
from anaphora.cli.output import Json, Quiet
from anaphora.errors import ConfigError

if TYPE_CHECKING:
    from anaphora import Evaluation, TrainResult

# `--minutes` counts from the Enter key: loading torch, which comes after this line, takes seconds of them.
_STARTED = time.monotonic()
_ONLY_TEXT = ("max_chars", "data_dir", "from_path")
_CORPUS = "Corpus"  # a heading in --help


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
    condition: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The column of labels in a table: learn to write texts of each label.",
            rich_help_panel=_CORPUS,
        ),
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
        typer.Option(
            help="A net (lstm, gru, awd-lstm, mingru ...), an n-gram model (kn5, katz3, wb4 ...), unigram or uniform.",
            show_default="lstm",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="chars, bytes, words, english, bpe or unigram.",
            show_default="what suits the corpus",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    lower: Annotated[bool, typer.Option("--lower", help="Lower-case the text.", rich_help_panel=TRAINING)] = False,
    line_breaks: Annotated[
        str | None,
        typer.Option(help="keep, eos (a token of its own) or space.", rich_help_panel=TRAINING),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="Take this long in all, and choose the rest.", show_default="10", rich_help_panel=TRAINING),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Read the text this often.", rich_help_panel=TRAINING)] = None,
    steps: Steps = None,
    seed: Seed = None,
    init: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="Start from this model's weights and tokenizer.", rich_help_panel=TRAINING),
    ] = None,
    device: Device = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, float32 or bfloat16.", show_default="auto", rich_help_panel=TRAINING)
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="A published recipe, as awd-lstm-ptb; other settings win over it.", rich_help_panel=TRAINING),
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The run's folder.", show_default="runs/CORPUS-MODEL", rich_help_panel=RUN),
    ] = None,
    resume: Resume = None,
    overwrite: Overwrite = False,
    track: Track = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a language model on a text, and measure it.

    A setting given as an option wins over --set, --set over the --config file, and that over the --preset.
    """
    from anaphora import api

    of_documents = {"documents.text_column": column or field, "documents.encoding": encoding}
    of_text = {
        "corpus.field": field,
        "corpus.column": column,
        "corpus.encoding": encoding,
        "corpus.max_chars": max_chars,
        "corpus.data_dir": data_dir,
        "corpus.from_path": from_path,
    }
    if condition is not None and (idle := {key for key in _ONLY_TEXT if of_text[f"corpus.{key}"] is not None}):
        option = min(idle).removesuffix("_path").replace("_", "-")
        raise ConfigError(f"--{option} is for running text: it does not go together with --condition")
    shortcuts = {
        **(of_text if condition is None else of_documents),
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
            preset=preset,
            init=init,
            condition=condition,
            config=config,
            settings=[*(settings or []), *output.assignments(shortcuts)],
            out=out,
            resume=resume,
            overwrite=overwrite,
            track=track,
            started=_STARTED,
            command=shlex.join(["anaphora", *sys.argv[1:]]),
            progress=report,
        )
    if as_json:
        output.say_json(result.to_json())
    else:
        _show(result)
    if result.interrupted:
        raise typer.Exit(output.INTERRUPTED)


def _show(result: "TrainResult") -> None:
    """Print the scores beside the baselines, where the model lies, and what to type next."""
    rows = [
        (
            split,
            name if score.normalized else f"{name} (scores)",
            f"{score.perplexity:,.2f}",
            f"{score.bits_per_char:.3f}",
            f"{score.accuracy:.1%}",
        )
        for split, scores in _by_split(result).items()
        for name, score in scores.items()
    ]
    output.say_table(("split", "model", "perplexity", "bits per character", "accuracy"), rows)
    score = result.test or result.valid
    if score:
        if not score.normalized:
            output.say(f"(scores): {result.name} gives no probabilities; its figures compare with no other model's")
        if score.unknown_tokens and score.perplexity_without_unknown is not None:
            output.say(
                f"{score.unknown_tokens:,} of {score.tokens:,} tokens are unknown;"
                f" perplexity without them {score.perplexity_without_unknown:,.2f}"
            )
        output.say(score.signature)
        if (better := _better_baseline(result)) is not None:
            read_enough = result.stopped_by == "epochs" and result.chosen["training"]["minutes"] is not None
            more = "text" if read_enough else "time or text"
            output.say(
                f"{better} predicts this text better than the {result.name} does. Take it with  --model {better},  give"
                f" the {result.name} more {more}, or let both speak (`anaphora mix`)"
            )
    output.say()
    if result.interrupted:
        output.say(f"broken off after {result.steps:,} steps; go on with  anaphora train --resume {result.run}")
    output.say(f"model  {result.model}")
    output.say(f"next   anaphora generate {result.run}")


def _better_baseline(result: "TrainResult") -> str | None:
    """Return the baseline that predicts best, if the model is a net and loses to it."""
    scores = _by_split(result)["test" if result.test else "valid"]
    best = min(scores, key=lambda name: scores[name].loss)
    return best if result.steps and best != result.name else None


def _by_split(result: "TrainResult") -> dict[str, dict[str, "Evaluation"]]:
    """Return, for each held-out split, the evaluations of the baselines and, last, of the model."""
    table: dict[str, dict[str, Evaluation]] = {}
    for split, score in (("valid", result.valid), ("test", result.test)):
        if score:
            baselines = {name: scores[split] for name, scores in result.baselines.items()}
            table[split] = {**baselines, result.name: score}
    return table
