"""A passage: a stretch of a text that may span many files, and the rules that cut one passage into splits.

`corpus.py` narrows the text that the user named to a passage and cuts it into train, valid and test with these. Every
reading starts again from the files, so a passage costs no memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Protocol, Self

from anaphora.errors import CorpusError
from anaphora.progress import Event, Progress
from anaphora.text.gutenberg import trim_gutenberg
from anaphora.text.pieces import PIECE_CHARS, find, starts_afresh, stretch

_MAX_SHIFT = 10_000  # a split moves at most this many characters to meet the end of a line


class Text(Protocol):
    """What a passage is made of: a file, a part of one, or a text made in process."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def is_plain(self) -> bool:
        """Whether it is one running text, in which Gutenberg's markers are looked for."""

    def fingerprint(self) -> str:
        """Return a hash that changes with the text."""

    def documents(self) -> Iterator[Iterator[str]]:
        """Yield the documents, each in pieces, to be used before the next is asked for."""


@dataclass(frozen=True)
class Passage:
    """The characters from `start` up to `stop` (None: the end) of some texts, joined by line ends."""

    texts: tuple[Text, ...]
    trim: bool
    start: int = 0
    stop: int | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        first = self.texts[0].name
        return first if len(self.texts) == 1 else f"{first} and {len(self.texts) - 1} more"

    def pieces(self) -> Iterator[str]:
        """Read the passage; the pieces are of any size."""
        return stretch(self._joined(), self.start, self.stop)

    def _joined(self) -> Iterator[str]:
        """Read the texts, with one line end between two documents where the first does not end in one."""
        line_ended = True
        for text in self.texts:
            for document in text.documents():
                between = "" if line_ended else "\n"
                for piece in trim_gutenberg(document) if self.trim and text.is_plain else document:
                    if not piece:
                        continue
                    if between:
                        yield between
                        between = ""
                    yield piece
                    line_ended = piece.endswith("\n")

    def narrow(self, begin: str | None, end: str | None, max_chars: int | None) -> Self:
        """Return the part from the first `begin` to the next `end`, and of that the first `max_chars` characters.

        Raises:
            CorpusError: `begin` or `end` does not occur.
        """
        start, stop = self.start, self.stop
        if begin is not None:
            start = self._position(begin, start, "begin")
        if end is not None:
            stop = self._position(end, start + len(begin or ""), "end")
        if max_chars is not None:
            stop = start + max_chars if stop is None else min(stop, start + max_chars)
        return replace(self, start=start, stop=stop)

    def _position(self, wanted: str, start: int, setting: str) -> int:
        position = find(self._joined(), wanted, start)
        if position is None:
            raise CorpusError(f"{setting} = {wanted!r} does not occur in {self.name}; check its spelling and case")
        return position

    def part(self, start: int, stop: int | None) -> Self:
        """Return a part of this passage; positions count from its start."""
        last = self.stop if stop is None else self.start + stop
        return replace(self, start=self.start + start, stop=last)

    def measure(self, progress: Progress) -> int:
        """Read the passage once and return its length in characters; the reading finds whatever is wrong with it.

        Raises:
            CorpusError: it cannot be read, or holds nothing, or nothing but white space.
        """
        length, blank = 0, True
        for piece in self.pieces():
            length += len(piece)
            blank = blank and piece.isspace()
            if len(piece) > PIECE_CHARS // 2:
                progress(Event(stage="read", done=length, unit="characters"))
        if length == 0:
            raise CorpusError(f"{self.name} is empty; there is nothing to read")
        if blank:
            raise CorpusError(f"{self.name} holds nothing but white space ({length:,} characters)")
        return length


def cut_by_fractions(passage: Passage, length: int, fractions: dict[str, float]) -> dict[str, Passage]:
    """Cut a passage into contiguous splits; each cut moves forward to the next line end, else the next space.

    Raises:
        CorpusError: the passage is too short, so that a split would be empty.
    """
    shares = {split: share for split, share in fractions.items() if share > 0}
    cuts, ideal = [0], 0.0
    for share, following in pairwise(shares.values()):
        ideal += share
        shift = min(_MAX_SHIFT, int(length * following) // 2)
        cuts.append(_break_after(passage, round(length * ideal), shift))
    cuts.append(length)
    sizes = {split: stop - start for split, (start, stop) in zip(shares, pairwise(cuts), strict=True)}
    if min(sizes.values()) < 1:
        shown = ", ".join(f"{split} {max(0, size)}" for split, size in sizes.items())
        raise CorpusError(
            f"{passage.name} has only {length} characters, too few to split ({shown}); give a longer text, or files "
            "of their own with --valid and --test"
        )
    return {split: passage.part(start, stop) for split, (start, stop) in zip(shares, pairwise(cuts), strict=True)}


def _break_after(passage: Passage, target: int, shift: int) -> int:
    """Return where to cut at or after `target`, at most `shift` characters later."""
    window = "".join(passage.part(max(0, target - 1), target + shift).pieces())
    if window.startswith("\n"):
        return target
    line_end = window.find("\n")
    if line_end >= 0:
        return target + line_end
    fresh = [index for index in range(1, len(window)) if starts_afresh(window[index])]
    after_space = (index for index in fresh if window[index - 1].isspace())
    return target - 1 + next(after_space, fresh[0] if fresh else 1)


def cut_by_bytes(passage: Passage, sizes: dict[str, int]) -> dict[str, Passage]:
    """Cut a passage into splits of given sizes in UTF-8 bytes; a character on a border goes to the later split.

    Raises:
        CorpusError: the passage does not have exactly that many bytes.
    """
    borders = list(accumulate(sizes.values()))
    cuts, characters, total = [0], 0, 0
    for piece in passage.pieces():
        data = piece.encode("utf-8")
        while len(cuts) < len(borders) and total + len(data) > borders[len(cuts) - 1]:
            inside = borders[len(cuts) - 1] - total
            cuts.append(characters + len(data[:inside].decode("utf-8", "ignore")))
        characters += len(piece)
        total += len(data)
    if total != borders[-1]:
        raise CorpusError(f"{passage.name} has {total:,} bytes where its published split needs {borders[-1]:,}")
    cuts.append(characters)
    return {split: passage.part(start, stop) for split, (start, stop) in zip(sizes, pairwise(cuts), strict=True)}
