"""ARPA files, the text form in which n-gram models travel between programs: how one is written.

The only place, with `arpa_reader`, that knows base-10 logarithms. A model whose contexts end at `<eos>` is written with
KenLM's `<s>` and `</s>`: the token opens a line where it comes first in an n-gram, and ends it where it comes last.
Other models have neither; both are listed as impossible, since KenLM will not open a file without them.
"""

import gzip
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import ConfigError
from anaphora.files import atomic_write
from anaphora.models.ngram.query import NGramQuery
from anaphora.progress import Event, Progress, silent

BEGIN, END = "<s>", "</s>"
LN10 = math.log(10.0)
NEVER = -99.0  # what ARPA files write for the logarithm of zero

_ROWS_AT_ONCE = 1 << 16
_SPACE = set(" \t\r\n\v\f\0")


def write_arpa(path: Path, query: NGramQuery, words: Sequence[str], progress: Progress = silent) -> None:
    """Write a model as an ARPA file, compressed where the name ends in .gz.

    Args:
        path: written whole or not at all.
        query: the model.
        words: the V tokens by id.
        progress: told of the n-grams written.

    Raises:
        ConfigError: a token cannot stand in such a file: it holds white space, or is `<s>` or `</s>`.
    """
    tables = query.tables
    for token_id, word in enumerate(words):
        if not word or not _SPACE.isdisjoint(word) or (word in (BEGIN, END) and token_id != tables.sentence_end):
            raise ConfigError(
                f"the token {word!r} cannot be written to {path}: an ARPA file separates words by white space and keeps"
                f" {BEGIN} and {END} for itself"
            )
    first, last = list(words), list(words)
    extra = 2
    if tables.sentence_end is not None:
        first[tables.sentence_end], last[tables.sentence_end], extra = BEGIN, END, 1
    done, total = 0, sum(tables.sizes)
    with _open(path) as file:
        file.write(b"\\data\\\n")
        for k, size in enumerate(tables.sizes, start=1):
            file.write(f"ngram {k}={size + extra * (k == 1)}\n".encode())
        for k, size in enumerate(tables.sizes, start=1):
            file.write(f"\n\\{k}-grams:\n".encode())
            if k == 1:
                file.writelines(_fillers(query))
            for start in range(0, size, _ROWS_AT_ONCE):
                end = min(start + _ROWS_AT_ONCE, size)
                file.write("".join(_lines(query, k, start, end, first, words, last)).encode())
                done += end - start
                progress(Event(stage="write", done=done, total=total, unit="n-grams"))
        file.write(b"\n\\end\\\n")


def _fillers(query: NGramQuery) -> Iterator[bytes]:
    """Yield the unigrams that no row stands for."""
    end = query.tables.sentence_end
    for word in (BEGIN, END) if end is None else (BEGIN,):
        _, backoffs = query.rows(1, end or 0, (end or 0) + 1)
        columns = [f"{NEVER:g}", word]
        if backoffs is not None:
            columns.append("0" if end is None else f"{_log10(backoffs)[0]:.7g}")
        yield ("\t".join(columns) + "\n").encode()


def _lines(
    query: NGramQuery, k: int, start: int, end: int, first: Sequence[str], middle: Sequence[str], last: Sequence[str]
) -> Iterator[str]:
    """Return the lines of rows start .. end - 1 of order k."""
    log_probs, backoffs = query.rows(k, start, end)
    names = [last] if k == 1 else [first, *[middle] * (k - 2), last]
    columns = [
        map(name.__getitem__, ids.tolist()) for name, ids in zip(names, query.ngrams(k, start, end), strict=True)
    ]
    if backoffs is None:
        return map(f"%.7g\t{' '.join(['%s'] * k)}\n".__mod__, zip(_log10(log_probs), *columns, strict=True))
    weights = _log10(backoffs)
    if k == 1 and query.tables.sentence_end is not None and start <= query.tables.sentence_end < end:
        weights[query.tables.sentence_end - start] = 0.0  # `</s>` is no context; `<s>` has that weight
    return map(f"%.7g\t{' '.join(['%s'] * k)}\t%.7g\n".__mod__, zip(_log10(log_probs), *columns, weights, strict=True))


def _log10(nats: NDArray[np.float32]) -> list[float]:
    logarithms: list[float] = np.maximum(nats.astype(np.float64) / LN10, NEVER).tolist()
    return logarithms


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    with atomic_write(path) as file:
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
                yield packed  # type: ignore[misc]
        else:
            yield file
