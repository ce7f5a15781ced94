"""Sentences with a tag at every token, from the column files of the CoNLL shared tasks and of Universal Dependencies.

One token a line, its columns parted by tabs, or by blanks where the file has no tabs; an empty line ends a sentence.
Of CoNLL-U (Nivre et al. 2016) the syntactic words are read: ranges ("3-4") and empty nodes ("8.1") are passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anaphora.errors import ConfigError, CorpusError
from anaphora.settings import did_you_mean
from anaphora.text.line_source import read_lines

CONLL_U = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")

_DOCUMENT_BREAK = "-DOCSTART-"
_COLUMN_NAMES = "# global.columns ="  # the first line of a CoNLL-U Plus file
_NO_VALUE = "_"  # in CoNLL-U, a column that is left open


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """Tokens that belong together.

    Attributes:
        tokens: one or more.
        tags: one for each token, or none at all where only tokens were asked for.
        where: the file and the line of the first token, for messages.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the lines of one file are read: counted from 0, the columns of token and tag; None for no tag."""

    tabs: bool
    width: int
    token: int
    tag: int | None
    is_conll_u: bool

    def cells(self, line: str) -> list[str]:
        return _cells(line, tabs=self.tabs)

    def is_comment(self, line: str) -> bool:
        """Tell a comment from a token "#": that one has as many columns as the other tokens."""
        return line.startswith("#") and len(self.cells(line)) != self.width


def read_conll(
    source: str | Path,
    *,
    token: str | None = None,
    tag: str | None = None,
    tagged: bool = True,
    encoding: str = "utf-8",
) -> list[TaggedSentence]:
    """Read the sentences of a file, packed or plain, or of stdin ("-").

    Args:
        source: the file.
        token: the column of the token: its number from 1, or its name where columns have names, as "FORM". By default
            FORM in CoNLL-U, elsewhere the first.
        tag: the column of the tag, likewise; a negative number counts from the right. By default UPOS, elsewhere the
            last.
        tagged: whether to read tags at all.
        encoding: of the file.

    Raises:
        ConfigError: a column has no such name or number in this file.
        CorpusError: the file cannot be read, holds no sentence, or a line has too few columns or no tag; with the line.
    """
    name = "stdin" if str(source) == "-" else str(source)
    lines = [line.rstrip(" \t") for group in read_lines(source, encoding) for line in group]
    layout = _layout(lines, token, tag, name, tagged=tagged)
    return list(_sentences(lines, layout, name))


def _sentences(lines: list[str], layout: _Layout, name: str) -> Iterator[TaggedSentence]:
    tokens, tags, first = list[str](), list[str](), 0
    for number, line in enumerate([*lines, ""], start=1):
        if not line:
            if tokens:
                yield TaggedSentence(tuple(tokens), tuple(tags), f"{name}, line {first}")
            tokens, tags = [], []
        elif not (layout.is_comment(line) or line.startswith(_DOCUMENT_BREAK)):
            cells = layout.cells(line)
            if layout.is_conll_u and not cells[0].isdigit() and cells[0].strip("0123456789-.") == "":
                continue
            if not tokens:
                first = number
            where = f"{name}, line {number}"
            tokens.append(_cell(cells, layout.token, "token", where))
            if layout.tag is not None:
                tags.append(_cell(cells, layout.tag, "tag", where))
                if layout.is_conll_u and tags[-1] == _NO_VALUE:
                    raise CorpusError(f"{where}: the tag of {tokens[-1]!r:.80} is left open (_); choose another column")


def _cell(cells: list[str], column: int, what: str, where: str) -> str:
    if len(cells) <= column or not cells[column]:
        raise CorpusError(
            f"{where}: no {what}: the line {' '.join(cells)!r:.80} has {len(cells)} column{'s' * (len(cells) != 1)},"
            f" and the {what} is number {column + 1}; repair the line or choose another column"
        )
    return cells[column]


def _cells(line: str, *, tabs: bool) -> list[str]:
    """Cut a line at its tabs, or at its blanks; a no-break space parts nothing."""
    return line.split("\t") if tabs else [cell for cell in line.split(" ") if cell]


def _layout(lines: list[str], token: str | None, tag: str | None, name: str, *, tagged: bool) -> _Layout:
    """Find out from the first line of tokens what a file's columns are."""
    head = next((line for line in lines if line and not line.startswith(("#", _DOCUMENT_BREAK))), None)
    if head is None:
        raise CorpusError(f"{name} holds no sentence; write one token a line and an empty line after each sentence")
    tabs = "\t" in head
    cells = _cells(head, tabs=tabs)
    width = len(cells)
    if tagged and width == 1:
        raise CorpusError(f"{name} has one column only: the tokens have no tags; write `token TAB tag` in each line")
    is_conll_u = tabs and width == len(CONLL_U) and cells[0].partition("-")[0].isdigit()
    names = lines[0].removeprefix(_COLUMN_NAMES).split() if lines[0].startswith(_COLUMN_NAMES) else []
    if is_conll_u and not names:
        names = list(CONLL_U)
    return _Layout(
        tabs=tabs,
        width=width,
        token=_column(token or ("FORM" if "FORM" in names else "1"), names, width, "token", name),
        tag=_column(tag or ("UPOS" if "UPOS" in names else "-1"), names, width, "tag", name) if tagged else None,
        is_conll_u=names[:1] == ["ID"],
    )


def _column(choice: str, names: list[str], width: int, what: str, where: str) -> int:
    """Return the place, from 0, of a column that is chosen by number or by name."""
    try:
        number = int(choice)
    except ValueError:
        upper = choice.upper()
        if upper in names:
            return names.index(upper)
        there = f" (there are: {', '.join(names)}){did_you_mean(upper, names)}"
        known = there if names else "; its columns have numbers"
        raise ConfigError(f"{where} has no column {choice!r} for the {what}{known}") from None
    place = number - 1 if number > 0 else width + number
    if number == 0 or not 0 <= place < width:
        raise ConfigError(
            f"{where} has no column {number} for the {what}: there are {width}, counted from 1, or from the right with"
            " -1, -2 ..."
        )
    return place
