"""The ladder's text, 1 to 9,999 in words, cut into batches in the three ways that its rungs need.

    one . two . three . four . ...      63,095 tokens, 30 types, 8,000 missing

Every way cuts off the last 20 % of the windows for validation. Shapes: B batch (64), T window, N windows.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from anaphora.text.builtin import human_numbers

BATCH_SIZE = 64
TRAIN_SHARE = 0.8

# inputs (B, T) and targets, (B,) for one after each window or (B, T) for one after each token; both int64
Batches = list[tuple[Tensor, Tensor]]


@cache
def numbers() -> tuple[Tensor, tuple[str, ...]]:
    """Return the token ids (63095,), int64, in the order of first appearance, and the tokens that they stand for."""
    splits = human_numbers()
    lines = (line.strip() for text in splits.values() for line in text.splitlines())
    tokens = " . ".join(lines).split(" ")
    vocabulary = {token: token_id for token_id, token in enumerate(dict.fromkeys(tokens))}
    return torch.tensor([vocabulary[token] for token in tokens]), tuple(vocabulary)


def threes_in_order() -> tuple[Batches, Batches]:
    """Return training and validation batches of three tokens each and the fourth, one window after the other."""
    return _split(*_windows(3, overlap=1), _batches_in_order)


def threes_in_lanes() -> tuple[Batches, Batches]:
    """Return the same windows; here row j of each batch continues row j of the batch before."""
    return _split(*_windows(3, overlap=1), _batches_in_lanes)


def sixteens_in_lanes() -> tuple[Batches, Batches]:
    """Windows of sixteen tokens, in lanes, with a target after every token."""
    return _split(*_windows(16, overlap=16), _batches_in_lanes)


def _windows(seq_len: int, overlap: int) -> tuple[Tensor, Tensor]:
    """Return windows (N, seq_len) side by side, and the last `overlap` tokens of each moved on by one."""
    ids, _ = numbers()
    starts = torch.arange(0, len(ids) - seq_len - 1, seq_len)
    inputs = ids[starts[:, None] + torch.arange(seq_len)]
    targets = ids[starts[:, None] + torch.arange(seq_len - overlap + 1, seq_len + 1)]
    return inputs, targets.squeeze(1)


def _split(inputs: Tensor, targets: Tensor, cut: Callable[[Tensor, bool], list[Tensor]]) -> tuple[Batches, Batches]:
    at = int(TRAIN_SHARE * len(inputs))
    train = zip(cut(inputs[:at], True), cut(targets[:at], True), strict=True)
    valid = zip(cut(inputs[at:], False), cut(targets[at:], False), strict=True)
    return list(train), list(valid)


def _batches_in_order(windows: Tensor, train: bool) -> list[Tensor]:
    """Cut (N, ...) into batches; training drops an incomplete last one."""
    whole = len(windows) - len(windows) % BATCH_SIZE if train else len(windows)
    return list(windows[:whole].split(BATCH_SIZE))


def _batches_in_lanes(windows: Tensor, train: bool) -> list[Tensor]:
    """Give each of the B rows a lane of its own, N // B windows long; batch i holds window i of every lane."""
    del train  # lanes are of equal length: no batch is incomplete
    steps = len(windows) // BATCH_SIZE
    lanes = windows[: steps * BATCH_SIZE].unflatten(0, (BATCH_SIZE, steps))
    return list(lanes.transpose(0, 1).contiguous())
