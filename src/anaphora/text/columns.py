"""Which column of a table is the text and which the label: as named, or guessed from the names people usually give.

A label is one string. Where documents may have several, a cell holds them with a separator between, and JSON a list.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from anaphora.errors import CorpusError
from anaphora.text.tables import Row, clean, present

# The more a name says, the earlier it stands: a table with `review` and `title` means the first.
TEXT_NAMES = (
    *("text", "review", "sentence", "document", "content", "body", "comment", "message", "tweet", "post"),
    *("utterance", "question", "description", "headline", "title"),
)
LABEL_NAMES = (
    *("label", "labels", "sentiment", "class", "category", "categories", "target", "topic", "intent", "emotion"),
    *("polarity", "rating", "stars", "tags", "tag", "genre", "y"),
)


@dataclass(frozen=True)
class Columns:
    """The names of the columns that hold text, label and group.

    Attributes:
        label: None where labels are not asked for.
        group: None where rows do not belong together.
    """

    text: str
    label: str | None
    group: str | None = None

    @classmethod
    def choose(cls, row: Row, text: str | None, label: str | None, *, labelled: bool, group: str | None = None) -> Self:
        """Choose from the names of a table's first row; `text`, `label` and `group` are names that the user gave.

        Raises:
            CorpusError: a given name is not there, or none of the usual ones is.
        """
        found_text = _find(row, text, TEXT_NAMES, "text")
        found_label = _find(row, label, LABEL_NAMES, "label") if labelled else None
        found_group = _find(row, group, (), "group")
        rest = [name for name in row.names if name not in (found_text, found_label, found_group)]
        only = rest[0] if len(rest) == 1 else None  # of two columns, one of them known, the other is no riddle
        if found_text is None and (len(row.names) == 1 or found_label is not None):
            found_text = only
        elif found_label is None and labelled and len(row.names) == 2:
            found_label = only
        if found_text is None:
            raise CorpusError(_riddle(row, TEXT_NAMES, "text"))
        if found_label is None and labelled:
            raise CorpusError(_riddle(row, LABEL_NAMES, "label"))
        return cls(found_text, found_label, found_group)

    def text_of(self, row: Row) -> str:
        """Return the text of a row; errors as for `Row.string`, or a JSON object lacks the field."""
        return row.string(_there(row, self.text, "text"))

    def group_of(self, row: Row) -> str | None:
        """Return what a row belongs to; None where nothing is known, as in an empty cell."""
        if self.group is None:
            return None
        value = row.value(_there(row, self.group, "group"))
        return None if value in (None, "") else str(value)

    def labels_of(self, row: Row, separator: str | None) -> tuple[str, ...]:
        """Return the labels of a row, none for an empty cell or a JSON null; without a separator, at most one.

        Raises:
            CorpusError: the row lacks the column, holds a list where one label is wanted, or no label at all.
        """
        assert self.label is not None
        value = row.value(_there(row, self.label, "label"))
        if isinstance(value, list) and separator is None:
            raise CorpusError(
                f"{row.where}: {self.label!r} holds a list, so documents have several labels: --multi-label"
            )
        if isinstance(value, str) and separator is not None:
            value = value.split(separator)
        values = value if isinstance(value, list) else [value]
        names = [_label(part, self.label, row.where) for part in values]
        return tuple(sorted({name for name in names if name}))


def _find(row: Row, given: str | None, usual: Sequence[str], what: str) -> str | None:
    if given is not None:
        if given not in row.names:
            raise CorpusError(f"{row.where}: no column {given!r}{present(given, row.names)}; see --{what}-column")
        return given
    by_lower = {name.strip().lower(): name for name in reversed(row.names)}
    return next((by_lower[name] for name in usual if name in by_lower), None)


def _riddle(row: Row, usual: Sequence[str], what: str) -> str:
    return (
        f"{row.where}: none of the columns is known to hold the {what}{present(usual[0], row.names)}; name it with "
        f"--{what}-column (known: {', '.join(usual[:6])} ...)"
    )


def _there(row: Row, name: str, what: str) -> str:
    """Return the name again if the row's table has it: JSON objects may differ from each other."""
    if name not in row.names:
        raise CorpusError(f"{row.where}: no field {name!r}{present(name, row.names)}; every object needs its {what}")
    return name


def _label(value: object, column: str, where: str) -> str:
    """Return a label as a string: white space around it goes, and letters that look the same are the same."""
    if value is None:
        return ""
    if isinstance(value, bool | int):
        value = str(value).lower()
    if not isinstance(value, str):
        kind = type(value).__name__
        raise CorpusError(f"{where}: {column!r} holds a {kind}; a label is a string or a whole number")
    return plain_label(value, where)


def plain_label(name: str, where: str) -> str:
    """Return a label as it is compared: composed characters, one space between words, none around them."""
    return " ".join(unicodedata.normalize("NFC", clean(name, where)).split())
