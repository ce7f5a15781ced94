"""`anaphora lab chars`: a small net learns a text by heart, and shows from time to time what it can say by now."""

from pathlib import Path
from typing import Annotated, Any

import typer

from anaphora.cli import output, progress
from anaphora.cli.output import Json, Quiet


def chars(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="A text file, or a known corpus.")] = "jaychou-lyrics",
    net: Annotated[
        str, typer.Option(help="scratch (five matrices and a loop) or concise (the framework's layer).")
    ] = "scratch",
    windows: Annotated[
        str, typer.Option(help="random (shuffled, no memory) or consecutive (the state is carried).")
    ] = "random",
    prompt: Annotated[
        list[str] | None, typer.Option(help="A text to continue; may be repeated.", show_default="分开 天晴")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Read the text this often.")] = 250,
    report_every: Annotated[int, typer.Option(help="Epochs from one report to the next.")] = 50,
    new_chars: Annotated[int, typer.Option(help="Length of a continuation.")] = 50,
    max_chars: Annotated[int, typer.Option(help="Use the first N characters only.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Seed of weights and shuffling.")] = 1,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where known corpora lie.", show_default="ANAPHORA_DATA")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a character net on one-hot input, as textbooks begin; report its perplexity and what it writes.

    The settings are the textbook's: 256 hidden units, 32 windows of 35 characters, gradient descent with a learning
    rate of 100 and gradients clipped at 0.01. The most probable character is taken each time.
    """
    from anaphora.lab.chars import write_by_heart

    chosen: dict[str, Any] = {"net": net, "windows": windows} | ({"prompt": prompt} if prompt else {})
    with progress.reporting(quiet) as report:
        run = write_by_heart(
            corpus,
            **chosen,
            epochs=epochs,
            report_every=report_every,
            new_chars=new_chars,
            max_chars=max_chars,
            seed=seed,
            data_dir=data_dir,
            progress=report,
        )
    if as_json:
        output.say_json(run.to_json())
        return
    output.say(
        f"{run.characters:,} characters, {run.types:,} distinct: knowing nothing is a perplexity of {run.types:,}"
    )
    for state in run.reports:
        output.say(f"\nepoch {state.epoch}  perplexity {state.perplexity:.2f}")
        for text in state.continuations.values():
            output.say(f"  {text}")
    output.say(f"\n{run.seconds:.1f} s")
