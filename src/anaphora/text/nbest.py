"""n-best lists: for each input, the candidates of a recogniser or translator with its own score; and their references.

One candidate a line, as Moses writes them, `id ||| text ||| score`, or with tabs between the fields. Further fields are
kept. References come one a line, in the order of the ids, or as `id ||| text`, several for an id if need be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anaphora.errors import CorpusError
from anaphora.text.line_source import read_lines

BARS, TAB = "|||", "\t"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One line of an n-best list.

    Attributes:
        line: its number.
        id: of the input that it is a candidate for.
        text: what the language model is to judge.
        score: of the first pass; the larger, the better.
        fields: all that stands in the line, the three above among them.
        separator: what stands between the fields, "|||" or a tab.
    """

    line: int
    id: str
    text: str
    score: float
    fields: tuple[str, ...]
    separator: str

    def written(self, *more: str) -> str:
        """Return the line again, with more fields at its end."""
        between = TAB if self.separator == TAB else f" {BARS} "
        return between.join((*self.fields, *more))


def read_nbest(source: str | Path, *, score_field: int | None = None, encoding: str = "utf-8") -> list[Candidate]:
    """Read an n-best list from a file or from stdin ("-").

    Args:
        source: the file.
        score_field: which field, counted from 1, holds the score; by default the first after the text that is one
            number, which is the third in a list of three and the total in a list of Moses.
        encoding: of the file.

    Raises:
        CorpusError: the file cannot be read, or a line has no id, text and score; with the line.
    """
    name = _called(source)
    lines = enumerate((line for group in read_lines(source, encoding) for line in group), start=1)
    return [_candidate(line, f"{name}, line {number}", number, score_field) for number, line in lines]


def _candidate(line: str, where: str, number: int, score_field: int | None) -> Candidate:
    separator = BARS if BARS in line else TAB
    fields = _fields(line, separator)
    if len(fields) < 3:
        raise CorpusError(
            f"{where}: {line!r:.80} has no id, text and score; write `id {BARS} text {BARS} score`, or tabs"
        )
    if score_field is None:
        numbers = (number for number in map(_number, fields[2:]) if number is not None)
        score = next(numbers, None)
        shown = " | ".join(fields[2:])
    else:
        shown = fields[score_field - 1] if 0 < score_field <= len(fields) else f"(there are {len(fields)} fields)"
        score = _number(shown)
    if score is None:
        raise CorpusError(f"{where}: no score in {shown!r:.80}; a finite number is needed, the larger the better")
    return Candidate(line=number, id=fields[0], text=fields[1], score=score, fields=tuple(fields), separator=separator)


def read_references(source: str | Path, ids: Sequence[str], *, encoding: str = "utf-8") -> dict[str, tuple[str, ...]]:
    """Read the references of some ids: a plain line for each, in their order, or lines `id ||| text`.

    Raises:
        CorpusError: the file cannot be read, has more or fewer plain lines than there are ids, or lacks an id.
    """
    name = _called(source)
    lines = [line for group in read_lines(source, encoding) for line in group]
    separator = next((mark for mark in (BARS, TAB) if mark in lines[0]), None)
    if separator is None:
        if len(lines) != len(ids):
            raise CorpusError(
                f"{name} has {len(lines)} references, the n-best list {len(ids)} ids: one line for each is needed, in"
                f" the order in which the ids appear; or write `id {BARS} text`"
            )
        return {one: (line,) for one, line in zip(ids, lines, strict=True)}
    found: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines, start=1):
        fields = _fields(line, separator)
        if len(fields) < 2:
            raise CorpusError(f"{name}, line {number}: {line!r:.80} has no id and text, as the first line has")
        found[fields[0]] = (*found.get(fields[0], ()), fields[1])
    missing = [one for one in ids if one not in found]
    if missing:
        raise CorpusError(f"{name} has no reference for id {missing[0]!r}, nor for {len(missing) - 1} others")
    return {one: found[one] for one in ids}


def _fields(line: str, separator: str) -> list[str]:
    return [field.strip() for field in line.split(separator)]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _called(source: str | Path) -> str:
    return "stdin" if str(source) == "-" else str(source)
