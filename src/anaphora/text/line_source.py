"""The lines of a file or of stdin, handed on as they arrive: for what answers line by line, as a filter in a pipe does.

A corpus is read several times and therefore copied from a pipe first; here every line is read once, and memory holds
the lines of one block only.
"""

import sys
from collections.abc import Iterator
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import cast

from anaphora.errors import CorpusError
from anaphora.text.encoding import check_encoding, decode
from anaphora.text.lines import whole_lines
from anaphora.text.readers import ReadOptions, TextFile, reading
from anaphora.text.sources import STDIN

_BLOCK_BYTES = 1 << 16


def read_lines(source: str | Path, encoding: str = "utf-8") -> Iterator[list[str]]:
    """Return the lines of a file, packed or plain, or of stdin ("-"), without their line ends.

    They come in groups: all that one block of input completes. Of stdin that is what has arrived, so a line that was
    typed is there at once. The first block is read before this returns.

    Raises:
        ConfigError: no such encoding.
        CorpusError: the file is missing, unreadable, empty, binary, or in another encoding; with the line.
    """
    name = "stdin" if source == STDIN else str(source)
    pieces = _stdin(check_encoding(encoding)) if source == STDIN else _file(Path(source), check_encoding(encoding))
    groups = whole_lines(pieces)
    first = next(groups, None)
    if first is None:
        raise CorpusError(f"{name} is empty: there is no line to read")
    return ([line.removesuffix("\n") for line in group] for group in chain([first], groups))


def _stdin(encoding: str) -> Iterator[str]:
    with reading("stdin"):
        arriving = cast(BufferedReader, sys.stdin.buffer)  # read1 returns what is there; read waits for a whole block
        yield from decode(iter(lambda: arriving.read1(_BLOCK_BYTES), b""), encoding, "stdin")


def _file(path: Path, encoding: str) -> Iterator[str]:
    file = TextFile(path=path.expanduser(), options=ReadOptions(encoding=encoding), format="text")
    yield from chain.from_iterable(file.documents())
