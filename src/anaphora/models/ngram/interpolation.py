"""The loops behind smoothing: from the counts of one order to probabilities and the weight of the next shorter context.

Children of a row of order k - 1, a context, are the n-grams that extend it. Arithmetic is in float32 in the order in
which KenLM does it, so that its figures come out to the last digit.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.compiled import compiled

Array = NDArray[np.unsignedinteger[Any]]
Floats = NDArray[np.float32]

_LITTLE_ROOM = 1e-3


@compiled
def continuation_counts(suffixes: Array, continuations: Array) -> None:
    """Add to each row (n_k,) the number of rows of order k + 1 whose suffix it is: what distinct tokens precede it."""
    for suffix in suffixes:
        continuations[suffix] += np.uint32(1)


@compiled
def counts_of_counts(counts: Array, most: int) -> NDArray[np.int64]:
    """Return how many rows have count 0, 1, .. `most`, (most + 1,)."""
    found = np.zeros(most + 1, np.int64)
    for count in counts:
        if count <= most:
            found[count] += 1
    return found


@compiled
def interpolate(
    children: Array,
    counts: Array,
    dropped: NDArray[np.bool_],
    suffixes: Array,
    lower: Floats,
    discounts: Floats,
    mass_per_type: np.float32,
    mass: np.float32,
    probs: Floats,
    weights: Floats,
) -> None:
    """Discount counts and give what that frees to the distribution of the context without its first token.

    p(w) = (c - D(c)) / d + weight p_lower(w), with d = sum of c + mass_per_type T + mass and
    weight = (sum of D(c) + counts of dropped rows + mass_per_type T + mass) / d, T the number of rows with c > 0.

    Args:
        children: (n_{k-1} + 1,), the rows of each context.
        counts: (n_k,), raw or continuation counts c.
        dropped: (n_k,), rows that will be pruned, or (0,) for none.
        suffixes: (n_k,), rows of order k - 1.
        lower: (n_{k-1},), their probabilities.
        discounts: D of counts 0, 1, 2 and 3 or more, (4,).
        mass_per_type: what a context puts aside for each different token that follows it (Witten-Bell).
        mass: what every context puts aside (additive smoothing).
        probs: (n_k,), is filled.
        weights: (n_{k-1},), is filled; 1 where a row has no children.
    """
    for context in range(len(children) - 1):
        total = dropped_total = np.int64(0)
        ones = twos = more = types = np.int64(0)
        for row in range(children[context], children[context + 1]):
            count = np.int64(counts[row])
            total += count
            types += count > 0
            if len(dropped) and dropped[row]:
                dropped_total += count
            elif count == 1:
                ones += 1
            elif count == 2:
                twos += 1
            elif count > 2:
                more += 1
        weights[context] = 1
        if types == 0:
            continue
        aside = mass_per_type * np.float32(types) + mass
        divisor = np.float32(total) + aside
        freed = discounts[1] * np.float32(ones) + discounts[2] * np.float32(twos) + discounts[3] * np.float32(more)
        weight = (freed + np.float32(dropped_total) + aside) / divisor
        weights[context] = weight
        for row in range(children[context], children[context + 1]):
            count = np.int64(counts[row])
            if len(dropped) and dropped[row]:
                count = np.int64(0)
            share = (np.float32(count) - discounts[np.minimum(count, 3)]) / divisor
            probs[row] = share + weight * lower[suffixes[row]]


@compiled
def back_off(
    children: Array,
    counts: Array,
    dropped: NDArray[np.bool_],
    suffixes: Array,
    lower: Floats,
    ratios: NDArray[np.float64],
    keep_some: bool,
    probs: Floats,
    weights: Floats,
) -> None:
    """Give tokens that follow a context their share, and all others what is left, in proportion to p_lower.

    p(w) = r(c) c / C for a row with c > 0, C the sum of the context's counts, r its discount ratio. Others share
    what is left: p(w) = weight p_lower(w).

    Of the arguments, `ratios` are r of counts 0, 1, .. m and more, (m + 2,); with `keep_some` one count is put aside in
    a context where nothing would be left. The others are those of `interpolate`.
    """
    most = len(ratios) - 1
    for context in range(len(children) - 1):
        total = np.int64(0)
        given = taken = np.float64(0)
        for row in range(children[context], children[context + 1]):
            count = np.int64(counts[row])
            total += count
            if count and not (len(dropped) and dropped[row]):
                given += np.float64(ratios[np.minimum(count, most)]) * count
                taken += np.float64(lower[suffixes[row]])
        weights[context] = 1
        if total == 0:
            continue
        divisor = np.float64(total)
        if keep_some and given >= total:
            divisor += 1
        free = 1 - given / divisor
        room = 1 - taken
        scale = 1.0
        if free <= 0:
            weight = 0.0
        elif room < _LITTLE_ROOM:
            # Nearly all of p_lower is taken; dividing by the rest, a difference of rounded sums, would magnify errors.
            weight, scale = 1.0, taken / (1 - free)
        else:
            weight = free / room
        weights[context] = weight
        for row in range(children[context], children[context + 1]):
            count = np.int64(counts[row])
            if count and not (len(dropped) and dropped[row]):
                probs[row] = scale * ratios[np.minimum(count, most)] * count / divisor
            else:
                probs[row] = weight * lower[suffixes[row]]
