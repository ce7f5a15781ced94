"""Operations on a text that comes in pieces: cutting it to size, finding things in it, taking a stretch of it.

A text may be larger than memory, and so may one of its lines; nothing here holds more than a few pieces at a time.
Positions count characters from the start of the text.
"""

import unicodedata
from collections.abc import Iterable, Iterator

PIECE_CHARS = 1 << 20
_SEARCH_BACK = 1 << 12  # how far back from a full piece a space is looked for in a text without line ends


def stretch(pieces: Iterable[str], start: int, stop: int | None = None) -> Iterator[str]:
    """Yield the characters from `start` up to `stop` (None: the end); what follows is not read."""
    position = 0
    if stop is not None and stop <= start:
        return
    for piece in pieces:
        end = position + len(piece)
        if end > start:
            cut = piece[max(0, start - position) : None if stop is None else stop - position]
            if cut:
                yield cut
        position = end
        if stop is not None and position >= stop:
            return


def find(pieces: Iterable[str], wanted: str, start: int = 0) -> int | None:
    """Return the position of the first `wanted` at or after `start`, or None. Reads no further than needed."""
    tail, position = "", start
    for piece in stretch(pieces, start):
        window = tail + piece
        found = window.find(wanted)
        if found >= 0:
            return position - len(tail) + found
        position += len(piece)
        tail = window[len(window) - len(wanted) + 1 :] if len(wanted) > 1 else ""
    return None


def regroup(pieces: Iterable[str], size: int = PIECE_CHARS) -> Iterator[str]:
    """Cut a text anew into pieces of at most `size` characters that end at a line end where there is one.

    In a longer line a piece ends after a space, else before any character that cannot combine with the one before,
    so that normalising piece by piece equals normalising the whole.
    """
    parts: list[str] = []
    held = 0
    for piece in pieces:
        parts.append(piece)
        held += len(piece)
        if held < size:
            continue
        text = "".join(parts)
        begin = 0
        while len(text) - begin >= size:
            end = _cut(text, begin, size)
            yield text[begin:end]
            begin = end
        parts, held = [text[begin:]], len(text) - begin
    if held:
        yield "".join(parts)


def _cut(text: str, begin: int, size: int) -> int:
    """Return where the piece that starts at `begin` ends: a line end, else a space, else a safe character."""
    limit = begin + size
    line_end = text.rfind("\n", begin, limit)
    if line_end >= begin:
        return line_end + 1
    space = text.rfind(" ", max(begin, limit - _SEARCH_BACK), limit - 1)
    if space >= 0 and starts_afresh(text[space + 1]):
        return space + 1
    for end in range(limit - 1, max(begin, limit - _SEARCH_BACK), -1):
        if starts_afresh(text[end]):
            return end
    return limit  # thousands of combining marks in a row are no text; memory comes first


def starts_afresh(character: str) -> bool:
    """Tell whether a character can never combine with the one before it under Unicode normalisation."""
    if character.isascii():
        return True
    if "\u1100" <= character <= "\u11ff" or "\ua960" <= character <= "\ua97f" or "\ud7b0" <= character <= "\ud7ff":
        return False  # Hangul jamo join into syllables
    return unicodedata.combining(character) == 0 and not unicodedata.category(character).startswith("M")
