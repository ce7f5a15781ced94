"""The loop behind looking n-grams up: for many n-grams at once, where are they with one more token.

In a file of its own because it loads numba, which whoever asks for single words need not wait for.
"""

import numpy as np
from numpy.typing import NDArray

from anaphora.compiled import compiled
from anaphora.models.ngram.store import Array

Rows = NDArray[np.int64]


@compiled
def extend(rows: Rows, tokens: Rows, words: Array, first_child: Array, low: int, high: int) -> Rows:
    """Return the rows (P,) of the n-grams `rows` (P,) with one more token each (P,); -1 where there is none.

    A binary search among the children, without a branch to mispredict. It reads nothing outside the arrays whatever
    they hold: a row or token of -1, and children outside low .. high - 1, are taken for missing.

    Args:
        rows: see above.
        tokens: see above.
        words: see `PackedTables`.
        first_child: see there.
        low: where the order of the longer n-grams begins in `words`.
        high: where it ends.
    """
    found = np.empty(len(rows), np.int64)
    for i in range(len(rows)):
        found[i] = -1
        row, token = rows[i], tokens[i]
        if row < 0 or token < 0 or row + 1 >= len(first_child):
            continue
        place = max(int(first_child[row]), low)
        count = min(int(first_child[row + 1]), high) - place
        if count <= 0:
            continue
        while count > 1:
            half = count >> 1
            place += half * (words[place + half] <= token)
            count -= half
        if words[place] == token:
            found[i] = place
    return found
