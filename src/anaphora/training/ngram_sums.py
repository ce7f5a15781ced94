"""The two loops of `ngram_classification.py`, over all pairs of a document and an n-gram that it holds.

In a file of its own because it loads numba. Shapes: N documents, P pairs, K n-grams, Q questions.
"""

import numpy as np
from numpy.typing import NDArray

from anaphora.compiled import compiled

Floats = NDArray[np.float32]
Begins = NDArray[np.int64]  # (N + 1,): document i holds columns[begins[i] : begins[i + 1]]
Columns = NDArray[np.int32]  # (P,)


@compiled
def add_up(begins: Begins, columns: Columns, values: Floats) -> Floats:
    """Return the sums (N, Q) of the `values` (Q, K) of each document's n-grams."""
    sums = np.empty((len(begins) - 1, len(values)), np.float32)
    for question in range(len(values)):
        for row in range(len(sums)):
            total = np.float32(0)
            for place in range(begins[row], begins[row + 1]):
                total += values[question, columns[place]]
            sums[row, question] = total
    return sums


@compiled
def hand_out(begins: Begins, columns: Columns, values: Floats, count: int) -> Floats:
    """Return the sums (Q, K) of the `values` (N, Q) of the documents that hold each of `count` n-grams."""
    sums = np.zeros((values.shape[1], count), np.float32)
    for question in range(len(sums)):
        for row in range(len(values)):
            value = values[row, question]
            for place in range(begins[row], begins[row + 1]):
                sums[question, columns[place]] += value
    return sums
