"""`anaphora recipe`: known results, shown and made again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anaphora.cli import output, progress
from anaphora.cli.output import Json, Quiet

if TYPE_CHECKING:
    from anaphora.recipes import Figure, RecipeResult

app = typer.Typer(help="List, show and run known results.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(help="A name from `anaphora recipe list`, or a .toml file.")]


@app.command("list")
def list_recipes(as_json: Json = False) -> None:
    """List the recipes."""
    from anaphora import recipes

    known = [recipes.load_recipe(name) for name in recipes.recipes()]
    if as_json:
        output.say_json({"recipes": [recipe.model_dump(mode="json") for recipe in known]})
        return
    output.say_table(
        ("name", "minutes", "what it shows"),
        [(recipe.name, f"{recipe.minutes:g}", recipe.description) for recipe in known],
        numbers=False,
    )


@app.command("show")
def show(name: _Name, as_json: Json = False) -> None:
    """Show a recipe: its command, its figures and their source."""
    from anaphora import recipes

    recipe = recipes.load_recipe(name)
    if as_json:
        output.say_json(recipe.model_dump(mode="json"))
        return
    output.say(recipe.description)
    output.say()
    output.say_pairs(
        [
            ("data", recipe.data),
            ("command", _one_line(recipe.command)),
            ("takes", f"about {recipe.minutes:g} min"),
            *((f"expect {figure.figure}", _expectation(figure)) for figure in recipe.expected),
            ("source", _one_line(recipe.source)),
        ]
    )


@app.command("run")
def run(
    name: _Name,
    out: Annotated[Path | None, typer.Option(help="The run's folder.", show_default="as train chooses")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run a recipe and compare what comes out; exit 1 when a figure misses its tolerance."""
    from anaphora import recipes

    with progress.reporting(quiet) as report:
        result = recipes.run_recipe(name, out=out, progress=report)
    if as_json:
        output.say_json(result.to_json())
    else:
        _show(result)
    if result.interrupted:
        raise typer.Exit(output.INTERRUPTED)
    if not result.passed:
        raise typer.Exit(output.MISSED)


def _expectation(figure: "Figure") -> str:
    reported = "" if figure.reported is None else f" (reported: {figure.reported:g})"
    return f"{figure.value:g} ± {figure.tolerance:g}{reported}"


def _show(result: "RecipeResult") -> None:
    """Print the figures, what the model wrote, and where it lies."""
    output.say_table(
        ("figure", "reported", "expected", "got", "verdict"),
        [
            (
                check.figure,
                "" if check.reported is None else f"{check.reported:g}",
                f"{check.expected:g} ± {check.tolerance:g}",
                f"{check.got:.4g}",
                "within" if check.passed else "MISSED",
            )
            for check in result.checks
        ],
    )
    for text in result.texts:
        output.say(f"--- {text.title}")
        output.say(text.text)
    if "model" in result.values:
        output.say(f"model  {result.values['model']}")


def _one_line(text: str) -> str:
    """Return a text of a recipe, which may be broken into lines in its file, as one line."""
    return " ".join(text.split())
