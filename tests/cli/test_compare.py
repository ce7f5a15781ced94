"""`anaphora compare` from the outside."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def unigram(anaphora: Run, text_file: Path) -> str:
    Path("test.txt").write_text("the 401 cats sat on 2807 mats\nthe 5 cats sat\n")
    anaphora("train", text_file, "--model=unigram", "--quiet", "--out=unigram")
    return "unigram"


def test_the_difference_and_where_it_lies(anaphora: Run, run_folder: Path, unigram: str) -> None:
    done = anaphora("compare", run_folder, unigram, "test.txt", "--top=2")
    assert done.exit_code == 0
    names = [line.split("  ")[0] for line in done.stdout.splitlines()[:9]]
    assert names == ["A", "B", "A, nats per token", "B", "A - B", "p", "verdict", "signature A", "signature B"]
    assert "(1,000 draws of 2 lines)" in done.stdout
    assert "where A is furthest ahead" in done.stdout
    assert " > " in done.stdout


def test_json(anaphora: Run, run_folder: Path, unigram: str) -> None:
    words = ["compare", run_folder, unigram, "test.txt", "--json", "--seed=3"]
    result = json.loads(anaphora(*words).stdout)
    keys = {"models", "unit", "first", "second", "difference", "low", "high", "p", "share_first_better", "draws"}
    assert result.keys() == keys | {"lines", "first_wins", "second_wins", "signatures"}
    assert result["first_wins"][0].keys() == {"line", "text", "before", "first", "second"}
    assert json.loads(anaphora(*words).stdout) == result


def test_a_model_beside_itself(anaphora: Run, run_folder: Path, unigram: str) -> None:
    done = anaphora("compare", run_folder, run_folder, "test.txt")
    assert "no difference that could not be luck" in done.stdout
    assert "furthest ahead" not in done.stdout


def test_what_cannot_be_is_refused(anaphora: Run, run_folder: Path, unigram: str) -> None:
    for words, message in (
        (["nowhere", unigram, "test.txt"], "there is no model folder nowhere"),
        ([run_folder, unigram, "missing.txt"], "missing.txt does not exist"),
        ([run_folder, unigram, "test.txt", "--unit=bits"], "unit = 'bits'"),
        ([run_folder, unigram, "test.txt", "--context=lines"], "context = 'lines'"),
        ([run_folder, unigram, "test.txt", "--draws=0"], "draws = 0"),
    ):
        done = anaphora("compare", *words)
        assert (done.exit_code, done.stdout) == (2, ""), message
        assert message in done.stderr
