"""Project Gutenberg wraps its books in a header and a licence; this takes them off while the text streams by."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from anaphora.text.pieces import regroup

_START = re.compile(r"^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG[^\n]*\n", re.MULTILINE)
_END = re.compile(r"^(?:\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG|End of (?:the )?Project Gutenberg)", re.MULTILINE)
_HEADER_CHARS = 1 << 16  # many times the longest header, so that ordinary texts cost nothing


def trim_gutenberg(pieces: Iterable[str]) -> Iterator[str]:
    """Yield what lies between the start and the end line; a text without a start line comes out whole."""
    pieces = regroup(pieces)
    first = next(pieces, "")
    start = _START.search(first, 0, _HEADER_CHARS)
    if start is None:
        yield first
        yield from pieces
        return
    for piece in chain((first[start.end() :],), pieces):
        end = _END.search(piece)
        if end is not None:
            yield piece[: end.start()]
            return
        yield piece
