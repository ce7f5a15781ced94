"""The weights of a mixture, from a held-out text that none of its components has learnt.

Linear weights by expectation maximisation (Dempster, Laird and Rubin 1977; for language models Jelinek and Mercer
1980): each step shares every token out among the components by who predicted it, and no step lowers the likelihood.
Log-linear weights by Newton's method: the likelihood is concave in them.

Shapes: N tokens, M components, C context classes, V vocabulary.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

_MOST_STEPS = 500
_ENOUGH = 1e-9  # nats per token; a step that gains less is the last
_PRIOR_TOKENS = 20.0  # a class with few tokens stays near the weights of all classes together


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What was found.

    Attributes:
        weights: (C, M).
        objectives: what the search raises, before each step and after the last; it never falls. The mean
            log-likelihood in nats per token, plus, with several classes, what the weights owe to those of all together.
    """

    weights: Floats
    objectives: tuple[float, ...]


def linear_weights(log_probs: NDArray[np.floating[Any]], classes: NDArray[np.integer[Any]], count: int) -> Weights:
    """Find the weights of a linear mixture that make a text most likely.

    Weights of several classes start from those of all together, which also stand for 20 further tokens in each class.

    Args:
        log_probs: (N, M), what each component says of each token.
        classes: (N,), the context class of each token.
        count: C.
    """
    one = _expectation_maximization(log_probs, np.zeros_like(classes), 1, prior=None)
    if count == 1:
        return one
    return _expectation_maximization(log_probs, classes, count, prior=one.weights[0])


def _expectation_maximization(
    log_probs: NDArray[np.floating[Any]], classes: NDArray[np.integer[Any]], count: int, *, prior: Floats | None
) -> Weights:
    # Where no component gives a token any probability, no weights help: it counts for none.
    peaks = log_probs.max(1, keepdims=True).astype(np.float64)
    probs = np.exp(log_probs - np.where(np.isfinite(peaks), peaks, 0.0))
    offset = float(peaks.mean())
    size = log_probs.shape[1]
    weights = np.tile(np.full(size, 1 / size) if prior is None else prior, (count, 1))
    extra = np.zeros(size) if prior is None else _PRIOR_TOKENS * prior
    objectives: list[float] = []
    for _ in range(_MOST_STEPS):
        shares = probs * weights[classes]
        totals = shares.sum(1, keepdims=True)
        owed = float((extra * np.log(np.maximum(weights, 1e-300))).sum()) / len(probs)
        objectives.append(float(np.log(totals).mean()) + offset + owed)
        if len(objectives) > 1 and objectives[-1] - objectives[-2] < _ENOUGH:
            break
        np.divide(shares, totals, out=shares, where=totals > 0)
        gathered = np.stack([np.bincount(classes, share, minlength=count) for share in shares.T], 1) + extra
        tokens = gathered.sum(1, keepdims=True)
        weights = np.where(tokens > 0, gathered / np.maximum(tokens, 1e-300), weights)
    return Weights(weights=weights, objectives=tuple(objectives))


def log_linear_weights(log_probs: Tensor, targets: Tensor) -> Weights:
    """Find the exponents of a log-linear mixture that make a text most likely.

    Args:
        log_probs: (N, M, V), finite.
        targets: (N,), int64.
    """
    size = log_probs.shape[1]
    weights = torch.full((size,), 1 / size, dtype=torch.float64)
    wanted = log_probs.gather(2, targets[:, None, None].expand(-1, size, 1)).squeeze(2).double().mean(0)
    likelihood, gradient, curvature = _log_linear_step(log_probs, weights, wanted)
    objectives = [likelihood]
    for _ in range(_MOST_STEPS):
        direction = torch.linalg.solve(curvature + 1e-9 * torch.eye(size, dtype=torch.float64), gradient)
        for halvings in range(30):
            trial = weights + direction / 2**halvings
            found = _log_linear_step(log_probs, trial, wanted)
            if found[0] > objectives[-1]:
                break
        else:
            break
        weights = trial
        likelihood, gradient, curvature = found
        objectives.append(likelihood)
        if objectives[-1] - objectives[-2] < _ENOUGH:
            break
    return Weights(weights=weights.numpy()[None], objectives=tuple(objectives))


def _log_linear_step(log_probs: Tensor, weights: Tensor, wanted: Tensor) -> tuple[float, Tensor, Tensor]:
    """Return the mean log-likelihood, its gradient (M,) and the negative of its curvature (M, M) at some weights."""
    scores = torch.einsum("nmv,m->nv", log_probs, weights.to(log_probs.dtype))
    log_total = scores.logsumexp(1)
    probs = (scores - log_total[:, None]).exp()
    means = torch.einsum("nv,nmv->nm", probs, log_probs)
    squares = torch.einsum("nv,niv,njv->ij", probs, log_probs, log_probs).double() / len(log_probs)
    curvature = squares - (means.t().double() @ means.double()) / len(log_probs)
    likelihood = float(weights @ wanted - log_total.double().mean())
    return likelihood, wanted - means.double().mean(0), curvature
