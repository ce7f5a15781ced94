"""`anaphora lab` from the outside: tables for people, one object for programs, pictures where asked for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]
PNG = b"\x89PNG"


def test_gradients_of_a_cell(anaphora: Run) -> None:
    done = anaphora("lab", "gradients", "elman", "--lags", 12, "--plot", "flow.svg", "--json", "--quiet")
    flows = json.loads(done.stdout)["flows"]
    assert [flow["stage"] for flow in flows] == ["initial", "trained"]
    assert all(len(flow["norms"]) == 13 for flow in flows)
    assert "<svg" in Path("flow.svg").read_text()


def test_gradients_of_a_saved_model_on_its_own_held_out_text(anaphora: Run, run_folder: Path) -> None:
    done = anaphora("lab", "gradients", run_folder, "--lags", 8)
    assert done.exit_code == 0, done.stderr
    assert "memory in tokens" in done.stdout


def test_gradients_by_spectral_radius(anaphora: Run) -> None:
    done = anaphora("lab", "gradients", "radii", "--lags", 50, "--json")
    norms = {flow["name"]: flow["norms"] for flow in json.loads(done.stdout)["flows"]}
    shrunk = norms["radius 0.8"]
    assert shrunk[50] / shrunk[0] == pytest.approx(0.8**50, rel=0.05)  # 1.4e-5, the textbook's figure


def test_memory(anaphora: Run) -> None:
    done = anaphora("lab", "memory", "--cells", "elman,lstm", "--distances", "2,4", "--steps", 3, "--plot", "m.png")
    assert done.exit_code == 0, done.stderr
    assert "lstm" in done.stdout
    assert Path("m.png").read_bytes().startswith(PNG)


def test_learning_rates(anaphora: Run, text_file: Path) -> None:
    options = ["lab", "lr", text_file, "--steps", 40, "--set", "hidden_size=8", "--set", "batch_size=4"]
    done = anaphora(*options, "--set", "bptt=8", "--set", "threads=1", "--plot", "lr.png")
    assert done.exit_code == 0, done.stderr
    assert "--set learning_rate=" in done.stdout or "no learning rate lowered" in done.stdout
    assert Path("lr.png").read_bytes().startswith(PNG)
    test = json.loads(anaphora(*options, "--set", "bptt=8", "--json", "--quiet").stdout)
    assert test.keys() >= {"learning_rates", "losses", "smoothed", "lowest", "suggestion", "optimizer"}


def test_units_as_page_and_picture(anaphora: Run, run_folder: Path, text_file: Path) -> None:
    done = anaphora(
        "lab", "units", run_folder, text_file, "--max-tokens", 300, "--html", "u.html", "--plot", "u.png", "--json"
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["tokens"] == 300
    assert Path("u.html").read_text().startswith("<!DOCTYPE html>")
    assert Path("u.png").read_bytes().startswith(PNG)


def test_unroll_to_a_file_and_to_stdout(anaphora: Run) -> None:
    anaphora("lab", "unroll", "gru", "--out", "gru.svg", "--hidden-size", 7)
    drawn = Path("gru.svg").read_text()
    assert "(B, 7)" in drawn
    assert anaphora("lab", "unroll", "gru", "--hidden-size", 7).stdout.strip() == drawn.strip()
    assert json.loads(anaphora("lab", "unroll", "gru", "--hidden-size", 7, "--json").stdout)["svg"] == drawn


def test_the_ladder(anaphora: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from anaphora.lab.ladder import climb

    monkeypatch.setattr(climb.climb, "__kwdefaults__", {**(climb.climb.__kwdefaults__ or {}), "rungs": climb.RUNGS[:1]})
    done = anaphora("lab", "ladder", "--seeds", 1, "--json", "--quiet")
    rungs = json.loads(done.stdout)["rungs"]
    assert [rung["rung"] for rung in rungs] == [0, 1]
    assert rungs[0]["accuracy"] == pytest.approx(0.1517, abs=5e-5)
    assert rungs[0].keys() >= {"rung", "name", "accuracy", "spread", "seconds"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gradients", "lstmm"), "there is no model folder lstmm"),
        (("gradients", "lstm", "--text", "x"), "--text has no effect on 'lstm'"),
        (("gradients", "--plot", "flow.gif"), "cannot draw a picture as 'flow.gif'"),
        (("lr", "human-numbers", "--set", "init=x"), "only a run can start from a model"),
        (("lr",), "no corpus was named"),
        (("memory", "--distances", "a"), "--distances 'a': write numbers"),
        (("memory", "--cells", "lstmm"), "there is no cell 'lstmm'"),
        (("unroll", "lsmt"), "did you mean 'lstm'"),
        (("ladder", "--seeds", "0"), "seeds = 0"),
    ],
)
def test_what_cannot_be_is_refused(anaphora: Run, words: tuple[str, ...], said: str) -> None:
    done = anaphora("lab", *words)
    assert done.exit_code == 2
    assert said in done.stderr.replace("\n", " ")
