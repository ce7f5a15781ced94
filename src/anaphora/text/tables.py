"""Texts that come in rows: JSON lines and comma- or tab-separated tables, one document a row.

A row is held in memory whole; the file is not.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import chain

from anaphora.errors import CorpusError
from anaphora.settings import did_you_mean
from anaphora.text.lines import whole_lines

_DEFAULT_NAME = "text"
_MAX_CELL_CHARS = 2**31 - 1  # the largest that the csv module takes on every platform


def json_documents(pieces: Iterable[str], field: str | None, where: str) -> Iterator[str]:
    """Yield the string under `field` (default "text") of each line's JSON object; blank lines are passed over.

    Raises:
        CorpusError: a line is not a JSON object, lacks the field, or has something else than a string there.
    """
    name = field or _DEFAULT_NAME
    for number, line in enumerate(chain.from_iterable(whole_lines(pieces)), start=1):
        if line.isspace():
            continue
        at = f"{where}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as fault:
            raise CorpusError(f"{at}: not valid JSON ({fault}); a .jsonl file has one object a line") from None
        if not isinstance(row, dict):
            raise CorpusError(f"{at}: a JSON {type(row).__name__} where an object with {name!r} is needed")
        if name not in row:
            raise CorpusError(f"{at}: no field {name!r}{_present(name, list(row))}; choose one with --field")
        text = row[name]
        if not isinstance(text, str):
            raise CorpusError(f"{at}: field {name!r} holds a {type(text).__name__}, not a string")
        yield _clean(text, at)


def table_documents(pieces: Iterable[str], delimiter: str, column: str | None, where: str) -> Iterator[str]:
    """Yield the cell of `column` of each row; the first row names the columns; quoted cells may hold line ends.

    Without a column it is "text", or the sole one.

    Raises:
        CorpusError: the column is missing, a row is too short, or a quote is not closed.
    """
    csv.field_size_limit(_MAX_CELL_CHARS)  # the default of 128 kB is less than a long article
    rows = csv.reader(chain.from_iterable(whole_lines(pieces)), delimiter=delimiter, strict=True)
    try:
        header = next(rows, [])
        index = _column_index(header, column, where)
        for row in rows:
            if not row:
                continue
            if len(row) <= index:
                raise CorpusError(
                    f"{where}, line {rows.line_num}: {len(row)} columns, but {header[index]!r} is number "
                    f"{index + 1}; repair the row"
                )
            yield row[index]
    except csv.Error as fault:
        raise CorpusError(f"{where}, line {rows.line_num}: {fault}; check the quotes up to this line") from None


def _column_index(header: list[str], column: str | None, where: str) -> int:
    name = column or (header[0] if len(header) == 1 else _DEFAULT_NAME)
    if name not in header:
        raise CorpusError(f"{where}: no column {name!r}{_present(name, header)}; choose one with --column")
    return header.index(name)


def _present(name: str, names: list[str]) -> str:
    shown = ", ".join(repr(known) for known in names[:12]) or "nothing"
    return f" (there are: {shown}){did_you_mean(name, names)}"


def _clean(text: str, at: str) -> str:
    """Unify line ends, and refuse half a surrogate pair: JSON can escape one, but no encoding can hold it."""
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as fault:
            half = ord(text[fault.start])
            raise CorpusError(f"{at}: holds half of a surrogate pair (\\u{half:04x}); repair the line") from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
