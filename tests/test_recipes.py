"""Recipes are data: every one in the repository is sound, and its command means the same here and at the prompt."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from anaphora import api, recipes
from anaphora.errors import ConfigError
from anaphora.lab.chars import write_by_heart
from anaphora.lab.ladder.climb import climb
from anaphora.recipes import load_recipe, parse_command, run_recipe

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
    function, arguments = parse_command(recipe.command)
    inspect.signature(function).bind(**arguments)


def test_the_installed_package_and_the_checkout_are_both_searched() -> None:
    package = Path(recipes.__file__).parent
    assert (package / "_recipes", package.parents[1] / "recipes") == recipes._FOLDERS


def test_a_command_becomes_the_arguments_of_train() -> None:
    command = """anaphora train a.txt 'b c.txt' --model gru --steps 5 --minutes 0.5 --out runs/x
        --set hidden_size=3 --set lower=true"""
    function, arguments = parse_command(command)
    assert function is api.train
    assert arguments == {
        "corpus": ["a.txt", "b c.txt"],
        "model": "gru",
        "steps": 5,
        "minutes": 0.5,
        "out": "runs/x",
        "settings": ["hidden_size=3", "lower=true"],
    }


def test_a_command_of_the_laboratory_becomes_its_arguments() -> None:
    command = "anaphora lab chars book.txt --net concise --epochs 3 --prompt a --prompt 'b c'"
    arguments = {"corpus": "book.txt", "net": "concise", "epochs": 3, "prompt": ["a", "b c"]}
    assert parse_command(command) == (write_by_heart, arguments)
    assert parse_command("anaphora lab ladder --seeds 2") == (climb, {"seeds": 2})


def test_a_command_that_trains_a_classifier_becomes_its_arguments() -> None:
    command = "anaphora classify train imdb --epochs 10 --class-weights balanced --set name=elman"
    arguments = {"source": "imdb", "epochs": 10, "class_weights": "balanced", "settings": ["name=elman"]}
    assert parse_command(command) == (api.train_classifier, arguments)


def test_data_stands_for_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANAPHORA_DATA", "/my corpora")
    _, arguments = parse_command("anaphora train {data}/text8/prefix --steps 1")
    assert arguments["corpus"] == ["/my corpora/text8/prefix"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("anaphora eval x", "begins with one of 'anaphora train', 'anaphora classify train', 'anaphora lab chars'"),
        ("anophora train x", "begins with one of"),
        ("anaphora lab", "begins with one of"),
        ("anaphora lab ladder --seeds x", "--seeds x is not a value"),
        ("anaphora train x --stepz 3", "no option --stepz; did you mean '--steps'"),
        ("anaphora train x --steps", "--steps needs a value"),
        ("anaphora train x --steps many", "--steps many is not a value"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(command: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_command(command)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[[expected]]", "[[expected"), "is not valid TOML"),
        (("minutes = 1", "minuts = 1"), "\\[recipe\\] needs a value for 'minutes'"),
        (("minutes = 1", "minutes = 1\nsauce = 2"), "unknown key 'sauce' in \\[recipe\\]; did you mean 'source'"),
        (("value = 16.6", ""), "\\[expected\\] needs a value for 'value'"),
        (('figure = "valid.perplexity"', 'figure = "valid.perplexitie"'), "'valid.perplexitie' .* no such number"),
        (
            ("[[expected]]", "[[samples]]\nprompt = 'a'\ntemprature = 2\n[[expected]]"),
            "unknown key 'temprature' in \\[samples\\]",
        ),
        (("[[expected]]", "[[samples]]\nprompt = 'a'\ntemperature = -2\n[[expected]]"), "temperature = -2"),
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


TRAINED = (
    """
description = "d"
data = "x"
source = "s"
minutes = 1
command = """
    + '''"""
anaphora train human-numbers --steps 6 --seed 1 --set hidden_size=8 --set embedding_dim=8 --set batch_size=4
    --set bptt=8 --set log_every=3 --set precision=float32 --set threads=1
"""
[[expected]]
figure = "metrics.6.loss"
value = 3.3
tolerance = 3
reported = 3.5
[[samples]]
prompt = "one"
max_new_tokens = 4
temperature = 0.5
seed = 1
'''
)


def test_a_recipe_may_look_into_the_metrics_and_ask_for_samples(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(TRAINED)
    outcome = run_recipe(path, out=tmp_path / "run")
    logged = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    [check], [text] = outcome.checks, outcome.texts
    assert check.got == next(line["loss"] for line in logged if line["step"] == 6 and "loss" in line)
    assert (check.reported, check.passed) == (3.5, True)
    assert text.title == "temperature 0.5, 'one'"
    assert text.text.startswith("one")
    assert json.loads(json.dumps(outcome.to_json()))["texts"] == [{"title": text.title, "text": text.text}]


def test_a_trained_model_may_be_evaluated_as_it_adapts(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    expected = '[[expected]]\nfigure = "adapted.perplexity"\nvalue = 10\ntolerance = 1000\n'
    path.write_text(f'{TRAINED}{expected}[adapt]\nmethod = "cache"\nvalues = {{ window = 50, weight = 0.2 }}\n')
    outcome = run_recipe(path, out=tmp_path / "run")
    static, adapted = outcome.values["valid"], outcome.values["adapted"]
    assert outcome.checks[-1].got == adapted["perplexity"] != static["perplexity"]
    assert "adapt:cache,window=50,theta=0.6,weight=0.2" in adapted["signature"]


CHARS = """
description = "d"
data = "x"
source = "s"
minutes = 1
command = "anaphora lab chars human-numbers --prompt one --epochs 1 --max-chars 2000"
[[expected]]
figure = "reports.0.perplexity"
value = 15
tolerance = 15
"""


def test_a_recipe_of_the_laboratory_shows_what_the_net_wrote(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(CHARS)
    outcome = run_recipe(path)
    [check], [text] = outcome.checks, outcome.texts
    assert check.got == outcome.values["perplexity"]
    assert text.title == f"epoch 1, perplexity {check.got:.2f}"
    assert text.text.startswith("one")
    with pytest.raises(ConfigError, match="--out x: the recipe r writes no run folder"):
        run_recipe(path, out=Path("x"))
    path.write_text(CHARS + "[[samples]]\nprompt = 'one'\n")
    with pytest.raises(ConfigError, match="recipe r: \\[\\[samples\\]\\] need a command that trains a model"):
        run_recipe(path)
    path.write_text(CHARS + "[adapt]\nmethod = 'cache'\n")
    with pytest.raises(ConfigError, match="recipe r: \\[adapt\\] needs a command that trains a model"):
        run_recipe(path)


def test_a_figure_may_stand_in_a_list(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    for place in ("reports.1.perplexity", "reports.x.perplexity", "reports"):
        path.write_text(CHARS.replace("reports.0.perplexity", place))
        with pytest.raises(ConfigError, match=f"'{place}' .* no such number"):
            run_recipe(path)


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no recipe 'human-number-lstm'; did you mean 'human-numbers-lstm'"):
        load_recipe("human-number-lstm")
