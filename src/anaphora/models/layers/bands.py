"""Bands of frequency: the frequent types get wide vectors, rarer ones narrower, as adaptive inputs and outputs want it.

A type's *rank* is its place by frequency, 0 for the most frequent. Band 0 holds the ranks below the first cut-off, band
1 those from there to the second, and so on. Vectors of band i are div_value^i times narrower than those of band 0.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

import torch
from torch import Tensor

from anaphora.errors import ConfigError

# Parts of V. On the 50,002 words of text8 the first 2,000 make 70 % of the text and the first 10,000 nearly 90 %.
_DEFAULT_CUTOFFS = (0.04, 0.2)
_LEAST_WIDTH = 16  # numbers; less saves no time and leaves the rare words with their frequency alone


class Members(NamedTuple):
    """Which of N ranks lie in a band: their rows, (n,), and their places within the band, (n,); int64."""

    rows: Tensor
    places: Tensor


@dataclass(frozen=True)
class Bands:
    """Where the bands lie and how wide their vectors are.

    Attributes:
        bounds: the first rank of each band, and V at the end.
        widths: of the vectors of each band.
    """

    bounds: tuple[int, ...]
    widths: tuple[int, ...]

    @classmethod
    def of(cls, vocab_size: int, width: int, cutoffs: Sequence[int] | None, div_value: float) -> Self:
        """Cut V types into bands, the first one `width` wide.

        Raises:
            ConfigError: a cut-off at or beyond V.
        """
        if cutoffs is None:
            guesses = {round(part * vocab_size) for part in _DEFAULT_CUTOFFS}
            cutoffs = sorted(cut for cut in guesses if 0 < cut < vocab_size)
        elif cutoffs[-1] >= vocab_size:
            raise ConfigError(
                f"head_cutoffs = {list(cutoffs)} in [model]: the vocabulary has {vocab_size:,} types, and the last"
                " cut-off must be below that"
            )
        bounds = (0, *cutoffs, vocab_size)
        narrowed = (max(round(width / div_value**band), min(width, _LEAST_WIDTH)) for band in range(len(bounds) - 1))
        return cls(bounds, tuple(narrowed))

    @property
    def sizes(self) -> list[int]:
        """How many types each band has."""
        return [end - start for start, end in pairwise(self.bounds)]

    def sort(self, ranks: Tensor) -> list[Members]:
        """Return for each band which of ranks (N,) lie in it."""
        found = []
        for start, end in pairwise(self.bounds):
            rows = ((ranks >= start) & (ranks < end)).nonzero().squeeze(1)
            found.append(Members(rows, ranks[rows] - start))
        return found


def in_full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Run the block without autocast on a CPU: what is multiplied there has as many rows as a band happens to have.

    oneDNN, which makes the products in bfloat16, compiles each shape when it first sees it and keeps a thousand of
    them: on 50,000 words each step took 9 MB more, up to 1.4 GB, and the time to compile. Bands are small work anyway.
    """
    return torch.autocast("cpu", enabled=False) if device.type == "cpu" else nullcontext()


def ranks_by(log_probs: Tensor) -> Tensor:
    """Return the rank of each type (V,), given log-frequencies (V,); equal ones keep their order."""
    order = log_probs.argsort(descending=True, stable=True)
    return torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
