"""Recipes are data: every one in the repository is sound, and its command means the same here and at the prompt."""

from pathlib import Path
from typing import Any

import pytest

from anaphora import recipes
from anaphora.errors import ConfigError
from anaphora.recipes import load_recipe, run_recipe, train_arguments

GOOD = """
description = "d"
data = "x"
source = "s"
minutes = 1
command = "anaphora train human-numbers --model unigram"
[[expected]]
figure = "valid.perplexity"
value = 16.6
tolerance = 0.1
"""


@pytest.mark.parametrize("name", sorted(recipes.recipes()))
def test_every_recipe_of_the_repository_is_sound(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.expected
    train_arguments(recipe.command)


def test_the_installed_package_and_the_checkout_are_both_searched() -> None:
    package = Path(recipes.__file__).parent
    assert (package / "_recipes", package.parents[1] / "recipes") == recipes._FOLDERS


def test_a_command_becomes_the_arguments_of_train() -> None:
    command = """anaphora train a.txt 'b c.txt' --model gru --steps 5 --minutes 0.5 --out runs/x
        --set hidden_size=3 --set lower=true"""
    corpus, options = train_arguments(command)
    assert corpus == ["a.txt", "b c.txt"]
    assert options == {
        "model": "gru",
        "steps": 5,
        "minutes": 0.5,
        "out": Path("runs/x"),
        "settings": ["hidden_size=3", "lower=true"],
    }


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("anaphora eval x", "begins with 'anaphora train'"),
        ("anaphora train x --stepz 3", "no option --stepz; did you mean '--steps'"),
        ("anaphora train x --steps", "--steps needs a value"),
        ("anaphora train x --steps many", "--steps many is not a value"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(command: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        train_arguments(command)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[[expected]]", "[[expected"), "is not valid TOML"),
        (("minutes = 1", "minuts = 1"), "\\[recipe\\] needs a value for 'minutes'"),
        (("minutes = 1", "minutes = 1\nsauce = 2"), "unknown key 'sauce' in \\[recipe\\]; did you mean 'source'"),
        (("value = 16.6", ""), "\\[expected\\] needs a value for 'value'"),
        (('figure = "valid.perplexity"', 'figure = "valid.perplexitie"'), "has no such number"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(change: tuple[str, str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(ConfigError, match=message):
        run_recipe(path, out=tmp_path / "run")


def test_figures_are_compared_with_their_tolerance(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(GOOD)
    outcome = run_recipe(path, out=tmp_path / "run")
    values: dict[str, Any] = outcome.to_json()
    assert (values["recipe"], values["passed"]) == ("r", True)
    assert outcome.checks[0].got == pytest.approx(16.628, abs=0.001)
    assert values["result"]["run"] == str(tmp_path / "run")


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no recipe 'human-number-lstm'; did you mean 'human-numbers-lstm'"):
        load_recipe("human-number-lstm")
