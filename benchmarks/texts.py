"""The texts that benchmarks run on: the real corpora beside the checkout, else made-up text of the same shape.

Speed depends on sizes alone, so a made-up text measures the same thing; each result says which of the two it used.
"""

import csv
import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anaphora.text.imdb import INDEX, TABLE
from benchmarks.harness import ROOT

_SEED = 1268


def shared_folder() -> Path:
    """Return where the real corpora would lie: ANAPHORA_SHARED, else ../shared/data beside the checkout."""
    return Path(os.environ.get("ANAPHORA_SHARED") or ROOT.parent / "shared" / "data")


def island_text() -> tuple[str, str]:
    """Return The Mysterious Island (1,112,350 characters, 80 distinct), or its shape; and which of the two."""
    path = shared_folder() / "mysterious-island" / "1268-0.txt"
    if not path.is_file():
        return _zipf_text(1_112_350, [chr(code) for code in range(ord(" "), ord(" ") + 80)], ""), "made-up characters"
    text = path.read_text(encoding="utf-8-sig")
    text = text[text.index("THE MYSTERIOUS ISLAND") : text.index("End of the Project Gutenberg")]
    return text, "The Mysterious Island"


def text8_text() -> tuple[str, str]:
    """Return the prefix of text8 (1,171,946 words, 57,993 types), or its shape; and which of the two."""
    path = shared_folder() / "text8-prefix" / "text8.first-6877825-bytes"
    if not path.is_file():
        return _zipf_text(1_171_946, [f"w{rank}" for rank in range(57_993)], " "), "made-up words"
    return path.read_text(encoding="ascii"), "text8, first 6,877,825 bytes"


@dataclass(frozen=True)
class Reviews:
    """The reviews of one split of IMDb with their labels, "1" for praise and "0" for blame."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]


def imdb_reviews(split: str) -> Reviews:
    """Return the reviews of the official split "train" or "test"; there is no made-up text that has an opinion."""
    folder = shared_folder() / "imdb"
    with gzip.open(folder / f"{INDEX}.gz", "rt", encoding="utf-8", newline="") as file:
        in_split = [row["split"] == split for row in csv.DictReader(file)]
    with gzip.open(folder / f"{TABLE}.gz", "rt", encoding="utf-8", newline="") as file:
        rows = [row for row, wanted in zip(csv.DictReader(file), in_split, strict=True) if wanted]
    return Reviews(tuple(row["review"] for row in rows), tuple(row["sentiment"] for row in rows))


def imdb_lengths(count: int) -> tuple[NDArray[np.int64], str]:
    """Return the words in each of the first `count` training reviews, or made-up lengths; and which of the two."""
    if not (shared_folder() / "imdb" / f"{TABLE}.gz").is_file():
        drawn = np.random.default_rng(_SEED).lognormal(5.24, 0.62, size=count)
        return drawn.astype(np.int64).clip(10, 2_500), "made-up lengths"
    texts = imdb_reviews("train").texts[:count]
    return np.array([len(text.split()) for text in texts]), "IMDb, the first training reviews"


def _zipf_text(count: int, types: list[str], separator: str) -> str:
    """Draw `count` tokens with probabilities falling as 1/rank, every type at least once."""
    generator = np.random.default_rng(_SEED)
    weights = 1.0 / np.arange(1, len(types) + 1)
    drawn = generator.choice(len(types), size=count - len(types), p=weights / weights.sum())
    return separator.join(types[i] for i in (*range(len(types)), *drawn.tolist()))
