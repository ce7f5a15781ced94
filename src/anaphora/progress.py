"""How long work reports on itself: one event type and one callback type for the whole library.

The library never prints. Downloads, preparation, training and evaluation call a `Progress` callback with events; the
command line draws them as bars or plain lines, a notebook may do as it likes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Event:
    """One report.

    Attributes:
        stage: the work that reports: "download", "read", "prepare", "probe", "train", "evaluate".
        done: units finished so far, in `unit`s.
        total: units in all, or None when nobody knows.
        unit: what is counted: "bytes", "characters", "tokens", "steps", "seconds".
        values: measurements to show beside the bar, by their field-standard names (`loss`, `valid_perplexity` ...).
        message: a sentence for the user, worth a line of its own; None in the usual case.
    """

    stage: str
    done: float = 0
    total: float | None = None
    unit: str = "steps"
    values: Mapping[str, float] = field(default_factory=dict)
    message: str | None = None


Progress = Callable[[Event], None]


def silent(event: Event) -> None:
    """Ignore an event: the default callback."""
