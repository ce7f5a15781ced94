"""What the command line says and how it ends: results on stdout, everything else on stderr, one exit code each.

The only file of anaphora that prints. With --json a result is one JSON object on stdout and nothing else; errors are
one sentence on stderr either way. Exit codes: 0 done, 1 done but a recipe missed its figure, 2 something the user can
mend, 130 stopped by Ctrl-C, 141 the reader of a pipe went away.
"""

import errno
import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from anaphora.errors import AnaphoraError, AnaphoraWarning

MISSED, MENDABLE, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Report no progress; warnings and errors still show.")]


def _drawable(path: Path | None) -> Path | None:
    """Refuse a picture that cannot be drawn before the minutes of work that lead to it."""
    if path is not None:
        from anaphora.lab.plots import check_picture_path

        check_picture_path(path)
    return path


Plot = Annotated[
    Path | None, typer.Option(callback=_drawable, help="Draw a picture: a path that ends in .png or .svg.")
]

_NO_WIDTH = 1000
_ESCAPED = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"})
_ADVICE = {
    errno.ENOSPC: "free some space, or choose a folder on another disk",
    errno.EDQUOT: "free some space, or choose a folder on another disk",
    errno.EACCES: "choose a place you may read and write",
    errno.EPERM: "choose a place you may read and write",
    errno.EROFS: "choose a folder that can be written",
}


def screen() -> Console:
    """Return the console of stderr as it is now; it draws progress, warnings and errors."""
    return Console(stderr=True, highlight=False, markup=False)


def tolerate_any_character() -> None:
    """Let stdout and stderr show a stand-in for what they cannot encode: a sample may hold any character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def say(text: str = "") -> None:
    """Print one line of a result. Never wrapped and never read as markup: it may hold a path or a sample."""
    write(f"{text}\n")


def write(text: str) -> None:
    """Print text as it is and let it be seen at once, for samples that arrive in pieces."""
    sys.stdout.write(text)
    sys.stdout.flush()


def say_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on one line; characters that stdout cannot express are escaped."""
    say(_json(value))


def say_json_stream(
    head: Mapping[str, Any],
    name: str,
    values: Iterable[Mapping[str, Any]],
    tail: Callable[[], Mapping[str, Any]],
) -> None:
    """Print one JSON object whose list `name` is longer than memory may be: its values come a line each.

    What `tail` returns after the last of them closes the object.
    """
    write(f"{_json(head)[:-1]}, {json.dumps(name)}: [")
    separator = "\n"
    for value in values:
        write(separator + _json(value))
        separator = ",\n"
    say(f"\n], {_json(tail())[1:]}")


def say_row(cells: Iterable[str]) -> None:
    """Print tab-separated cells; a tab, line break or backslash inside one is escaped with a backslash."""
    say("\t".join(cell.translate(_ESCAPED) for cell in cells))


def _json(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, allow_nan=False)
    return text


def say_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = True) -> None:
    """Print a small table; with `numbers` every column but the first is aligned to the right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for position, title in enumerate(header):
        table.add_column(title, justify="right" if numbers and position else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    # A file or a pipe has no width: one line a row there, for grep and cut.
    width = None if Console().is_terminal else _NO_WIDTH
    Console(highlight=False, width=width).print(table)


def say_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Print `name  value` lines with the values in one column."""
    rows = [(name, str(value)) for name, value in pairs]
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        say(f"{name:<{width}}  {value}")


def assignments(values: Mapping[str, Any]) -> list[str]:
    """Write the options that were given the way --set takes them; JSON strings are TOML strings."""
    return [
        f"{key}={json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)}"
        for key, value in values.items()
        if value is not None
    ]


def note(text: str) -> None:
    """Print a line on stderr, about the result rather than of it."""
    screen().print(text, soft_wrap=True)


def complain(kind: str, message: object, style: str) -> None:
    """Print "kind: message" on stderr, the kind in colour where there is colour."""
    screen().print(Text.assemble((f"{kind}: ", style), str(message)), soft_wrap=True)


@contextmanager
def courteous() -> Iterator[None]:
    """Turn what goes wrong in a command into one sentence on stderr and an exit code.

    A fault that is ours and not the user's passes through with its traceback.
    """
    try:
        with _warnings_in_our_voice():
            yield
        sys.stdout.flush()
    except AnaphoraError as error:
        complain("error", error, "bold red")
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        complain("stopped", "by Ctrl-C", "bold yellow")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # What is still buffered would fail once more when the interpreter flushes it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise typer.Exit(PIPE_CLOSED) from None
    except OSError as fault:
        complain("error", _explain(fault), "bold red")
        raise typer.Exit(MENDABLE) from None
    except MemoryError:
        complain("error", "out of memory; try a smaller batch_size, bptt or model (--set key=value)", "bold red")
        raise typer.Exit(MENDABLE) from None


def _explain(fault: OSError) -> str:
    """Say what the operating system refused, where, and what may help."""
    what = fault.strerror or str(fault)
    where = f": {fault.filename}" if fault.filename else ""
    advice = _ADVICE.get(fault.errno or 0)
    return f"{what}{where}" + (f"; {advice}" if advice else "")


@contextmanager
def _warnings_in_our_voice() -> Iterator[None]:
    """Show each AnaphoraWarning once, as one line; leave other warnings to Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", AnaphoraWarning)
        usual, shown = warnings.showwarning, set()

        def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, AnaphoraWarning):
                if str(message) not in shown:
                    complain("warning", message, "bold yellow")
                shown.add(str(message))
            else:
                usual(message, category, *place, **more)

        warnings.showwarning = show
        yield
