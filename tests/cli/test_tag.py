"""`anaphora tag` from the outside."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from anaphora.cli import app

Run = Callable[..., Result]

SENTENCES = "two\tB-hundred\nhundred\tO\nsix\tB-one\n\nsix\tB-one\n\n"
SMALL = ("encoder.embedding_dim=6", "encoder.hidden_size=8", "spelling.hidden_size=4", "threads=1", "precision=float32")


@pytest.fixture(scope="module", name="trained")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Return the folder of a finished run, and what its command printed."""
    folder = tmp_path_factory.mktemp("tags")
    (folder / "numbers.tsv").write_text(SENTENCES * 40)
    words = ["tag", "train", str(folder / "numbers.tsv"), "--epochs=3", f"--out={folder / 'run'}", "--quiet"]
    return folder / "run", CliRunner().invoke(app, [*words, *(f"--set={item}" for item in SMALL)])


def test_train_shows_the_baseline_and_what_comes_next(trained: tuple[Path, Result]) -> None:
    run, done = trained
    assert done.exit_code == 0, done.output
    assert "most frequent tag" in done.stdout
    assert f"next   anaphora tag predict {run} FILE" in done.stdout


def test_eval_shows_every_span_type(anaphora: Run, trained: tuple[Path, Result]) -> None:
    Path("numbers.tsv").write_text(SENTENCES)
    shown = anaphora("tag", "eval", trained[0], "numbers.tsv").stdout
    assert "F1 of spans" in shown
    assert "hundred" in shown
    values = json.loads(anaphora("tag", "eval", trained[0], "numbers.tsv", "--json").stdout)
    assert values["tokens"] == 4
    assert set(values["span_types"]) == {"one", "hundred"}


def test_predict_prints_a_word_and_its_tag_a_line(trained: tuple[Path, Result]) -> None:
    run, text = str(trained[0]), "two\nhundred\n\nsix\n"
    done = CliRunner().invoke(app, ["tag", "predict", run, "-"], input=text)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["two", "hundred", "", "six", ""]
    values = json.loads(CliRunner().invoke(app, ["tag", "predict", run, "-", "--json"], input=text).stdout)
    assert [one["words"] for one in values["sentences"]] == [["two", "hundred"], ["six"]]
    assert len(values["sentences"][0]["tags"]) == 2


def test_files_may_be_in_another_encoding(anaphora: Run) -> None:
    Path("latin.tsv").write_bytes("dé\tB-one\nà\tO\n\n".encode("latin-1") * 5)
    assert "latin.tsv, line 1, byte offset 1: byte 0xe9" in anaphora("tag", "train", "latin.tsv", "--steps=1").stderr
    settings = [f"--set={item}" for item in SMALL]
    done = anaphora("tag", "train", "latin.tsv", "--steps=1", "--encoding=latin-1", *settings)
    assert done.exit_code == 0, done.output


def test_a_fault_is_named_with_its_line(anaphora: Run, trained: tuple[Path, Result]) -> None:
    Path("faulty.tsv").write_text("two\tB-one\nhundred\n")
    for words in (["train", "faulty.tsv"], ["eval", trained[0], "faulty.tsv"]):
        done = anaphora("tag", *words)
        assert done.exit_code == 2
        assert "faulty.tsv, line 2: no tag: the line 'hundred' has 1 column" in done.stderr
