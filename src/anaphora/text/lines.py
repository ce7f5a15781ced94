"""A stream of text pieces, cut anew at its line ends: for tokenizers, tables, and whatever answers line by line.

The lines do not depend on how the stream was cut. `lines` keeps them bounded when the text has no line ends at all;
`whole_lines` gives every line as it is.
"""

from collections.abc import Iterable, Iterator

LONGEST = 65_536  # characters; a longer line is taken in parts


def lines(chunks: Iterable[str]) -> Iterator[list[str]]:
    """Yield the lines of a text, those that each chunk completes at once; every line but the last keeps its "\\n".

    A line longer than `LONGEST` characters comes in parts, each cut before a space where there is one.
    """
    held = ""
    for chunk in chunks:
        *whole, rest = (held + chunk).split("\n")
        found = [part for line in whole for part in _parts(line + "\n")]
        *begun, held = _parts(rest)
        if found or begun:
            yield found + begun
    if held:
        yield [held]


def whole_lines(chunks: Iterable[str]) -> Iterator[list[str]]:
    """Yield the lines of a text, those that each chunk completes at once; every line but the last keeps its "\\n"."""
    held: list[str] = []
    for chunk in chunks:
        whole, line_end, rest = chunk.rpartition("\n")
        if line_end:
            yield [line + "\n" for line in "".join([*held, whole]).split("\n")]
            held = []
        if rest:
            held.append(rest)
    if held:
        yield ["".join(held)]


def _parts(line: str) -> list[str]:
    """Cut a line into parts of at most LONGEST characters; where, depends only on what stands before the cut."""
    parts, start = [], 0
    while len(line) - start > LONGEST:
        space = line.rfind(" ", start + 1, start + LONGEST)
        end = space if space > 0 else start + LONGEST
        parts.append(line[start:end])
        start = end
    return [*parts, line[start:]]
