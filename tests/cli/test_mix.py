"""`anaphora mix` from the outside."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def unigram(anaphora: Run, text_file: Path) -> str:
    Path("valid.txt").write_text("the 401 cats sat on 2807 mats\n" * 9)
    anaphora("train", text_file, "--model=unigram", "--quiet", "--out=unigram")
    return "unigram"


def test_the_table_shows_each_part_and_the_whole(anaphora: Run, run_folder: Path, unigram: str) -> None:
    done = anaphora("mix", run_folder, unigram, "--tune=valid.txt", "--out=both")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["model", "weight", "perplexity"]
    assert [line.split()[0] for line in lines if line.startswith(("unigram", "both"))] == ["unigram/model", "both"]
    assert lines[-2].startswith("tuned on 270 tokens of valid.txt in ")
    assert anaphora("eval", "both", "valid.txt", "--quiet").exit_code == 0


def test_json(anaphora: Run, run_folder: Path, unigram: str) -> None:
    words = ["mix", run_folder, unigram, "--tune=valid.txt", "--out=both", "--classes=rank"]
    result = json.loads(anaphora(*words, "--json").stdout)
    keys = {"model", "components", "perplexity", "tokens", "tuned_on", "combination", "context_classes", "weights"}
    assert result.keys() == keys | {"steps"}
    assert result["components"][1].keys() == {"model", "weight", "perplexity"}
    assert len(result["weights"]) > 2
    again = anaphora(*words)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "holds a model already" in again.stderr
    assert anaphora(*words, "--overwrite").exit_code == 0


def test_what_cannot_be_is_refused(anaphora: Run, run_folder: Path, unigram: str) -> None:
    for words, message in (
        ([run_folder], "needs two models"),
        ([run_folder, "nowhere"], "there is no model folder nowhere"),
        ([run_folder, unigram, "--combination=both"], "combination = 'both'"),
    ):
        done = anaphora("mix", *words, "--tune=valid.txt", "--out=both")
        assert (done.exit_code, done.stdout) == (2, "")
        assert message in done.stderr
