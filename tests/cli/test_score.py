"""`anaphora score` from the outside."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from anaphora.cli import app

Run = Callable[..., Result]

TEXT = "the 12 cats\n\nthe Ω\tcats\n"


@pytest.fixture
def lines(anaphora: Run) -> Path:
    Path("lines.txt").write_text(TEXT)
    return Path("lines.txt")


def test_a_line_of_figures_for_each_line(anaphora: Run, run_folder: Path, lines: Path) -> None:
    conditions, names, *rows, total = anaphora("score", run_folder, lines).stdout.splitlines()
    assert conditions.startswith("# natural log-probabilities (nats); tokens:all|")
    assert names.split() == ["log_prob", "perplexity", "tokens", "unknown", "text"]
    assert [row.split()[2:4] for row in rows] == [["12", "0"], ["1", "0"], ["11", "2"]]
    assert rows[2].endswith("the Ω\tcats")
    assert total.split()[2:5] == ["24", "2", "#"]


def test_tab_separated(anaphora: Run, run_folder: Path, lines: Path) -> None:
    done = anaphora("score", run_folder, lines, "--tsv")
    rows = [row.split("\t") for row in done.stdout.splitlines()]
    assert rows[0] == ["line", "log_prob_nats", "perplexity", "tokens", "unknown", "text"]
    assert [row[0] for row in rows[1:]] == ["1", "2", "3"]
    assert rows[3][5] == r"the Ω\tcats", "a tab inside a cell is escaped"
    assert "context:line" in done.stderr
    assert anaphora("score", run_folder, lines, "--tsv", "--quiet").stderr == ""


def test_json_is_one_object_with_a_line_for_each_line(anaphora: Run, run_folder: Path, lines: Path) -> None:
    done = anaphora("score", run_folder, lines, "--json", "--per-token")
    result = json.loads(done.stdout)
    assert [line["text"] for line in result["lines"]] == TEXT.split("\n")[:3]
    assert len(done.stdout.splitlines()) == 3 + 2
    assert result["total"]["log_prob"] == pytest.approx(sum(line["log_prob"] for line in result["lines"]))
    assert result["lines"][1]["per_token"][0]["token"] == "\n"


def test_surprise_of_each_token(anaphora: Run, run_folder: Path, lines: Path) -> None:
    plain = anaphora("score", run_folder, lines, "--per-token").stdout
    assert plain.count(" bits  '") == 24
    rows = anaphora("score", run_folder, lines, "--per-token", "--tsv").stdout.splitlines()
    assert rows[0] == "line\tsurprisal_bits\ttoken"
    assert len(rows) == 1 + 24
    assert rows[-1].split("\t")[2] == r"\n"


def test_stdin_is_a_file_like_any_other(run_folder: Path, anaphora: Run, lines: Path) -> None:
    piped = CliRunner().invoke(app, ["score", str(run_folder), "-"], input=TEXT)
    assert piped.stdout == anaphora("score", run_folder, lines).stdout


def test_line_ends_can_be_left_out(anaphora: Run, run_folder: Path, lines: Path) -> None:
    result = json.loads(anaphora("score", run_folder, lines, "--no-end", "--json").stdout)
    assert [line["tokens"] for line in result["lines"]] == [11, 0, 10]
    assert result["lines"][1]["perplexity"] is None
    assert "without-line-ends" in result["signature"]


def test_adaptation_stands_in_the_signature(anaphora: Run, run_folder: Path, lines: Path) -> None:
    static = json.loads(anaphora("score", run_folder, lines, "--json").stdout)
    words = ("--set=segment=5", "--set=statistics_tokens=1000", "--context=stream", "--json", "--quiet")
    adapted = json.loads(anaphora("score", run_folder, lines, "--adapt=both", *words).stdout)
    assert "|adapt:dynamic,segment=5," in adapted["signature"]
    assert "adapt" not in static["signature"]
    assert adapted["total"]["log_prob"] != static["total"]["log_prob"]
    cached = json.loads(anaphora("score", run_folder, lines, "--adapt=cache", "--json").stdout)
    assert "context:line|lanes:1|adapt:cache," in cached["signature"]


def test_what_cannot_be_is_refused(anaphora: Run, run_folder: Path, lines: Path) -> None:
    Path("latin.txt").write_bytes(b"fine\nna\xefve\n")
    Path("empty.txt").touch()
    for words, message in (
        (["nowhere", lines], "there is no model folder nowhere"),
        ([run_folder, "missing.txt"], "missing.txt does not exist"),
        ([run_folder, "latin.txt"], "latin.txt, line 2, byte offset 7"),
        ([run_folder, "empty.txt"], "empty.txt is empty"),
        ([run_folder, lines, "--context=lines"], "context = 'lines'"),
        ([run_folder, lines, "--context=stream", "--no-end"], "would join its lines"),
        ([run_folder, lines, "--tsv", "--json"], "choose one"),
        ([run_folder, lines, "--set=theta=1"], "--set is for adaptation"),
        ([run_folder, lines, "--adapt=dynamic", "--quiet"], "context = 'line' with dynamic evaluation"),
    ):
        done = anaphora("score", *words)
        assert (done.exit_code, done.stdout) == (2, ""), message
        assert message in done.stderr
