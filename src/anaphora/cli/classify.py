"""`anaphora classify`: labels for documents, from labelled ones; train, eval and predict."""

import shlex
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anaphora.cli import classify_explain, classify_report, classify_vote, output, progress
from anaphora.cli.options import RUN, TRAINING, ConfigFile, Device, Overwrite, Resume, Seed, Settings, Steps, Track
from anaphora.cli.output import Json, Quiet
from anaphora.errors import ConfigError

if TYPE_CHECKING:
    from anaphora.api.prediction import Prediction

# As in `train`: `--minutes` counts from the Enter key.
_STARTED = time.monotonic()
_DATA = "Documents"  # a heading in --help

TextColumn = Annotated[
    str | None,
    typer.Option(help="The column of a table that holds the text.", show_default="found by its name"),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(help="The column of a table that holds the label.", show_default="found by its name"),
]

app = typer.Typer(no_args_is_help=True, help="Tell the labels of documents: reviews, messages, articles.")
app.command("explain")(classify_explain.explain)
app.command("vote")(classify_vote.vote)


@app.command()
def train(
    data: Annotated[
        str | None,
        typer.Argument(
            help="A table (.csv .tsv .jsonl), a folder with a folder for each label, or imdb.", show_default=False
        ),
    ] = None,
    valid: Annotated[
        str | None, typer.Option(metavar="DATA", help="Documents to validate on.", rich_help_panel=_DATA)
    ] = None,
    test: Annotated[
        str | None, typer.Option(metavar="DATA", help="Documents to test on.", rich_help_panel=_DATA)
    ] = None,
    unlabelled: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATA",
            help="Text without labels, for --pretrain-share and --self-training; may be repeated.",
            show_default=False,
            rich_help_panel=_DATA,
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    group_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The column of what belongs together, as an author: no two splits share one.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    multi_label: Annotated[
        bool, typer.Option("--multi-label", help="Documents may have several labels.", rich_help_panel=_DATA)
    ] = False,
    labels: Annotated[
        int | None,
        typer.Option(metavar="N", help="Use the labels of N documents only.", rich_help_panel=_DATA),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="How the files are encoded.", show_default="utf-8", rich_help_panel=_DATA)
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Where known corpora lie.", show_default="ANAPHORA_DATA", rich_help_panel=_DATA),
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="Start from this language model.", rich_help_panel=TRAINING),
    ] = None,
    pretrain_share: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", help="Of --minutes, for a language model of the documents.", rich_help_panel=TRAINING
        ),
    ] = None,
    pretrain_epochs: Annotated[
        int | None,
        typer.Option(metavar="N", help="Let a language model read the documents first.", rich_help_panel=TRAINING),
    ] = None,
    direction: Annotated[
        str | None,
        typer.Option(help="How it reads: forward, backward or both.", show_default="forward", rich_help_panel=TRAINING),
    ] = None,
    ngrams: Annotated[
        bool | None,
        typer.Option(
            "--ngrams/--no-ngrams",
            help="Let a linear classifier of word n-grams vote too.",
            show_default="with --minutes",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    self_training: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="So often, learn anew from what the last classifier is sure of without labels.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    class_weights: Annotated[
        str | None, typer.Option(help="balanced or none.", show_default="none", rich_help_panel=TRAINING)
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Take this long in all.", rich_help_panel=TRAINING)] = None,
    epochs: Annotated[int | None, typer.Option(help="Read the documents this often.", rich_help_panel=TRAINING)] = None,
    steps: Steps = None,
    seed: Seed = None,
    device: Device = None,
    config: ConfigFile = None,
    settings: Settings = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The run's folder.", show_default="runs/DATA-classifier", rich_help_panel=RUN),
    ] = None,
    resume: Resume = None,
    overwrite: Overwrite = False,
    track: Track = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a classifier on labelled documents, and measure it beside what it must beat.

    Without --minutes, --epochs or --steps about 60,000 documents are read. A setting given as an option wins over
    --set, and --set over the --config file.
    """
    from anaphora import api

    shortcuts = {"documents.encoding": encoding, "documents.data_dir": data_dir, "training.device": device}
    with progress.reporting(quiet) as report:
        result = api.train_classifier(
            data,
            valid=valid,
            test=test,
            unlabelled=unlabelled or (),
            text_column=text_column,
            label_column=label_column,
            group_column=group_column,
            multi_label=multi_label or None,
            labelled=labels,
            class_weights=class_weights,
            encoder=encoder,
            pretrain_share=pretrain_share,
            pretrain_epochs=pretrain_epochs,
            direction=direction,
            ngrams=ngrams,
            self_training=self_training,
            minutes=minutes,
            epochs=epochs,
            steps=steps,
            seed=seed,
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
    picture = classify_report.draw(result)
    if as_json:
        output.say_json({**result.to_json(), "picture": None if picture is None else str(picture)})
    else:
        classify_report.show(result, picture)
    if result.interrupted:
        raise typer.Exit(output.INTERRUPTED)


@app.command("eval")
def evaluate(
    model: Annotated[Path, typer.Argument(help="A classifier or its run folder.")],
    data: Annotated[
        str | None,
        typer.Argument(help="Labelled documents, as for train.", show_default="those of the training"),
    ] = None,
    split: Annotated[str | None, typer.Option(help="train, valid or test.", show_default="test, or else valid")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    encoding: Annotated[str, typer.Option(help="How the files are encoded.")] = "utf-8",
    data_dir: Annotated[
        Path | None, typer.Option(help="Where known corpora lie.", show_default="ANAPHORA_DATA")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measure a classifier on documents whose labels are known."""
    from anaphora import api

    with progress.reporting(quiet) as report:
        scores = api.evaluate_classifier(
            model,
            data,
            split=split,
            text_column=text_column,
            label_column=label_column,
            encoding=encoding,
            data_dir=data_dir,
            device=device,
            progress=report,
        )
    if as_json:
        output.say_json(scores.to_json())
        return
    low, high = scores.accuracy_interval
    output.say_pairs(
        [
            ("accuracy", f"{scores.accuracy:.2%} ({low:.2%} to {high:.2%} with 95 % confidence)"),
            ("macro F1", f"{scores.macro_f1:.2%}"),
            ("micro F1", f"{scores.micro_f1:.2%}"),
            ("loss", f"{scores.loss:.4f} nats per document"),
            ("calibration error", f"{scores.calibration_error:.2%}"),
            ("documents", f"{scores.documents:,}"),
            ("signature", scores.signature),
        ]
    )
    output.say()
    classify_report.show_classes(scores)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A classifier or its run folder.")],
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="A document a line, or a table; '-' for stdin, as lines arrive.")
    ],
    text_column: TextColumn = None,
    encoding: Annotated[str, typer.Option(help="How the file is encoded.")] = "utf-8",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    as_json: Json = False,
) -> None:
    """Print the label of each document and its probability, separated by a tab.

    Where documents may have several labels, each likely one is printed with its probability; none is an empty line.
    """
    from anaphora import api

    if file == "-" and text_column is not None:
        raise ConfigError(f"--text-column {text_column} has no effect on stdin, whose lines are the documents")
    predictions = api.classify(model, file, text_column=text_column, encoding=encoding, device=device)
    if as_json:
        _show_json(model, predictions)
        return
    for prediction in predictions:
        output.say_row(
            cell for label in prediction.labels for cell in (label, f"{prediction.probabilities[label]:.4f}")
        )


def _show_json(model: Path, predictions: "Iterator[Prediction]") -> None:
    """Print one object, with a line for each document as soon as it is classified."""
    counted = count()
    rows = (prediction.to_json() for prediction, _ in zip(predictions, counted, strict=False))
    output.say_json_stream({"model": str(model)}, "documents", rows, lambda: {"count": next(counted)})
