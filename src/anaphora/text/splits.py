"""Dividing labelled documents at random so that every part has each label's share: validation, tests, fewer labels.

A function of the documents, the count and the seed; the order of the documents is kept within each part. Documents that
belong together, reviews of one film or messages of one author, can stay on one side: what a model learns of the film by
heart is no help elsewhere, and must not look like one.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Labels = tuple[str, ...]


def take_stratified(
    labels: Sequence[Labels], count: int, seed: int, *, least: int = 0, leave: int = 0
) -> NDArray[np.bool_]:
    """Choose `count` documents at random, of each label its share.

    A document with several labels counts for the rarest of them, one with none for a group of its own.

    Args:
        labels: those of each document.
        count: how many to choose; fewer are chosen where `leave` forbids more, more where `least` asks for them.
        seed: of the choice.
        least: choose at least so many of each label, where it has them.
        leave: leave at least so many of each label, where it has them.

    Returns:
        (len(labels),): which documents are chosen.
    """
    frequency = Counter(label for those in labels for label in those)
    group_of = [min(those, key=lambda label: (frequency[label], label)) if those else "" for those in labels]
    names, groups = np.unique(np.array(group_of, dtype=object), return_inverse=True)
    sizes = np.bincount(groups, minlength=len(names))
    shares = _shares(sizes, count, np.minimum(sizes, least), np.maximum(sizes - leave, 0))
    random, chosen = np.random.default_rng(seed), np.zeros(len(labels), dtype=np.bool_)
    for group, share in enumerate(shares):
        members = np.flatnonzero(groups == group)
        chosen[random.permutation(members)[:share]] = True
    return chosen


def take_groups(
    labels: Sequence[Labels], groups: Sequence[str], count: int, seed: int, *, leave: int = 0
) -> NDArray[np.bool_]:
    """Choose about `count` documents, whole groups at random, as near to each label's share as groups allow.

    Args:
        labels: those of each document.
        groups: that of each document.
        count: how many to choose.
        seed: of the choice.
        leave: leave at least so many of each label, where it has them.

    Returns:
        (len(labels),): which documents are chosen; none where every group is too large.
    """
    names = sorted({label for those in labels for label in those})
    number_of = {name: number for number, name in enumerate(names)}
    kinds, members = np.unique(np.array(groups, dtype=object), return_inverse=True)
    counts = np.zeros((len(kinds), len(names) + 1))  # of each label, and of documents
    for group, those in zip(members, labels, strict=True):
        counts[group, [*(number_of[label] for label in those), -1]] += 1
    total = counts.sum(0)
    wanted, most = total * (count / max(len(labels), 1)), np.maximum(total - leave, 0)
    most[-1] = np.inf
    taken, chosen = np.zeros(len(total)), np.zeros(len(kinds), dtype=np.bool_)
    for group in np.random.default_rng(seed).permutation(len(kinds)):
        more = taken + counts[group]
        if (more <= most).all() and np.square(more - wanted).sum() < np.square(taken - wanted).sum():
            taken, chosen[group] = more, True
    picked: NDArray[np.bool_] = chosen[members]
    return picked


def _shares(
    sizes: NDArray[np.int64], count: int, least: NDArray[np.int64], most: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Divide `count` in proportion to `sizes`, by largest remainders, within the bounds of each."""
    quotas = count * sizes / max(int(sizes.sum()), 1)
    shares = np.clip(np.floor(quotas).astype(np.int64), np.minimum(least, most), most)
    while shares.sum() < count and (shares < most).any():
        shares[np.where(shares < most, quotas - shares, -np.inf).argmax()] += 1
    while shares.sum() > count and (shares > least).any():
        shares[np.where(shares > least, shares - quotas, -np.inf).argmax()] -= 1
    return shares
