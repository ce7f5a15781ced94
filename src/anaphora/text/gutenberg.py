"""Project Gutenberg wraps its books in a header and a licence; this takes them off while the text streams by."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from anaphora.text.pieces import regroup

_START = re.compile(r"^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG[^\n]*\n", re.MULTILINE)
_END = re.compile(r"^(?:\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG|End of (?:the )?Project Gutenberg)", re.MULTILINE)
_HEADER_CHARS = 1 << 16  # many times the longest header, so that ordinary texts cost nothing


def trim_gutenberg(pieces: Iterable[str]) -> Iterator[str]:
    """Yield what lies between a start line and its end line, for each book in the text.

    A text without a start line near its beginning comes out whole. A missing end line means the end of the text.
    """
    pieces = regroup(pieces)
    first = next(pieces, "")
    if _START.search(first, 0, _HEADER_CHARS) is None:
        yield first
        yield from pieces
        return
    inside = False
    for piece in chain((first,), pieces):
        position = 0
        while border := (_END if inside else _START).search(piece, position):
            if inside:
                yield piece[position : border.start()]
            inside, position = not inside, border.end()
        if inside:
            yield piece[position:]
