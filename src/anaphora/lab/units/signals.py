"""What a unit may have learnt to track in a text: place in the line, open quotes, indentation, depth in brackets.

A signal is one number for each character of a text: the value after that character has been read, as a reader without
knowledge of the future would have it. Quotes and brackets that nobody closes end at the next empty line.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "「": "」", "『": "』"}
_OPENING, _CLOSING = set("([{（［｛【《〈"), set(")]}）］｝】》〉")
_TAB = 8


def _line_position(text: str) -> Iterator[float]:
    position = 0
    for char in text:
        position = 0 if char == "\n" else position + 1
        yield position


def _quotes(text: str) -> Iterator[float]:
    closer: str | None = None
    for char, ends_paragraph in _with_paragraph_ends(text):
        if ends_paragraph or char == closer:
            closer = None
        elif closer is None:
            closer = _QUOTES.get(char)
        yield closer is not None


def _indentation(text: str) -> Iterator[float]:
    width, leading = 0, True
    for char in text:
        if char == "\n":
            width, leading = 0, True
        elif leading and char == "\t":
            width += _TAB - width % _TAB
        elif leading and char.isspace():
            width += 1
        else:
            leading = False
        yield width


def _brackets(text: str) -> Iterator[float]:
    depth = 0
    for char, ends_paragraph in _with_paragraph_ends(text):
        if ends_paragraph:
            depth = 0
        elif char in _OPENING:
            depth += 1
        elif char in _CLOSING:
            depth = max(0, depth - 1)
        yield depth


def _with_paragraph_ends(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each character, and whether it is the line break after an empty line."""
    empty = False
    for char in text:
        yield char, char == "\n" and empty
        empty = char == "\n" or (empty and char.isspace())


# Apostrophes are no quotes here: nobody can tell them from closing single quotes without reading the words.
SIGNALS: dict[str, Callable[[str], Iterator[float]]] = {
    "line_position": _line_position,
    "quotes": _quotes,
    "indentation": _indentation,
    "brackets": _brackets,
}
TITLES = {
    "line_position": "position in the line",
    "quotes": "inside quotes",
    "indentation": "indentation",
    "brackets": "depth in brackets",
}


def signal(name: str, text: str) -> NDArray[np.float64]:
    """Return the signal of that name for each character of a text, (len(text),)."""
    return np.fromiter(SIGNALS[name](text), dtype=np.float64, count=len(text))
