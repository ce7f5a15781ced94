"""`anaphora lab`: look into recurrent nets: what each improvement buys, how far they remember, what units track.

Every command prints a table, one JSON object with --json, and draws a picture where a path is given for one.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anaphora.cli import lab_chars, lab_lr, output, progress
from anaphora.cli.output import Json, Plot, Quiet
from anaphora.errors import ConfigError

if TYPE_CHECKING:
    from anaphora.lab.gradient_study import GradientStudy

_MOST_CHARACTERS_A_TOKEN = 16  # on average; a word has about five
_GRADIENT_CHARACTERS = 200_000

app = typer.Typer(no_args_is_help=True, help="Look into recurrent nets: how they learn, remember and forget.")
app.command("chars")(lab_chars.chars)
app.command("lr")(lab_lr.lr)


@app.command()
def ladder(
    seeds: Annotated[int, typer.Option(help="Train every rung with this many seeds.")] = 5,
    plot: Plot = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Climb the Human Numbers ladder: one small net, improved rung by rung."""
    from anaphora.lab.ladder.climb import climb, plot_ladder

    with progress.reporting(quiet) as report:
        climbed = climb(seeds, progress=report)
    if plot:
        plot_ladder(climbed, plot)
    if as_json:
        output.say_json(climbed.to_json())
        return
    rows = [
        (f"{rung.rung}  {rung.name}", f"{rung.accuracy:.4f}", f"{rung.spread:.4f}", f"{rung.seconds:.1f}")
        for rung in climbed.rungs
    ]
    output.say_table(("rung", "accuracy", "spread", "seconds"), rows)


