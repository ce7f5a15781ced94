"""`anaphora classify explain`: which words of a text made a classifier answer as it does."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anaphora.cli import output, progress
from anaphora.cli.output import Json, Quiet
from anaphora.errors import ConfigError
from anaphora.files import write_json

if TYPE_CHECKING:
    from anaphora.evaluation.explanation import Explanation

_PAGE, _DATA = ".html", ".json"
_MOST_LABELS = 10


def _writable(path: Path | None) -> Path | None:
    """Refuse a file that cannot be written before the work that leads to it."""
    if path is not None and path.suffix.lower() not in (_PAGE, _DATA):
        from anaphora.lab.plots import FORMATS, check_picture_path

        if path.suffix.lower() not in FORMATS:
            raise ConfigError(f"--out {path}: the name must end in {', '.join((_PAGE, _DATA, *FORMATS))}")
        check_picture_path(path)
    return path


def explain(
    model: Annotated[Path, typer.Argument(help="A classifier or its run folder.")],
    text: Annotated[str | None, typer.Argument(help="The text to explain.", show_default=False)] = None,
    file: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Read the text from a file; '-' for stdin.")
    ] = None,
    method: Annotated[str, typer.Option(help="leave-one-out or integrated-gradients.")] = "leave-one-out",
    label: Annotated[
        str | None, typer.Option(help="Explain the probability of this label.", show_default="the likeliest")
    ] = None,
    max_tokens: Annotated[int, typer.Option(help="Read the beginning of a longer text only.")] = 1_000,
    top: Annotated[int, typer.Option(help="Name this many tokens for and against.")] = 8,
    out: Annotated[
        Path | None, typer.Option(callback=_writable, help="Write a page (.html), a picture (.png .svg) or .json.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="How the file is encoded.")] = "utf-8",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Say which words made a classifier answer as it does, and when it made up its mind.

    leave-one-out reads the text again without each token; integrated-gradients follows the gradient from a text of
    empty words. Both give nats of log-odds, positive where a token speaks for the label.
    """
    from anaphora import api

    with progress.reporting(quiet) as report:
        found = api.explain(
            model,
            text,
            file=file,
            encoding=encoding,
            method=method,
            label=label,
            max_tokens=max_tokens,
            device=device,
            progress=report,
        )
    if out is not None:
        _write(found, out)
    if as_json:
        output.say_json(found.to_json())
        return
    _show(found, top)
    if out is not None:
        output.say(f"written  {out}")


def _write(found: "Explanation", path: Path) -> None:
    from anaphora.lab.heat_map import plot_heat_map, write_heat_map

    suffix = path.suffix.lower()
    if suffix == _DATA:
        write_json(path, found.to_json())
    elif suffix == _PAGE:
        write_heat_map(found, path)
    else:
        plot_heat_map(found, path)


def _show(found: "Explanation", top: int) -> None:
    """Print the answer, the strongest tokens either way, and when the answer stood."""
    for label, probability in sorted(found.answer.items(), key=lambda pair: -pair[1])[:_MOST_LABELS]:
        output.say(f"{probability:7.2%}  {label}")
    output.say()
    tokens = sorted(zip(found.contributions, found.pieces, strict=True), key=lambda pair: pair[0])
    against = [pair for pair in tokens[:top] if pair[0] < 0]
    speaking = [pair for pair in tokens[::-1][:top] if pair[0] > 0]
    rows = [(f"{contribution:+.3f}", piece.strip() or repr(piece)) for contribution, piece in speaking + against[::-1]]
    output.say_table(("nats", f"for or against {found.label}, by {found.method}"), rows, numbers=False)
    if found.gap is not None:
        output.say(f"all contributions sum to the difference from a text of empty words, but for {found.gap:+.4f} nats")
    read = len(found.pieces)
    output.say(f"the answer stays the same from token {found.decided_at:,} of {read:,} on")
    if read < found.num_tokens:
        output.note(f"only the first {read:,} of {found.num_tokens:,} tokens were read; --max-tokens reads more")
