"""Options that every command which trains has: one declaration each, so that they mean and say the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

TRAINING, RUN = "Model and training", "The run"  # headings in --help

Steps = Annotated[int | None, typer.Option(help="Take this many steps.", rich_help_panel=TRAINING)]
Seed = Annotated[int | None, typer.Option(help="Seed of every random choice.", rich_help_panel=TRAINING)]
Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda or cuda:N.", show_default="auto", rich_help_panel=TRAINING)
]
ConfigFile = Annotated[Path | None, typer.Option(help="A .toml or .json file of settings.", rich_help_panel=TRAINING)]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any setting, as in training.batch_size=16.", rich_help_panel=TRAINING
    ),
]
Resume = Annotated[
    Path | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped.", rich_help_panel=RUN)
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the run that is in --out.", rich_help_panel=RUN)]
Track = Annotated[
    str | None, typer.Option(metavar="tensorboard", help="Write event files into the run.", rich_help_panel=RUN)
]
