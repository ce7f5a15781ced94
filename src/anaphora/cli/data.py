"""`anaphora data`: the known corpora."""

from pathlib import Path
from typing import Annotated

import typer

from anaphora.cli import output, progress
from anaphora.cli.output import Json, Quiet

app = typer.Typer(help="List, describe and fetch the known corpora.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(help="A name from `anaphora data list`.")]
_DataDir = Annotated[Path | None, typer.Option(help="Where known corpora lie.", show_default="ANAPHORA_DATA")]


@app.command("list")
def list_corpora(as_json: Json = False) -> None:
    """List the known corpora."""
    from anaphora import api

    known = api.corpora()
    if as_json:
        output.say_json({"corpora": list(known.values())})
        return
    output.say_table(
        ("name", "tokenizer", "what it is"),
        [(name, facts["default_tokenizer"], facts["description"]) for name, facts in known.items()],
        numbers=False,
    )


@app.command("info")
def describe(name: _Name, as_json: Json = False) -> None:
    """Describe one corpus: origin, licence, splits, checksums."""
    from anaphora import api

    facts = api.corpus_info(name)
    if as_json:
        output.say_json(facts)
        return
    output.say_pairs(
        [
            ("name", facts["name"]),
            ("what it is", facts["description"]),
            ("origin", facts["origin"]),
            ("licence", facts["licence"]),
            ("may be passed on", "yes" if facts["redistributable"] else "no"),
            ("splits", " ".join(facts["splits"])),
            ("tokenizer", facts["default_tokenizer"]),
            ("download", "none: built in" if facts["built_in"] else f"anaphora data fetch {name}"),
        ]
    )
    for file in facts["files"]:
        output.say()
        output.say_pairs((key, file[key]) for key in ("split", "name", "url", "member", "sha256") if file[key])


@app.command("fetch")
def fetch(
    name: _Name,
    data_dir: _DataDir = None,
    from_path: Annotated[
        Path | None, typer.Option("--from", help="Take this copy instead of downloading, after its checksum.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Download a corpus and check it."""
    from anaphora import api

    with progress.reporting(quiet) as report:
        folder = api.fetch(name, data_dir=data_dir, from_path=from_path, progress=report)
    if as_json:
        output.say_json({"name": name, "path": str(folder)})
    else:
        output.say(str(folder))