@app.command()
def gradients(
    target: Annotated[
        str, typer.Argument(metavar="MODEL|CELL", help="A model folder; elman, gru, lstm; all; or radii.")
    ] = "all",
    text: Annotated[
        Path | None, typer.Option(help="For a model: the text to measure on.", show_default="its validation split")
    ] = None,
    lags: Annotated[int, typer.Option(help="Look this many tokens back.")] = 100,
    plot: Plot = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measure how far back the gradient reaches: its norm at each lag, spectral radius, gates, clipping."""
    from anaphora.lab.gradient_study import CELLS, study_cells, study_radii

    if text is not None and target in (*CELLS, "all", "radii"):
        raise ConfigError(f"--text has no effect on {target!r}: cells are measured on Human Numbers")
    if target == "radii":
        study = study_radii(lags=lags)
    elif target == "all" or target in CELLS:
        study = study_cells(CELLS if target == "all" else (target,), lags=lags)
    else:
        study = _study_model(Path(target), text, lags, quiet)
    if plot:
        study.plot(plot)
    if as_json:
        output.say_json(study.to_json())
        return
    rows = []
    for flow in study.flows:
        memory = f"{flow.memory_length}" if flow.memory_length is not None else f"over {len(flow.norms) - 1}"
        radius = max(flow.spectral_radii.values(), default=0.0)
        saturated = max(flow.saturation.values(), default=0.0)
        clipped = "" if flow.clipped_share is None else f"{flow.clipped_share:.0%}"
        name = f"{flow.name} {flow.stage}".strip()
        rows.append((name, memory, f"{radius:.2f}", f"{saturated:.0%}" if flow.saturation else "", clipped))
    output.say_table(("net", "memory in tokens", "spectral radius", "saturated gates", "clipped steps"), rows)


@app.command()
def memory(
    cells: Annotated[str, typer.Option(help="Cells to test, joined by commas.")] = "elman,gru,lstm,lstm-open",
    distances: Annotated[
        str | None, typer.Option(help="Numbers of distractors, joined by commas.", show_default="5 to 500")
    ] = None,
    steps: Annotated[int, typer.Option(help="Train each net for at most this many steps.")] = 300,
    growing: Annotated[bool, typer.Option("--growing", help="Train each net on the shorter distances first.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of weights and examples.")] = 1,
    plot: Plot = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Test over how many distractors a net recalls the first symbol."""
    from anaphora.lab.memory_task import DISTANCES, memory_task, plot_memory

    with progress.reporting(quiet) as report:
        task = memory_task(
            tuple(cells.split(",")),
            DISTANCES if distances is None else _numbers(distances),
            steps=steps,
            growing=growing,
            seed=seed,
            progress=report,
        )
    if plot:
        plot_memory(task, plot)
    if as_json:
        output.say_json(task.to_json())
        return
    measured = {(result.cell, result.distance): result.accuracy for result in task.results}
    tested = sorted({distance for _, distance in measured})
    rows = [
        (cell, *(f"{measured[cell, distance]:.2f}" for distance in tested))
        for cell in dict.fromkeys(cell for cell, _ in measured)
    ]
    output.say_table(("accuracy after", *map(str, tested)), rows)


@app.command()
def units(
    model: Annotated[Path, typer.Argument(help="A model or run folder.")],
    text: Annotated[Path, typer.Argument(help="A text for the model to read.")],
    html: Annotated[Path | None, typer.Option(help="Write the coloured text as a page.")] = None,
    plot: Plot = None,
    top: Annotated[int, typer.Option(help="Name this many units for each signal.")] = 3,
    unit: Annotated[list[str] | None, typer.Option(help="Show this unit too, as in layer0.h17.")] = None,
    max_tokens: Annotated[int, typer.Option(help="Read the beginning of the text only.")] = 10_000,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find the units that track position in the line, quotes, indentation or brackets, and colour the text by them."""
    from anaphora import api
    from anaphora.lab.units.pictures import plot_units, write_units
    from anaphora.lab.units.tracking import track

    with progress.reporting(quiet) as report:
        bundle = api.load(model, "cpu")
        found = track(
            bundle,
            api.text_for(bundle, text, max_chars=max_tokens * _MOST_CHARACTERS_A_TOKEN, progress=report),
            top=top,
            show=tuple(unit or ()),
            max_tokens=max_tokens,
            progress=report,
        )
    if html:
        write_units(found, html)
    if plot:
        plot_units(found, plot)
    if as_json:
        output.say_json(found.to_json())
        return
    rows = [
        (finding.signal.replace("_", " "), str(tracked.unit), f"{tracked.correlation:+.2f}")
        for finding in found.findings
        for tracked in finding.units
    ]
    output.say_table(("signal", "unit", "correlation"), rows)


@app.command()
def unroll(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="elman, gru or lstm.")],
    out: Annotated[Path | None, typer.Option(help="Write the SVG there.", show_default="print it")] = None,
    batch_size: Annotated[int | None, typer.Option(help="B, for the shapes.", show_default="a letter")] = None,
    input_dim: Annotated[int | None, typer.Option(help="E, likewise.", show_default="a letter")] = None,
    hidden_size: Annotated[int | None, typer.Option(help="H, likewise.", show_default="a letter")] = None,
    as_json: Json = False,
) -> None:
    """Draw a cell unrolled over three tokens, with the shape of every wire."""
    from anaphora.files import atomic_write
    from anaphora.lab.unroll import unroll as draw

    picture = draw(cell, batch_size=batch_size, input_dim=input_dim, hidden_size=hidden_size)
    if out is not None:
        with atomic_write(out) as file:
            file.write(picture.encode("utf-8"))
    if as_json:
        output.say_json({"cell": cell, "svg": picture})
    else:
        output.say(picture if out is None else str(out))


def _study_model(folder: Path, text: Path | None, lags: int, quiet: bool) -> "GradientStudy":
    """Measure a saved model on a text of the user's, or on what was held out from its own."""
    import torch

    from anaphora import api
    from anaphora.lab.gradient_study import study_model
    from anaphora.models.recurrent import RecurrentLanguageModel

    bundle = api.load(folder, "cpu")
    if not isinstance(bundle.model, RecurrentLanguageModel):
        raise ConfigError(f"{folder} holds a model without recurrent layers: it has no gradient to follow")
    with progress.reporting(quiet) as report:
        sample = api.text_for(bundle, text, max_chars=_GRADIENT_CHARACTERS, progress=report)
    return study_model(bundle.model, torch.tensor(bundle.tokenizer.encode(sample)), lags=lags, name=folder.name)


def _numbers(listed: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in listed.split(","))
    except ValueError:
        raise ConfigError(f"--distances {listed!r}: write numbers joined by commas, as in 5,20,100") from None
