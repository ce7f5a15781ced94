"""`--condition`, as `generate`, `score` and `eval` have it: which kind of text a conditional model is to take."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from anaphora import Bundle

Condition = Annotated[
    str | None,
    typer.Option(
        "--condition", metavar="LABEL", help="What the text is, for a model that was trained with `train --condition`."
    ),
]


def load(model: Path, device: str, condition: str | None) -> "Bundle":
    """Open a model, and tell it the condition where there is one."""
    from anaphora import api

    bundle = api.load(model, device)
    return bundle if condition is None else api.given(bundle, condition)
