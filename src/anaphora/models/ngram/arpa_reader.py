"""ARPA files, read: in blocks, with numpy where lines are regular and line by line where they are not.

Takes what KenLM and SRILM write, in any order of lines: back-off weights that are left out, Windows line ends, n-grams
whose beginning was pruned away (it is put back, with the probability it has by backing off). What makes no sense is
refused with the line where it stands.
"""

import gzip
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import BundleError
from anaphora.models.ngram.arpa import BEGIN, END, LN10
from anaphora.models.ngram.levels import Levels
from anaphora.models.ngram.names import HIGHEST_ORDER
from anaphora.models.ngram.tables import NGramTables
from anaphora.progress import Event, Progress, silent

_BLOCK = 1 << 22
_LARGEST_BACKOFF = 1e30
_LONGEST_LINE = 1 << 22
_COUNT = re.compile(rb"ngram\s+(\d{1,18})\s*=\s*(\d{1,18})")
_IMPOSSIBLE = (
    -90.0 * LN10
)  # less than any probability: what `write_arpa` gives to the line ends of a model without them
_MISSING_UNKNOWN = -100.0  # KenLM's choice for a file without `<unk>`


@dataclass(frozen=True, kw_only=True)
class Arpa:
    """What an ARPA file holds.

    Attributes:
        tables: the model.
        words: its V tokens by id; the special ones first, by the names that were asked for.
        sentence_end: the token that stands for `<s>` and `</s>`; None where the file's n-grams know no line ends.
        unknown_added: whether the file had no `<unk>`.
    """

    tables: NGramTables
    words: tuple[str, ...]
    sentence_end: int | None
    unknown_added: bool


@dataclass
class _Section:
    """The n-grams of one order as they come in: fields by column, and the line of each."""

    tokens: list[NDArray[np.int64]] = field(default_factory=list)
    log_probs: list[NDArray[np.float64]] = field(default_factory=list)
    backoffs: list[NDArray[np.float64]] = field(default_factory=list)
    lines: list[NDArray[np.int64]] = field(default_factory=list)


def read_arpa(path: Path, *, specials: Sequence[str], unk: str, eos: str, progress: Progress = silent) -> Arpa:
    """Read an ARPA file, plain or compressed by gzip.

    Args:
        path: the file.
        specials: the names of special tokens, in the order of their ids; those that are in the file come first.
        unk: which of them is the unknown word, `<unk>` or `<UNK>` in the file.
        eos: which of them stands for `<s>` and `</s>`.
        progress: told of the n-grams read.

    Raises:
        BundleError: the file is missing, damaged, or no ARPA file; the line is named.
    """
    try:
        with _Lines(path) as lines:
            return _Reader(lines, specials, unk, eos, progress).read()
    except (OSError, EOFError, zlib.error) as fault:
        raise BundleError(f"{path} cannot be read: {getattr(fault, 'strerror', None) or fault}") from None


class _Lines:
    """A file of lines, with their numbers. A line that begins with a backslash opens a section."""

    def __init__(self, path: Path) -> None:
        self.path, self.number = path, 0
        self._file = path.open("rb")
        if self._file.read(2) == b"\x1f\x8b":
            self._file.seek(0)
            self._file = gzip.GzipFile(fileobj=self._file)  # type: ignore[assignment]
        else:
            self._file.seek(0)
        self._held = b""

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def error(self, message: str, number: int | None = None) -> BundleError:
        """Return the error for a line, by default the one that was read last."""
        return BundleError(f"{self.path}, line {self.number if number is None else number}: {message}")

    def next(self) -> bytes | None:
        """Return the next line that is not empty, without white space around it; None at the end of the file."""
        while True:
            if b"\n" not in self._held and not self._more() and not self._held:
                return None
            line, _, self._held = self._held.partition(b"\n")
            self.number += 1
            if line := line.strip(b" \t\r"):
                return line

    def blocks(self) -> Iterator[bytes]:
        """Yield whole lines up to the next section, about `_BLOCK` bytes at a time; `number` is the line before."""
        while True:
            if b"\n" not in self._held:
                self._more()
            if not self._held or self._held.startswith(b"\\"):
                return
            end = self._held.find(b"\n\\") + 1 or self._held.rfind(b"\n") + 1 or len(self._held)
            block, self._held = self._held[:end], self._held[end:]
            yield block
            self.number += block.count(b"\n") + (not block.endswith(b"\n"))

    def _more(self) -> bool:
        """Read on until there is a whole line; return whether anything came."""
        came = False
        while b"\n" not in self._held and (block := self._file.read(_BLOCK)):
            self._held += block
            came = True
            if len(self._held) > _BLOCK + _LONGEST_LINE:
                raise self.error(f"is longer than {_LONGEST_LINE:,} bytes; this is no ARPA file", self.number + 1)
        return came


