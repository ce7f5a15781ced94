"""The command line: each command parses its options, calls one function of `anaphora`, and renders the result.

Only what parsing needs is imported at the top of these files. `api`, and torch with it, is imported by the command that
calls it, so that `--help` answers at once.
"""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from anaphora import __version__
from anaphora.cli import (
    arpa,
    classify,
    compare,
    data,
    eval,
    generate,
    info,
    lab,
    mix,
    output,
    recipe,
    rescore,
    score,
    suggest,
    tag,
    train,
)


class _Commands(TyperGroup):
    """The commands, with errors told in one sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        with output.courteous():
            return super().invoke(ctx)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        output.say(f"anaphora {__version__}")
        raise typer.Exit


@app.callback()
def anaphora(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train recurrent language models on your text, measure them honestly, and write with them.

    A first model: anaphora train my-text.txt --minutes 2
    """


app.command("train")(train.train)
app.command("eval")(eval.evaluate)
app.command("generate")(generate.generate)
app.command("score")(score.score)
app.command("suggest")(suggest.suggest)
app.command("compare")(compare.compare)
app.command("rescore")(rescore.rescore)
app.command("mix")(mix.mix)
app.command("info")(info.info)
app.command("export")(arpa.export)
app.command("import")(arpa.import_)
app.add_typer(tag.app, name="tag")
app.add_typer(classify.app, name="classify")
app.add_typer(data.app, name="data")
app.add_typer(recipe.app, name="recipe")
app.add_typer(lab.app, name="lab")


def run() -> None:
    """Run the command line on this process's arguments, and exit."""
    output.tolerate_any_character()
    app(prog_name="anaphora")
