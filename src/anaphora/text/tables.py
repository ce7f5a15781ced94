"""Texts that come in rows: JSON lines and comma- or tab-separated tables, one document a row.

A row is held in memory whole; the file is not. What the columns mean is decided above.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from anaphora.errors import CorpusError
from anaphora.settings import did_you_mean
from anaphora.text.lines import whole_lines

_DEFAULT_NAME = "text"
_MAX_CELL_CHARS = 2**31 - 1  # the largest that the csv module takes on every platform


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, or one JSON object.

    Attributes:
        where: file and line on which it begins, for messages.
        values: by the names of the columns or fields; a row that is too short lacks the last ones.
        names: all columns, in their order; for JSON those of this object.
    """

    where: str
    values: Mapping[str, object]
    names: Sequence[str]

    def value(self, name: str) -> object:
        """Return what stands under a name that the table has.

        Raises:
            CorpusError: the row is too short.
        """
        if name not in self.values:
            raise CorpusError(
                f"{self.where}: {len(self.values)} columns, but {name!r} is number {self.names.index(name) + 1}; "
                "repair the row"
            )
        return self.values[name]

    def string(self, name: str) -> str:
        """Return the string under a name that the table has.

        Raises:
            CorpusError: the row is too short, or holds something else than a string there.
        """
        value = self.value(name)
        if not isinstance(value, str):
            raise CorpusError(f"{self.where}: field {name!r} holds a {type(value).__name__}, not a string")
        return clean(value, self.where)


def json_rows(pieces: Iterable[str], where: str) -> Iterator[Row]:
    """Yield the JSON object of each line; blank lines are passed over.

    Raises:
        CorpusError: a line is not a JSON object.
    """
    for number, line in enumerate(chain.from_iterable(whole_lines(pieces)), start=1):
        if line.isspace():
            continue
        at = f"{where}, line {number}"
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as fault:
            raise CorpusError(f"{at}: not valid JSON ({fault}); a .jsonl file has one object a line") from None
        if not isinstance(values, dict):
            raise CorpusError(f"{at}: a JSON {type(values).__name__} where an object with named fields is needed")
        yield Row(at, values, list(values))


def table_rows(pieces: Iterable[str], delimiter: str, where: str) -> Iterator[Row]:
    """Yield the rows of a table below the first, which names the columns; quoted cells may hold line ends.

    Of several columns with one name the first counts.

    Raises:
        CorpusError: a quote is not closed.
    """
    csv.field_size_limit(_MAX_CELL_CHARS)  # the default of 128 kB is less than a long article
    rows = csv.reader(chain.from_iterable(whole_lines(pieces)), delimiter=delimiter, strict=True)
    try:
        names = next(rows, [])
        line = rows.line_num + 1
        for cells in rows:
            if cells:
                backwards = list(zip(names, cells, strict=False))[::-1]
                yield Row(f"{where}, line {line}", dict(backwards), names)
            line = rows.line_num + 1
    except csv.Error as fault:
        raise CorpusError(f"{where}, line {rows.line_num}: {fault}; check the quotes up to this line") from None


def json_documents(pieces: Iterable[str], field: str | None, where: str) -> Iterator[str]:
    """Yield the string under `field` (default "text") of each line's JSON object; blank lines are passed over.

    Raises:
        CorpusError: a line is not a JSON object, lacks the field, or has something else than a string there.
    """
    name = field or _DEFAULT_NAME
    for row in json_rows(pieces, where):
        if name not in row.values:
            raise CorpusError(f"{row.where}: no field {name!r}{present(name, row.names)}; choose one with --field")
        yield row.string(name)


def table_documents(pieces: Iterable[str], delimiter: str, column: str | None, where: str) -> Iterator[str]:
    """Yield the cell of `column` of each row; the first row names the columns; quoted cells may hold line ends.

    Without a column it is "text", or the sole one.

    Raises:
        CorpusError: the column is missing, a row is too short, or a quote is not closed.
    """
    for row in table_rows(pieces, delimiter, where):
        name = column or (row.names[0] if len(row.names) == 1 else _DEFAULT_NAME)
        if name not in row.names:
            raise CorpusError(f"{where}: no column {name!r}{present(name, row.names)}; choose one with --column")
        yield row.string(name)


def present(name: str, names: Sequence[str]) -> str:
    """Return which names there are, and which of them was probably meant, in brackets for an error."""
    shown = ", ".join(repr(known) for known in names[:12]) or "nothing"
    return f" (there are: {shown}){did_you_mean(name, list(names))}"


def clean(text: str, at: str) -> str:
    """Unify line ends, and refuse half a surrogate pair: JSON can escape one, but no encoding can hold it."""
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as fault:
            half = ord(text[fault.start])
            raise CorpusError(f"{at}: holds half of a surrogate pair (\\u{half:04x}); repair the line") from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
