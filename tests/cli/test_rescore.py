"""`anaphora rescore` from the outside."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from anaphora.cli import app

Run = Callable[..., Result]

NBEST = """\
0 ||| the 12 QQQQ ||| a= 1 ||| -3.0
0 ||| the 12 cats ||| a= 2 ||| -3.5
1 ||| sat on mats ||| a= 3 ||| -1.0
"""


@pytest.fixture
def nbest(anaphora: Run) -> str:
    Path("nbest.txt").write_text(NBEST)
    Path("right.txt").write_text("the 12 cats\nsat on mats\n")
    return "nbest.txt"


def test_the_best_line_of_each_id_with_two_fields_more(anaphora: Run, run_folder: Path, nbest: str) -> None:
    rows = [line.split(" ||| ") for line in anaphora("rescore", run_folder, nbest).stdout.splitlines()]
    assert [row[:4] for row in rows] == [["0", "the 12 cats", "a= 2", "-3.5"], ["1", "sat on mats", "a= 3", "-1.0"]]
    assert float(rows[0][5]) == pytest.approx(-3.5 + float(rows[0][4]), abs=1e-3)


def test_all_candidates_best_first(anaphora: Run, run_folder: Path, nbest: str) -> None:
    done = anaphora("rescore", run_folder, nbest, "--all", "--lm-weight=0")
    assert [line.split(" ||| ")[1] for line in done.stdout.splitlines()] == [
        "the 12 QQQQ",
        "the 12 cats",
        "sat on mats",
    ]
    piped = CliRunner().invoke(app, ["rescore", str(run_folder), "-", "--all", "--lm-weight=0"], input=NBEST)
    assert piped.stdout == done.stdout


def test_tuning_prints_what_to_use(anaphora: Run, run_folder: Path, nbest: str) -> None:
    done = anaphora("rescore", run_folder, nbest, "--tune=right.txt", "--lm-weight=0")
    *rates, use = done.stdout.splitlines()
    assert rates[0].split() == ["word", "error", "rate"]
    assert [rate.split()[-1] for rate in rates[1:]] == ["16.67%", "16.67%", "0.00%", "0.00%"]
    options = use.split()[1:]
    found = anaphora("rescore", run_folder, nbest, *options)
    assert found.stdout.startswith("0 ||| the 12 cats")


def test_json(anaphora: Run, run_folder: Path, nbest: str) -> None:
    result = json.loads(anaphora("rescore", run_folder, nbest, "--tune=right.txt", "--metric=ser", "--json").stdout)
    assert result["tuning"].keys() == {"metric", "first_pass", "before", "after", "best_possible"}
    assert result["weights"].keys() == {"lm_weight", "word_penalty", "length_penalty"}
    assert [own["id"] for own in result["results"]] == ["0", "1"]


def test_what_cannot_be_is_refused(anaphora: Run, run_folder: Path, nbest: str) -> None:
    Path("bad.txt").write_text("0 ||| a ||| 1\nno candidate\n")
    for words, message in (
        (["nowhere", nbest], "there is no model folder nowhere"),
        ([run_folder, "missing.txt"], "missing.txt does not exist"),
        ([run_folder, "bad.txt"], "bad.txt, line 2: 'no candidate' has no id, text and score"),
        ([run_folder, nbest, "--tune=bad.txt"], "bad.txt, line 2: 'no candidate' has no id and text"),
        ([run_folder, nbest, "--metric=bleu"], "metric = 'bleu'"),
    ):
        done = anaphora("rescore", *words)
        assert (done.exit_code, done.stdout) == (2, ""), message
        assert message in done.stderr
