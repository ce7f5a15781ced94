"""The tables as they lie in a model folder and in memory: four flat arrays, and codebooks where they are quantised.

`NGramTables` has arrays for each order; here those of all orders stand one after the other, so that a row number alone
says which n-gram is meant, whatever its order. Since the longer n-grams follow in the order of their contexts, the
children of all rows are one rising sequence, and a model of any order is the same few tensors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from anaphora.models.ngram.quantize import LEVELS, quantize
from anaphora.models.ngram.tables import NGramTables

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class PackedTables:
    """All n-grams of all orders. Rows are numbered through: first the V unigrams, then the bigrams, and so on.

    Attributes:
        sizes: n_1 .. n_N, rows by order; R is their sum, and C that of all but the last.
        words: the last token of each row, (R,), uint16 or uint32.
        first_child: (C + 1,), uint32 or int64; rows first_child[i] .. first_child[i + 1] - 1 extend row i, sorted by
            word.
        log_probs: (R,), float32 nats, or uint8 codes.
        backoffs: (C,), float32 nats, or uint8 codes.
        log_prob_values: (N, 256), float32: what the codes of each order stand for; None without codes.
        backoff_values: (N, 256), likewise; its last line is not used.
        unseen_backoff: nats added for a context that is not in the tables.
        sentence_end: the token that no context reaches across; None when there is no such token.
    """

    sizes: tuple[int, ...]
    words: Array
    first_child: Array
    log_probs: Array
    backoffs: Array
    log_prob_values: Array | None = None
    backoff_values: Array | None = None
    unseen_backoff: float = 0.0
    sentence_end: int | None = None


def layout(sizes: Sequence[int], *, quantized: bool) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return name, shape and type of every array of tables with so many rows by order."""
    rows, contexts = sum(sizes), sum(sizes[:-1])
    value: DTypeLike = np.uint8 if quantized else np.float32
    arrays: dict[str, tuple[tuple[int, ...], DTypeLike]] = {
        "words": ((rows,), np.uint16 if sizes[0] <= 1 << 16 else np.uint32),
        "first_child": ((contexts + 1,), np.uint32 if rows < 1 << 32 else np.int64),
        "log_probs": ((rows,), value),
        "backoffs": ((contexts,), value),
    }
    if quantized:
        arrays |= {name: ((len(sizes), LEVELS), np.float32) for name in ("log_prob_values", "backoff_values")}
    return {name: (shape, np.dtype(dtype)) for name, (shape, dtype) in arrays.items()}


def borders(sizes: Sequence[int]) -> tuple[int, ...]:
    """Return where each order begins, and where the last one ends: (N + 1,)."""
    return tuple(accumulate(sizes, initial=0))


def pack(tables: NGramTables, *, quantized: bool = False, sentence_end: int | None = None) -> PackedTables:
    """Lay the tables of all orders one after the other, with 8-bit codes in place of floats when `quantized`."""
    sizes = tuple(map(len, tables.words))
    types = {name: dtype for name, (_, dtype) in layout(sizes, quantized=quantized).items()}
    begins = borders(sizes)
    children = [part[:-1].astype(np.int64) + begin for part, begin in zip(tables.children, begins[1:], strict=False)]
    arrays = {
        "words": np.concatenate([part.astype(types["words"], copy=False) for part in tables.words]),
        "first_child": np.concatenate([*children, [begins[-1]]]).astype(types["first_child"]),
    }
    if quantized:
        for name, parts in (("log_prob", tables.log_probs), ("backoff", tables.backoffs)):
            coded = [quantize(part) for part in (*parts, np.empty(0, np.float32))[: len(sizes)]]
            arrays[f"{name}s"] = np.concatenate([codes for codes, _ in coded])
            arrays[f"{name}_values"] = np.stack([values for _, values in coded])
    else:
        arrays["log_probs"] = np.concatenate(tables.log_probs).astype(np.float32, copy=False)
        arrays["backoffs"] = np.concatenate([np.empty(0, np.float32), *tables.backoffs])
    return PackedTables(sizes=sizes, unseen_backoff=tables.unseen_backoff, sentence_end=sentence_end, **arrays)
