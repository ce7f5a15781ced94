"""`anaphora recipe` from the outside, on a recipe of a second."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def recipe(text_file: Path, tmp_path: Path) -> Callable[[float], Path]:
    """Return a function that writes a recipe whose figure is right within the given tolerance."""

    def make(value: float) -> Path:
        path = tmp_path / "quick.toml"
        path.write_text(
            f'description = "quick"\ndata = "verse"\nsource = "this test"\nminutes = 0.1\n'
            f'command = "anaphora train {text_file} --model uniform"\n'
            f'[[expected]]\nfigure = "test.perplexity"\nvalue = {value}\ntolerance = 0.5\nreported = 23\n'
        )
        return path

    return make


def test_run_compares_and_exits_with_zero_within_tolerance(
    anaphora: Run, recipe: Callable[[float], Path], text_file: Path
) -> None:
    size = len(set(text_file.read_text())) + 1.0  # and <unk>
    done = anaphora("recipe", "run", recipe(size), "--quiet", "--out=r", "--json")
    result = json.loads(done.stdout)
    assert done.exit_code == 0
    assert result["passed"]
    assert result["checks"] == [
        {
            "figure": "test.perplexity",
            "expected": size,
            "tolerance": 0.5,
            "reported": 23.0,
            "got": pytest.approx(size),
            "passed": True,
        }
    ]


def test_run_exits_with_one_when_a_figure_is_missed(anaphora: Run, recipe: Callable[[float], Path]) -> None:
    done = anaphora("recipe", "run", recipe(1.0), "--quiet")
    assert done.exit_code == 1
    assert "MISSED" in done.stdout
    assert "1 ± 0.5" in done.stdout
    assert "23" in done.stdout  # what the source reports


def test_what_the_model_wrote_is_shown(anaphora: Run, text_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "chars.toml"
    path.write_text(
        f'description = "d"\ndata = "verse"\nsource = "s"\nminutes = 0.1\n'
        f'command = "anaphora lab chars {text_file} --prompt the --epochs 1 --max-chars 2000"\n'
        '[[expected]]\nfigure = "perplexity"\nvalue = 15\ntolerance = 15\nreported = 1\n'
    )
    done = anaphora("recipe", "run", path, "--quiet")
    assert done.exit_code == 0, done.output
    assert "--- epoch 1, perplexity" in done.stdout
    assert "\nthe" in done.stdout
    assert "model" not in done.stdout
    assert "15 ± 15 (reported: 1)" in anaphora("recipe", "show", path).stdout


def test_list_and_show(anaphora: Run) -> None:
    assert "human-numbers-lstm" in anaphora("recipe", "list").stdout
    shown = anaphora("recipe", "show", "human-numbers-lstm").stdout
    assert "anaphora train human-numbers" in shown
    assert "valid.accuracy" in shown
    listed = json.loads(anaphora("recipe", "list", "--json").stdout)["recipes"]
    assert json.loads(anaphora("recipe", "show", "human-numbers-lstm", "--json").stdout) in listed


def test_an_unknown_recipe_is_refused(anaphora: Run) -> None:
    done = anaphora("recipe", "run", "human-numbers-lstn")
    assert done.exit_code == 2
    assert "did you mean 'human-numbers-lstm'" in done.stderr
