"""May a run go on from this checkpoint? Only with the text, the model and the settings it was begun with.

What may change: how long the run is, how often it validates, and the machine. How long only where the schedule does not
depend on the end: the others have laid their curve over the length that was asked for first.
"""

from typing import Any

from anaphora.errors import ConfigError
from anaphora.training.schedules import OPEN_ENDED
from anaphora.training.task import Task

_LENGTH = ("epochs", "steps", "minutes")
_FREE = frozenset({"eval_every_steps", "eval_every_seconds", "patience", "log_every", "precision", "device", "threads"})


_TEXT = (("corpus", "text"), ("tokenizer", "tokenizer"), ("vocab_size", "vocabulary"), ("labels", "set of labels"))


def origin_of(task: Task) -> dict[str, Any]:
    """Return what a run is made from, as JSON values: the checkpoint keeps it."""
    return {
        **task.origin(),
        "model": task.model.config.model_dump(mode="json"),
        "training": task.config.model_dump(mode="json"),
    }


def check_same_run(saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Compare two origins.

    Raises:
        ConfigError: they are of different runs, or the length of a run with a closed schedule was changed.
    """
    for part, what in _TEXT:
        if saved.get(part) != now.get(part):
            raise ConfigError(
                f"this run was begun with another {what} ({_short(saved.get(part))}, now {_short(now.get(part))}); "
                f"resume it with the {what} it was begun with, or start a new run"
            )
    for section in ("model", "training"):
        before = saved.get(section)
        _check_section(section, before if isinstance(before, dict) else {}, now[section])


def _check_section(section: str, before: dict[str, Any], now: dict[str, Any]) -> None:
    changed = [key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key)]
    for key in changed:
        if section == "training" and key in _FREE:
            continue
        difference = f"{key} in [{section}] was {before.get(key)!r} when this run was begun and is {now.get(key)!r} now"
        if section != "training" or key not in _LENGTH:
            raise ConfigError(f"{difference}; resume with the old value, or start a new run")
        if now["schedule"] not in OPEN_ENDED:
            raise ConfigError(
                f"{difference}; the schedule {now['schedule']!r} was laid over the old length. Start a new run, "
                f"or use one of {', '.join(sorted(OPEN_ENDED))} for runs to be extended"
            )


def _short(value: object) -> str:
    return str(value)[:12]
