"""How every rung is trained: Adam with decoupled weight decay along one cycle, and accuracy after each epoch.

One small loop instead of the trainer: the rungs differ in how they batch and what they keep, and this is where one
sees it. The state is cut from the graph after each batch and reset at the start of each epoch and each validation.
"""

import time
from dataclasses import dataclass
from threading import Event as Flag

import torch
from torch import Tensor
from torch.nn import functional as F

from anaphora.lab.ladder.nets import Net, NetState, Reading
from anaphora.lab.ladder.numbers import Batches
from anaphora.lab.parallel import StoppedError
from anaphora.training.schedules import one_cycle

_BETA2, _EPSILON = 0.99, 1e-5  # fast.ai's Adam, with which the published figures were made


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one rung is trained.

    Attributes:
        epochs, learning_rate: the learning rate is the highest of the cycle.
        weight_decay: decoupled (Loshchilov and Hutter 2019).
        keep_state: hand the state from each batch to the next.
        activation_penalty: alpha, times the mean square of what the head reads (AR, Merity et al. 2017).
        slowness_penalty: beta, times the mean square change of the hidden state from token to token (TAR).
    """

    epochs: int
    learning_rate: float
    weight_decay: float = 0.01
    keep_state: bool = True
    activation_penalty: float = 0.0
    slowness_penalty: float = 0.0


@dataclass(frozen=True)
class Climb:
    """One seed's way up one rung: validation accuracy after each epoch, and the seconds it took."""

    accuracies: tuple[float, ...]
    seconds: float


def train(net: Net, recipe: Recipe, train_batches: Batches, valid_batches: Batches, stopped: Flag) -> Climb:
    """Train `net` in place; gives up with a StoppedError after an epoch in which the flag `stopped` was set."""
    start = time.perf_counter()
    optimizer = torch.optim.AdamW(net.parameters(), eps=_EPSILON, weight_decay=recipe.weight_decay, fused=True)
    total = recipe.epochs * len(train_batches)
    accuracies = []
    for epoch in range(recipe.epochs):
        net.train()
        state: NetState = None
        for index, (inputs, targets) in enumerate(train_batches):
            point = one_cycle((epoch * len(train_batches) + index) / total)
            optimizer.param_groups[0]["lr"] = recipe.learning_rate * point.scale
            optimizer.param_groups[0]["betas"] = (point.momentum, _BETA2)
            reading = net(inputs, state)
            optimizer.zero_grad()
            loss_of(reading, targets, recipe).backward()
            optimizer.step()
            state = _hand_on(reading.state) if recipe.keep_state else None
        if stopped.is_set():
            raise StoppedError
        accuracies.append(accuracy(net, recipe, valid_batches))
    return Climb(tuple(accuracies), time.perf_counter() - start)


def loss_of(reading: Reading, targets: Tensor, recipe: Recipe) -> Tensor:
    """Return cross entropy in nats per target (B,) or (B, T), plus the recipe's two penalties; a scalar."""
    logits = _at_targets(reading.logits, targets)
    loss = F.cross_entropy(logits.flatten(0, -2), targets.flatten())
    if recipe.activation_penalty:
        loss = loss + recipe.activation_penalty * reading.dropped.square().mean()
    if recipe.slowness_penalty:
        loss = loss + recipe.slowness_penalty * reading.hidden.diff(dim=1).square().mean()
    return loss


@torch.no_grad()
def accuracy(net: Net, recipe: Recipe, batches: Batches) -> float:
    """Return the share of targets that the net guesses right, from an empty state."""
    net.eval()
    state: NetState = None
    right = total = 0
    for inputs, targets in batches:
        reading = net(inputs, state)
        right += int((_at_targets(reading.logits, targets).argmax(-1) == targets).sum())
        total += targets.numel()
        state = reading.state if recipe.keep_state else None
    return right / total


def _at_targets(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the logits that have a target: all (B, T, V), or (B, V) after the last token."""
    return logits[:, -1] if targets.ndim == 1 else logits


def _hand_on(state: NetState) -> NetState:
    return state and tuple(part.detach() for part in state)
