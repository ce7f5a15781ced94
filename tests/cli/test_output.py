"""Results on stdout, errors on stderr, one exit code each."""

import errno
import json
import os
import subprocess
import sys
import warnings

import pytest
import typer

from anaphora.cli import output
from anaphora.errors import AnaphoraWarning, CorpusError


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (CorpusError("book.txt is empty"), 2, "error: book.txt is empty\n"),
        (KeyboardInterrupt(), 130, "stopped: by Ctrl-C\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "runs/a"),
            2,
            "error: No space left on device: runs/a; free some space, or choose a folder on another disk\n",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/root/x"),
            2,
            "error: Permission denied: /root/x; choose a place you may read and write\n",
        ),
        (OSError("odd"), 2, "error: odd\n"),
        (
            MemoryError(),
            2,
            "error: out of memory; try a smaller batch_size, bptt or model (--set key=value)\n",
        ),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_a_code(
    fault: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, output.courteous():
        raise fault
    assert ended.value.exit_code == code
    assert capsys.readouterr() == ("", message)


def test_our_own_faults_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError), output.courteous():
        raise ZeroDivisionError


def test_a_long_error_is_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), output.courteous():
        raise CorpusError("a/very/long/path " * 30)
    assert capsys.readouterr().err.count("\n") == 1


def test_a_warning_shows_once_and_others_are_left_to_python(capsys: pytest.CaptureFixture[str]) -> None:
    @output.courteous()
    def command() -> None:
        for _ in range(2):
            warnings.warn("momentum has no effect", AnaphoraWarning, stacklevel=1)
        warnings.warn("elsewhere", DeprecationWarning, stacklevel=1)

    with pytest.warns(DeprecationWarning, match="elsewhere"):
        command()
    assert capsys.readouterr().err == "warning: momentum has no effect\n"


def test_json_is_one_line_that_any_stdout_can_take(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": "naïve 😀 \ud800 \n", "number": 1.5}
    output.say_json(value)
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    assert json.loads(text) == value


def test_samples_are_never_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("[bold]plain[/bold] [/oops]")
    output.say_table(("name", "what"), [("[red]", "[/x]")])
    shown = capsys.readouterr().out
    assert "[bold]plain[/bold] [/oops]\n" in shown
    assert "[red]" in shown
    assert "[/x]" in shown


def test_pairs_share_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    output.say_pairs([("a", 1), ("longer", "x")])
    assert capsys.readouterr().out == "a       1\nlonger  x\n"


def run_python(code: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def test_a_closed_pipe_ends_the_command_in_silence() -> None:
    process = run_python(
        "import sys\nfrom anaphora.cli import app, output\n"
        "@app.command('flood')\ndef flood():\n    while True: output.say('water')\n"
        "sys.argv = ['anaphora', 'flood']\nfrom anaphora.cli import run\nrun()"
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "water\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == output.PIPE_CLOSED


def test_a_terminal_without_unicode_shows_a_stand_in() -> None:
    code = "from anaphora.cli import output; output.tolerate_any_character(); output.say('naïve')"
    out, err = run_python(code, PYTHONIOENCODING="ascii").communicate()
    assert (out, err) == ("na?ve\n", "")
