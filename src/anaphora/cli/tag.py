"""`anaphora tag train|eval|predict`: a tag for every word of a sentence."""

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anaphora.cli import output, progress
from anaphora.cli.options import RUN, TRAINING, ConfigFile, Overwrite, Resume, Seed, Settings, Steps, Track
from anaphora.cli.output import Json, Quiet

if TYPE_CHECKING:
    from anaphora import TagResult
    from anaphora.evaluation.tag_words import TagEvaluation

_STARTED = time.monotonic()  # as in `train`
_FILES = "Sentences"  # a heading in --help
_MOST_ROWS = 20  # of the tables of tags and span types

app = typer.Typer(no_args_is_help=True, help="Tag every word of a sentence: parts of speech, names, phrases.")

TokenColumn = Annotated[
    str | None,
    typer.Option(help="The word's column, by number or name.", show_default="1, or FORM", rich_help_panel=_FILES),
]
TagColumn = Annotated[
    str | None,
    typer.Option(help="The tag's column; -1 is the last.", show_default="-1, or UPOS", rich_help_panel=_FILES),
]
Encoding = Annotated[str, typer.Option(help="How the files are encoded.", rich_help_panel=_FILES)]


@app.command("train")
def train(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="A word and its tag a line, an empty line after a sentence; or CoNLL-U.",
            show_default=False,
        ),
    ] = None,
    valid: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="To validate on.", show_default="a tenth of FILE", rich_help_panel=_FILES),
    ] = None,
    test: Annotated[str | None, typer.Option(metavar="FILE", help="To test on.", rich_help_panel=_FILES)] = None,
    token_column: TokenColumn = None,
    tag_column: TagColumn = None,
    encoding: Annotated[
        str | None, typer.Option(help="How the files are encoded.", show_default="utf-8", rich_help_panel=_FILES)
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="A language model whose layers go below.", rich_help_panel=TRAINING),
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Take this long in all.", rich_help_panel=TRAINING)] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Read the sentences this often.", show_default="20", rich_help_panel=TRAINING)
    ] = None,
    steps: Steps = None,
    seed: Seed = None,
    config: ConfigFile = None,
    settings: Settings = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder.", show_default="runs/FILE-tagger", rich_help_panel=RUN)
    ] = None,
    resume: Resume = None,
    overwrite: Overwrite = False,
    track: Track = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a tagger on sentences whose words have tags, and measure it."""
    from anaphora import api

    with progress.reporting(quiet) as report:
        result = api.train_tagger(
            file,
            valid=valid,
            test=test,
            token_column=token_column,
            tag_column=tag_column,
            encoding=encoding,
            encoder=encoder,
            minutes=minutes,
            epochs=epochs,
            steps=steps,
            seed=seed,
            config=config,
            settings=settings,
            out=out,
            resume=resume,
            overwrite=overwrite,
            track=track,
            command=shlex.join(["anaphora", *sys.argv[1:]]),
            started=_STARTED,
            progress=report,
        )
    if as_json:
        output.say_json(result.to_json())
    else:
        _show_run(result)
    if result.interrupted:
        raise typer.Exit(output.INTERRUPTED)


@app.command("eval")
def evaluate(
    model: Annotated[Path, typer.Argument(help="A tagger or its run folder.")],
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Sentences whose words have tags; '-' for stdin.")],
    token_column: TokenColumn = None,
    tag_column: TagColumn = None,
    encoding: Encoding = "utf-8",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    as_json: Json = False,
) -> None:
    """Measure a tagger: accuracy, F1 of each tag, and of whole spans where the tags mark any."""
    from anaphora import api

    found = api.evaluate_tagger(
        model, file, token_column=token_column, tag_column=tag_column, encoding=encoding, device=device
    )
    if as_json:
        output.say_json(found.to_json())
    else:
        _show(found)


@app.command("predict")
def predict(
    model: Annotated[Path, typer.Argument(help="A tagger or its run folder.")],
    file: Annotated[
        str,
        typer.Argument(metavar="FILE|-", help="A word a line, an empty line after a sentence; '-' for stdin."),
    ],
    token_column: TokenColumn = None,
    encoding: Encoding = "utf-8",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    as_json: Json = False,
) -> None:
    """Tag words: each comes back with a tab and its tag, and sentences with an empty line after them."""
    from anaphora import api

    sentences = api.tag(model, file, token_column=token_column, encoding=encoding, device=device)
    if as_json:
        output.say_json({"sentences": [sentence.to_json() for sentence in sentences]})
        return
    for sentence in sentences:
        for word, tag in zip(sentence.words, sentence.tags, strict=True):
            output.say(f"{word}\t{tag}")
        output.say()


def _show_run(result: "TagResult") -> None:
    """Print the scores beside the baseline's, where the tagger lies, and what to type next."""
    rows = [
        (split, name, *_figures(found))
        for split, score in result.scores.items()
        for name, found in (("most frequent tag", result.baseline[split]), ("tagger", score))
    ]
    output.say_table(("split", "model", "accuracy", "unknown words", "sentences", "F1 of spans"), rows)
    if result.scores:
        output.say(list(result.scores.values())[-1].signature)
    output.say()
    if result.interrupted:
        output.say(f"broken off after {result.steps:,} steps; go on with  anaphora tag train --resume {result.run}")
    output.say(f"model  {result.model}")
    output.say(f"next   anaphora tag predict {result.run} FILE")


def _figures(found: "TagEvaluation") -> tuple[str, ...]:
    scores = found.scores
    return (
        f"{scores.accuracy:.2%}",
        "-" if scores.unknown_accuracy is None else f"{scores.unknown_accuracy:.2%}",
        f"{scores.sentences_correct / scores.sentences:.1%}",
        "-" if scores.spans is None else f"{scores.spans.f1:.2%}",
    )


def _show(found: "TagEvaluation") -> None:
    """Print what `eval` measured: the whole, then each tag or each type of span."""
    scores = found.scores
    accuracy, unknown, sentences, spans = _figures(found)
    pairs: list[tuple[str, object]] = [
        ("accuracy", f"{accuracy} of {scores.tokens:,} words"),
        ("unknown words", f"{unknown} of {scores.unknown_tokens:,}"),
        ("whole sentences", f"{sentences} of {scores.sentences:,}"),
        ("macro F1", f"{scores.macro_f1:.2%}"),
    ]
    if scores.spans is not None:
        pairs.append(("F1 of spans", f"{spans} (found {scores.spans.found:,} of {scores.spans.expected:,})"))
    output.say_pairs([*pairs, ("signature", found.signature)])
    output.say()
    kinds = scores.tags if scores.spans is None else scores.span_types
    rows = [
        (kind, f"{one.precision:.2%}", f"{one.recall:.2%}", f"{one.f1:.2%}", f"{one.expected:,}")
        for kind, one in list(kinds.items())[:_MOST_ROWS]
    ]
    title = "tag" if scores.spans is None else "span"
    output.say_table((title, "precision", "recall", "F1", "in the reference"), rows)
    if len(kinds) > len(rows):
        output.say(f"and {len(kinds) - len(rows):,} more; --json has them all")
