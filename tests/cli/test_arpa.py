"""`anaphora export` and `anaphora import`."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run


@pytest.fixture(name="run")
def _run(anaphora: Run, text_file: Path, tmp_path: Path) -> Path:
    done = anaphora("train", text_file, "--model=wb2", "--tokenizer=words", "--quiet", f"--out={tmp_path / 'run'}")
    assert done.exit_code == 0, done.output
    assert "wb2" in done.stdout
    return tmp_path / "run"


def test_export_and_import(anaphora: Run, run: Path) -> None:
    done = anaphora("export", run, "m.arpa", "--quiet")
    assert done.exit_code == 0, done.output
    assert "context  sentence" in done.stdout
    made = anaphora("import", "m.arpa", "--out=model", "--json", "--quiet")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["context"] == "sentence"
    shown = anaphora("eval", "model", "m.arpa", "--quiet")
    assert "context:sentence" in shown.stdout
    assert "without unknown" in shown.stdout


def test_a_file_that_is_none(anaphora: Run) -> None:
    Path("m.arpa").write_text("nothing\n")
    done = anaphora("import", "m.arpa", "--out=model")
    assert done.exit_code == 2
    assert "m.arpa, line 1: there is no \\data\\ line" in done.stderr
