"""What estimation makes and queries read: all n-grams of all orders, as flat arrays that can be memory-mapped.

The border between the two halves of this folder: whatever the smoothing method, it ends in these tables.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.unsignedinteger[Any]]
Rows = NDArray[np.unsignedinteger[Any]]
Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class NGramTables:
    """All n-grams of orders 1..N with log-probabilities and back-off weights: a forward trie in flat arrays.

    Row i of order k is an n-gram (w1, .., wk); rows are sorted by (w1, .., wk), and row i of order 1 is token i, all V
    of them. The probability of w after a context is the log-probability of the longest n-gram (context's end, w) in the
    tables; for each context given up on the way there its back-off weight is added, or `unseen_backoff` where the
    context itself is not in the tables.

    Attributes:
        vocab_size: V.
        words: for order k the last token of each row, (n_k,), uint16 or uint32; of order 1: 0 .. V-1.
        children: for order k < N, (n_k + 1,), uint32 or uint64; rows children[i] .. children[i + 1] - 1 of order k + 1
            extend row i, sorted by word.
        log_probs: for order k, (n_k,), nats.
        backoffs: for order k < N, (n_k,), nats; 0 where the n-gram is no context.
        unseen_backoff: nats added for each context that is not in the tables (stupid backoff: log 0.4).
        normalized: whether these are probabilities; False for scores (stupid backoff).
    """

    vocab_size: int
    words: tuple[Words, ...]
    children: tuple[Rows, ...]
    log_probs: tuple[Floats, ...]
    backoffs: tuple[Floats, ...]
    unseen_backoff: float = 0.0
    normalized: bool = True

    def __post_init__(self) -> None:
        sizes = [len(words) for words in self.words]
        assert sizes[0] == self.vocab_size
        assert [len(log_probs) for log_probs in self.log_probs] == sizes
        assert [len(backoffs) for backoffs in self.backoffs] == sizes[:-1]
        assert [len(children) for children in self.children] == [size + 1 for size in sizes[:-1]]
        assert [int(children[-1]) for children in self.children] == sizes[1:]

    @property
    def order(self) -> int:
        """N, the length of the longest n-grams."""
        return len(self.words)
