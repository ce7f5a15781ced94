"""`anaphora lab lr`: raise the learning rate step by step, and see which one to train with."""

from pathlib import Path
from typing import Annotated

import typer

from anaphora.cli import output, progress
from anaphora.cli.output import Json, Plot, Quiet


def lr(
    corpus: Annotated[
        list[str] | None, typer.Argument(metavar="CORPUS", help="As for train.", show_default=False)
    ] = None,
    model: Annotated[str | None, typer.Option(help="Any that is trained by gradient.", show_default="lstm")] = None,
    tokenizer: Annotated[str | None, typer.Option(help="As for train.", show_default="what suits the corpus")] = None,
    lowest: Annotated[float, typer.Option(help="Begin with this learning rate.")] = 1e-5,
    highest: Annotated[float, typer.Option(help="End with this one, if the loss has not broken before.")] = 10.0,
    steps: Annotated[int, typer.Option(help="Take this many steps from one to the other.")] = 200,
    config: Annotated[Path | None, typer.Option(help="A .toml or .json file of settings.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting, as in optimizer=sgd.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where known corpora lie.", show_default="ANAPHORA_DATA")
    ] = None,
    plot: Plot = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find the highest learning rate to train with: a range test (Smith 2017).

    Give the settings you will train with: what is found holds for that optimizer, batch and model.
    """
    from anaphora import api
    from anaphora.lab.learning_rates import plot_range_test, range_test

    with progress.reporting(quiet) as report:
        resolved = api.resolve(
            corpus,
            model=model,
            tokenizer=tokenizer,
            config=config,
            settings=settings,
            data_dir=data_dir,
            progress=report,
        )
        test = range_test(resolved, lowest=lowest, highest=highest, steps=steps, progress=report)
    if plot:
        plot_range_test(test, plot)
    if as_json:
        output.say_json(test.to_json())
        return
    each = max(1, len(test.smoothed) // 12)
    rows = [(f"{rate:.2g}", f"{loss:.3f}") for rate, loss in zip(test.learning_rates, test.smoothed, strict=True)]
    output.say_table(("learning rate", "loss"), rows[::each])
    if test.suggestion is None:
        output.say("\nno learning rate lowered the loss: take more --steps, or look between others")
    else:
        output.say(f"\nlowest loss at {test.lowest:.2g}; train with  --set learning_rate={test.suggestion:g}")
