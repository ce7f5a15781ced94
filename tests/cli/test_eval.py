"""`anaphora eval` from the outside."""

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Run = Callable[..., Result]

KEYS = {"loss", "perplexity", "bits_per_char", "bits_per_byte", "accuracy", "tokens", "unknown_tokens", "signature"}


def test_without_a_corpus_the_test_split_of_the_training_is_scored(anaphora: Run, run_folder: Path) -> None:
    done = anaphora("eval", run_folder, "--json", "--quiet")
    result = json.loads(done.stdout)
    assert result.keys() >= KEYS
    saved = json.loads((run_folder / "model" / "config.json").read_text())
    assert result["loss"] == saved["provenance"]["results"]["test"]["loss"]


def test_a_split_can_be_named(anaphora: Run, run_folder: Path) -> None:
    assert "split:valid" in json.loads(anaphora("eval", run_folder, "--split=valid", "--json").stdout)["signature"]


def test_a_plain_file_is_scored_whole(anaphora: Run, run_folder: Path) -> None:
    Path("line.txt").write_text("the 12 cats")
    result = json.loads(anaphora("eval", run_folder, "line.txt", "--json", "--quiet").stdout)
    assert (result["tokens"], result["characters"]) == (11, 11)
    assert "split:all" in result["signature"]


def test_for_people_it_prints_pairs(anaphora: Run, run_folder: Path) -> None:
    done = anaphora("eval", run_folder)
    assert done.stdout.startswith("perplexity ")
    assert "signature" in done.stdout


def test_lanes_stand_in_the_signature(anaphora: Run, run_folder: Path) -> None:
    done = anaphora("eval", run_folder, "--batch-size=3", "--json")
    assert "lanes:3" in json.loads(done.stdout)["signature"]


def test_the_training_text_itself_is_scored_with_a_warning(anaphora: Run, run_folder: Path, text_file: Path) -> None:
    done = anaphora("eval", run_folder, text_file, "--json")
    assert json.loads(done.stdout)["characters"] == len(text_file.read_text())
    assert done.stderr.startswith(f"warning: {text_file} is the text this model was trained on")


def test_what_cannot_be_is_refused(anaphora: Run, run_folder: Path) -> None:
    for words, message in (
        (["nowhere"], "there is no model folder nowhere"),
        ([run_folder, "--split=tests"], "split = 'tests': verse has train, valid, test"),
        ([run_folder, "--field=body"], "--field tells how to read CORPUS"),
        ([run_folder, "missing.txt"], "missing.txt"),
        ([run_folder, "--batch-size=0"], "batch_size = 0"),
    ):
        done = anaphora("eval", *words, "--json")
        assert (done.exit_code, done.stdout) == (2, "")
        assert message in done.stderr


def test_a_damaged_model_is_refused(anaphora: Run, run_folder: Path) -> None:
    folder = Path("copy")
    folder.mkdir()
    for file in (run_folder / "model").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "model.safetensors").write_bytes(b"not weights")
    done = anaphora("eval", folder)
    assert done.exit_code == 2
    assert "model.safetensors is damaged" in done.stderr


def test_a_model_that_left_its_run_asks_for_a_text(anaphora: Run, run_folder: Path) -> None:
    folder = Path("copy")
    folder.mkdir()
    for file in (run_folder / "model").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    done = anaphora("eval", folder)
    assert done.exit_code == 2
    assert "does not tell where its training text lies" in done.stderr


_DYNAMIC = ("--set=segment=10", "--set=learning_rate=0.0005", "--set=statistics_tokens=1000")


def test_an_adapted_figure_stands_beside_the_static_one(anaphora: Run, run_folder: Path) -> None:
    static = json.loads(anaphora("eval", run_folder, "--json", "--quiet").stdout)
    done = anaphora("eval", run_folder, "--adapt=both", *_DYNAMIC, "--json", "--quiet")
    result = json.loads(done.stdout)
    adapted = result.pop("adapted")
    assert result == static
    assert adapted.keys() >= KEYS | {"settings", "tuning", "seconds"}
    assert adapted["settings"]["dynamic"]["segment"] == 10
    assert "|adapt:dynamic,segment=10,learning_rate=0.0005," in adapted["signature"]
    assert "adapt" not in result["signature"]


def test_for_people_an_adapted_evaluation_is_a_table(anaphora: Run, run_folder: Path) -> None:
    done = anaphora("eval", run_folder, "--adapt=cache", "--tune", "--quiet")
    assert done.exit_code == 0, done.output
    first, *_ = done.stdout.splitlines()
    assert first.split() == ["static", "adapted"]
    for part in ("perplexity", "seconds", "tuning", "adapt:cache,window="):
        assert part in done.stdout


def test_a_search_shows_what_it_finds(anaphora: Run, run_folder: Path) -> None:
    done = anaphora("eval", run_folder, "--adapt=cache", "--tune", "--json")
    assert "theta = " in done.stderr
    assert "validation perplexity" in done.stderr


def test_adaptation_that_cannot_be(anaphora: Run, run_folder: Path) -> None:
    for words, message in (
        (["--adapt=dynmic"], "adapt = 'dynmic': use one of dynamic, cache, both; did you mean 'dynamic'?"),
        (["--adapt=cache", "--set=segment=5"], "unknown key 'segment' for adapt = 'cache'"),
        (["--adapt=cache", "--set=theta"], "--set theta: write KEY=VALUE"),
        (["--tune"], "--tune is for adaptation: say which, --adapt dynamic, cache or both"),
        (["--set=theta=1"], "--set is for adaptation"),
        (["--statistics=book.txt"], "--statistics is for adaptation"),
    ):
        done = anaphora("eval", run_folder, *words, "--json")
        assert (done.exit_code, done.stdout) == (2, "")
        assert message in done.stderr
