"""Progress goes to stderr: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

import io

import pytest
from rich.console import Console

from anaphora.cli.progress import LineReporter, LiveReporter, _live_bar, reporting
from anaphora.progress import Event, silent

TRAINING = Event(stage="train", done=3, total=10, values={"loss": 1.23456, "valid_perplexity": 3210.5})


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120, highlight=False)


def written(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_quiet_means_silent() -> None:
    with reporting(quiet=True) as report:
        assert report is silent


def test_without_a_terminal_progress_is_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(quiet=False) as report:
        assert isinstance(report, LineReporter)
        report(Event(stage="probe", message="two layers of 512"))
    assert capsys.readouterr() == ("", "two layers of 512\n")


def test_lines_say_stage_amount_and_values() -> None:
    screen = console(terminal=False)
    report = LineReporter(screen, every_seconds=0.0)
    report(TRAINING)
    report(TRAINING)
    assert written(screen) == "training  3/10 steps  loss 1.235  valid perplexity 3,210\n"


def test_speed_is_readable_and_the_learning_rate_left_to_the_log() -> None:
    screen = console(terminal=False)
    report = LineReporter(screen, every_seconds=0.0)
    event = Event(stage="train", done=1, values={"learning_rate": 0.01, "tokens_per_second": 23456.7})
    report(event)
    report(event)
    assert written(screen) == "training  1 steps  23,457 tokens/s\n"


def test_a_stage_that_is_over_soon_says_nothing() -> None:
    screen = console(terminal=False)
    report = LineReporter(screen, every_seconds=3600.0)
    for done in range(100):
        report(Event(stage="prepare", done=done, unit="bytes"))
    assert written(screen) == ""


@pytest.mark.parametrize(
    ("event", "amount"),
    [
        (Event(stage="train", done=31, total=120, unit="seconds"), "00:31/02:00"),
        (Event(stage="download", done=3.1e6, total=9.8e6, unit="bytes"), "3.1/9.8 MB"),
        (Event(stage="prepare", done=2.5e6, unit="characters"), "2.5 M characters"),
        (Event(stage="evaluate", done=12000, total=80000, unit="tokens"), "12.0/80.0 k tokens"),
        (Event(stage="train", done=1200, total=4000), "1,200/4,000 steps"),
    ],
)
def test_amounts_are_readable(event: Event, amount: str) -> None:
    screen = console(terminal=False)
    report = LineReporter(screen, every_seconds=0.0)
    report(event)
    report(event)
    assert amount in written(screen)


def test_a_terminal_gets_one_bar_and_messages_above_it() -> None:
    screen = console(terminal=True)
    with _live_bar(screen) as bar:
        report = LiveReporter(bar)
        report(Event(stage="prepare", done=1, total=2, unit="characters"))
        report(TRAINING)
        report(Event(stage="train", message="loss is not finite [3]"))
        assert [task.description for task in bar.tasks] == ["training"]
    assert "loss is not finite [3]" in written(screen)
    assert "loss 1.235" in written(screen)
