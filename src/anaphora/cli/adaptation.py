"""The options of adaptation, which `eval` and `score` share: which kind, its settings, the text for its statistics."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anaphora.errors import ConfigError

if TYPE_CHECKING:
    from anaphora.evaluation.adapt.settings import AdaptSettings

PANEL = "Adaptation to the text while it is read"

Adapt = Annotated[
    str | None,
    typer.Option(
        metavar="dynamic|cache|both",
        help="With weights that follow the text (dynamic evaluation), a neural cache, or both.",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="segment, learning_rate, decay, epsilon, statistics_tokens; window, theta, weight.",
        rich_help_panel=PANEL,
    ),
]
Statistics = Annotated[
    Path | None,
    typer.Option(
        metavar="TEXT",
        help="Gather the gradient statistics of dynamic evaluation from this text.",
        show_default="the text of the training",
        rich_help_panel=PANEL,
    ),
]


def chosen(method: str | None, assignments: list[str] | None, **others: object) -> "AdaptSettings | None":
    """Return the settings that were asked for, or None for a static model.

    Raises:
        ConfigError: no such method or setting; or settings, or one of the `others`, without a method.
    """
    from anaphora.evaluation.adapt.settings import AdaptSettings

    if method is not None:
        return AdaptSettings.of(method, dict(map(_pair, assignments or [])))
    for name, value in {"set": assignments, **others}.items():
        if value:
            raise ConfigError(f"--{name} is for adaptation: say which, --adapt dynamic, cache or both")
    return None


def _pair(assignment: str) -> tuple[str, str]:
    key, equals, value = assignment.partition("=")
    if not equals:
        raise ConfigError(f"--set {assignment}: write KEY=VALUE, as in --set theta=0.3")
    return key.strip(), value.strip()