class _Reader:
    """Reads one file; the parts of a model in the order in which they come."""

    def __init__(self, lines: _Lines, specials: Sequence[str], unk: str, eos: str, progress: Progress) -> None:
        self._lines, self._progress = lines, progress
        self._specials, self._unk, self._eos = specials, unk, eos
        self._ids: dict[bytes, int] = {}
        self._words: list[str] = []
        self._sentence_end: int | None = None
        self._unknown_added = False

    def read(self) -> Arpa:
        sizes = self._header()
        levels = self._unigrams(self._section(1, sizes[0], highest=len(sizes) == 1))
        for k, size in enumerate(sizes[1:], start=2):
            section = self._section(k, size, highest=k == len(sizes))
            ngrams = np.concatenate([np.empty((0, k), np.int64), *section.tokens])
            lines = np.concatenate([np.empty(0, np.int64), *section.lines])
            backoffs = _nats(section.backoffs) if section.backoffs else np.zeros(len(lines), np.float32)
            if self._sentence_end is not None:
                self._check_line_ends(ngrams, lines)
                backoffs[ngrams[:, -1] == self._sentence_end] = 0.0  # no context reaches beyond the line
            if (twice := levels.add(ngrams, _nats(section.log_probs), backoffs)) is not None:
                raise self._lines.error("the n-gram stands there for the second time", int(lines[twice]))
            self._progress(Event(stage="read", done=sum(sizes[:k]), total=sum(sizes), unit="n-grams"))
        if (line := self._lines.next()) != b"\\end\\":
            raise self._lines.error(
                f"\\end\\ was expected{_instead(line)}; the file is cut short or its counts are wrong"
            )
        return Arpa(
            tables=levels.tables(),
            words=tuple(self._words),
            sentence_end=self._sentence_end,
            unknown_added=self._unknown_added,
        )

    def _header(self) -> list[int]:
        """Read up to the first section; return the number of n-grams by order."""
        line = self._lines.next()
        while line != b"\\data\\":  # anything may stand before
            if line is None:
                raise self._lines.error("there is no \\data\\ line up to here; this is no ARPA file")
            line = self._lines.next()
        sizes: list[int] = []
        while (line := self._lines.next()) is not None and line.startswith(b"ngram"):
            match = _COUNT.fullmatch(line)
            if not match or int(match[1]) != len(sizes) + 1:
                raise self._lines.error(f"'ngram {len(sizes) + 1}=COUNT' was expected{_instead(line)}")
            sizes.append(int(match[2]))
        if not 1 <= len(sizes) <= HIGHEST_ORDER:
            raise self._lines.error(f"the header lists {len(sizes)} orders; 1 to {HIGHEST_ORDER} can be read")
        if line != b"\\1-grams:":
            raise self._lines.error(f"\\1-grams: was expected{_instead(line)}")
        return sizes

    def _section(self, k: int, size: int, *, highest: bool) -> _Section:
        """Read all n-grams of order k."""
        if k > 1 and (line := self._lines.next()) != f"\\{k}-grams:".encode():
            raise self._lines.error(f"\\{k}-grams: was expected{_instead(line)}")
        begin, section, found = self._lines.number, _Section(), 0
        for block in self._lines.blocks():
            columns, numbers = self._columns(block, k, highest=highest)
            numbers += self._lines.number + 1
            section.lines.append(numbers)
            section.log_probs.append(self._numbers(columns[0], numbers, at_most=0.0))
            if not highest:
                section.backoffs.append(self._numbers(columns[-1], numbers, at_most=_LARGEST_BACKOFF))
            if k == 1:
                self._new_words(columns[1], numbers)
            else:
                section.tokens.append(self._known_words(columns[1 : k + 1], numbers))
            found += len(numbers)
        if found != size:
            raise self._lines.error(f"\\{k}-grams: has {found:,} n-grams, the header says {size:,}", begin)
        return section

    def _columns(self, block: bytes, k: int, *, highest: bool) -> tuple[list[list[bytes]], NDArray[np.int64]]:
        """Cut lines into columns, back-off weights last; and the place of each line, from 0."""
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        if not block.endswith(b"\n"):
            block += b"\n"
        width = k + 1 if highest else k + 2
        codes = np.frombuffer(block, np.uint8)
        ends = codes == 10
        breaks = ends | (codes == 9) | (codes == 32)
        count = int(np.count_nonzero(ends))
        if not breaks[0] and not (breaks[1:] & breaks[:-1]).any():
            per_line = np.diff(np.cumsum(breaks)[ends], prepend=0)
            fields = block.split() if (per_line == width).all() else []
            if len(fields) == count * width:
                return [fields[i::width] for i in range(width)], np.arange(count)
        return self._uneven_columns(block, k, highest=highest)

    def _uneven_columns(self, block: bytes, k: int, *, highest: bool) -> tuple[list[list[bytes]], NDArray[np.int64]]:
        rows, numbers = list[list[bytes]](), list[int]()
        for place, line in enumerate(block[:-1].split(b"\n")):
            fields = [part for part in re.split(rb"[ \t]+", line.strip(b" \t\r")) if part]
            if not fields:
                continue
            if len(fields) == k + 1 and not highest:
                fields.append(b"0")
            if len(fields) != (k + 1 if highest else k + 2):
                raise self._lines.error(
                    f"a log-probability, {k} word{'s' if k > 1 else ''}"
                    f"{'' if highest else ' and a back-off weight'} were expected, not {_shown(line)}",
                    self._lines.number + 1 + place,
                )
            rows.append(fields)
            numbers.append(place)
        width = k + 1 if highest else k + 2
        return [[row[i] for row in rows] for i in range(width)], np.array(numbers, np.int64)

    def _numbers(self, column: list[bytes], lines: NDArray[np.int64], *, at_most: float) -> NDArray[np.float64]:
        try:
            values = np.array(column, np.bytes_).astype(np.float64) if column else np.empty(0)
        except ValueError:
            values = np.array([_float(part) for part in column])
        bad = np.flatnonzero(~(values <= at_most))
        if len(bad):
            what = "a logarithm of at most 0" if at_most == 0.0 else "a number"
            raise self._lines.error(f"{what} was expected, not {_shown(column[bad[0]])}", int(lines[bad[0]]))
        return values

    def _new_words(self, column: list[bytes], lines: NDArray[np.int64]) -> None:
        for word, line in zip(column, lines.tolist(), strict=True):
            if word in self._ids:
                raise self._lines.error(f"the word {_shown(word)} stands among the unigrams twice", line)
            try:
                self._words.append(word.decode())
            except UnicodeDecodeError:
                raise self._lines.error(f"the word {_shown(word)} is not UTF-8", line) from None
            self._ids[word] = len(self._ids)

    def _known_words(self, columns: list[list[bytes]], lines: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the tokens of n-grams, (n, k)."""
        count = len(lines)
        tokens = np.empty((count, len(columns)), np.int64)
        for place, column in enumerate(columns):
            tokens[:, place] = np.fromiter(map(self._ids.get, column, repeat(-1)), np.int64, count)
        bad = np.argwhere(tokens < 0)
        if len(bad):
            row, place = bad[0]
            raise self._lines.error(
                f"the word {_shown(columns[place][row])} is not among the unigrams", int(lines[row])
            )
        return tokens

    def _unigrams(self, section: _Section) -> Levels:
        """Give the words their ids, specials first, and begin the tables with them."""
        log_probs = dict(zip(self._words, _nats(section.log_probs), strict=True))
        backoffs = dict(zip(self._words, _nats(section.backoffs) if section.backoffs else repeat(0.0), strict=False))
        names = {word: word for word in self._words}
        if self._unk not in names and "<UNK>" in names:
            names["<UNK>"] = self._unk
        with_lines = log_probs.get(END, -math.inf) > _IMPOSSIBLE
        for mark in {BEGIN, END} & set(names):
            del names[mark]
        if with_lines:
            if self._eos in names:
                raise self._lines.error(f"both {END} and {self._eos} stand among the unigrams; which ends a line?")
            names[END] = self._eos
        self._unknown_added = self._unk not in names.values()
        named = {self._unk: self._unk, **{name: word for word, name in names.items()}}
        specials = [name for name in self._specials if name in named]
        self._words = [*specials, *(name for name in named if name not in specials)]
        ids = {name: token_id for token_id, name in enumerate(self._words)}
        self._ids = {word.encode(): ids[name] for word, name in names.items()}
        first = [named[name] for name in self._words]
        if with_lines:
            self._sentence_end = ids[self._eos]
            self._ids[BEGIN.encode()] = len(ids)  # an id of its own until it is known to come first
            backoffs[END] = backoffs.get(BEGIN, 0.0)
        unknown = _MISSING_UNKNOWN * LN10
        return Levels(
            np.array([log_probs.get(word, unknown) for word in first], np.float32),
            np.array([backoffs.get(word, 0.0) for word in first], np.float32),
        )

    def _check_line_ends(self, ngrams: NDArray[np.int64], lines: NDArray[np.int64]) -> None:
        """Make one token of `<s>`, which may only come first, and `</s>`, which may only come last."""
        begin = len(self._words)
        wrong = (ngrams[:, 1:] == begin).any(1) | (ngrams[:, :-1] == self._sentence_end).any(1)
        if wrong.any():
            where = int(lines[wrong.argmax()])
            raise self._lines.error(f"{BEGIN} may only be the first word of an n-gram, and {END} the last", where)
        assert self._sentence_end is not None
        ngrams[ngrams == begin] = self._sentence_end


def _nats(parts: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    return (np.concatenate([np.empty(0), *parts]) * LN10).astype(np.float32)


def _float(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _shown(text: bytes) -> str:
    return repr(text[:60].decode("utf-8", "backslashreplace"))


def _instead(line: bytes | None) -> str:
    return ", but the file ends" if line is None else f", not {_shown(line)}"
