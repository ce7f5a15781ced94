"""Draws the library's progress events on stderr: a live bar on a terminal, a plain line every few seconds otherwise.

The library calls `Reporter` with events; it decides nothing about the work. `--quiet` swaps it for `silent`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

from anaphora.cli import output
from anaphora.progress import Event, Progress, silent

LINE_EVERY_SECONDS = 5.0

_TITLES = {
    "download": "downloading",
    "prepare": "preparing",
    "probe": "measuring",
    "train": "training",
    "evaluate": "evaluating",
    "statistics": "measuring gradients",
    "tune": "tuning",
}
_FORMATS = {
    "tokens_per_second": "{:,.0f} tokens/s",
    "documents_per_second": "{:,.0f} documents/s",
    "words_per_second": "{:,.0f} words/s",
}
_LEFT_OUT = {"learning_rate"}  # of interest to few; metrics.jsonl has it
_UNITS = {"bytes": (1e6, "MB"), "characters": (1e6, "M characters"), "tokens": (1e3, "k tokens")}


@contextmanager
def reporting(quiet: bool) -> Iterator[Progress]:
    """Give the callback that suits where stderr goes; the display is cleared when the block ends."""
    console = output.screen()
    if quiet:
        yield silent
    elif console.is_terminal:
        with _live_bar(console) as bar:
            yield LiveReporter(bar)
    else:
        yield LineReporter(console)


def _live_bar(console: Console) -> Bar:
    # On a narrow terminal the measurements, which come last, are cut; what comes before them keeps its place.
    return Bar(
        TextColumn("{task.description:<8}"),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[amount]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[values]}", style="cyan", table_column=Column(ratio=1, no_wrap=True)),
        console=console,
        transient=True,
        expand=True,
    )


class LiveReporter:
    """One bar on a terminal; a stage that begins takes the place of the one before."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._stage: str | None = None
        self._task = TaskID(0)

    def __call__(self, event: Event) -> None:
        """Draw one event."""
        if event.message:
            self._bar.console.print(Text(event.message), soft_wrap=True)
            return
        if event.stage != self._stage:
            if self._stage is not None:
                self._bar.remove_task(self._task)
            self._stage = event.stage
            self._task = self._bar.add_task(_title(event), total=None, amount="", values="")
        self._bar.update(
            self._task, completed=event.done, total=event.total, amount=_amount(event), values=_values(event)
        )


class LineReporter:
    """Plain lines for files and pipes: messages at once, the rest at most every few seconds."""

    def __init__(self, console: Console, every_seconds: float = LINE_EVERY_SECONDS) -> None:
        self._console = console
        self._every = every_seconds
        self._stage: str | None = None
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        """Write one event, unless the last line of its stage is too fresh."""
        if event.message:
            self._write(event.message)
            return
        now = time.monotonic()
        if event.stage != self._stage:
            # A stage shorter than the interval says nothing.
            self._stage, self._last = event.stage, now
        elif now - self._last >= self._every:
            self._last = now
            self._write("  ".join(part for part in (_title(event), _amount(event), _values(event)) if part))

    def _write(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


def _title(event: Event) -> str:
    return _TITLES.get(event.stage, event.stage)


def _amount(event: Event) -> str:
    """Say how far the work is: "3.1/9.8 MB", "120/400 steps", "00:31/02:00"."""
    if not event.total and not event.done:
        return ""
    if event.unit == "seconds":
        return "/".join(_clock(part) for part in (event.done, event.total) if part is not None)
    scale, unit = _UNITS.get(event.unit, (1.0, event.unit))
    places = ".1f" if scale > 1 else ".0f"
    parts = [f"{part / scale:,{places}}" for part in (event.done, event.total) if part is not None]
    return f"{'/'.join(parts)} {unit}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}"


def _values(event: Event) -> str:
    """Show the measurements with four digits: "loss 1.234  valid perplexity 3.21  23k tokens/s"."""
    return "  ".join(
        _FORMATS.get(name, f"{name.replace('_', ' ')} {{:,.4g}}").format(value)
        for name, value in event.values.items()
        if name not in _LEFT_OUT
    )
