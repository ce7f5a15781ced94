"""`anaphora info` from the outside."""

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Run = Callable[..., Result]


def test_for_people_the_essentials(anaphora: Run, run_folder: Path) -> None:
    done = anaphora("info", run_folder)
    for word in ("lstm", "chars", "verse", "hidden_size=16", "30 steps", "perplexity", "lanes:1"):
        assert word in done.stdout


def test_json_has_everything(anaphora: Run, run_folder: Path) -> None:
    facts = json.loads(anaphora("info", run_folder, "--json").stdout)
    assert facts.keys() >= {"path", "parameters", "bytes", "model", "model_hash", "tokenizer", "corpus", "results"}


def test_a_strange_provenance_does_no_harm(anaphora: Run, run_folder: Path) -> None:
    folder = Path("strange")
    folder.mkdir()
    for file in (run_folder / "model").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config["provenance"] = {"corpus": 3, "outcome": [], "results": {"test": None}, "command": {"a": 1}}
    (folder / "config.json").write_text(json.dumps(config))
    done = anaphora("info", folder)
    assert done.exit_code == 0, done.stderr


def test_a_folder_that_is_no_model_is_refused(anaphora: Run) -> None:
    Path("empty").mkdir()
    done = anaphora("info", "empty")
    assert done.exit_code == 2
    assert "empty is no model folder" in done.stderr
