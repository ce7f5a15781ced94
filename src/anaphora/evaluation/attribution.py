"""What each token contributed to a classifier's answer: the log-odds of one label, taken apart.

Two methods. *Leave-one-out* reads the document again without each token, and needs nothing of the model but its answers
(Li, Monroe and Jurafsky 2016, arXiv 1612.08220). The token is taken out rather than replaced by `<unk>`: not every
vocabulary has one, and where it is known, it is a word like others, with a leaning of its own. *Integrated gradients*
(Sundararajan, Taly and Yan 2017, arXiv 1703.01365) follows the gradient on the way from a document of as many empty
words to the real one; its contributions sum to the difference of the two answers. The empty word is the zero vector:
what word dropout has shown to the model in training. Everything is in nats. Shapes: B batch, T time, E embedding,
C classes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anaphora.errors import ConfigError
from anaphora.models.classifier import Classifier
from anaphora.models.encoders.encoder import Encoder
from anaphora.models.net import evaluating
from anaphora.progress import Event, Progress, silent
from anaphora.settings import did_you_mean

METHODS = LEAVE_ONE_OUT, INTEGRATED_GRADIENTS = ("leave-one-out", "integrated-gradients")

_BATCH_TOKENS = 1 << 14  # of documents that are read side by side
_FIRST_STEPS, _MOST_STEPS = 16, 512  # on the way from the empty document
_TOLERANCE = 0.01  # of the difference that the contributions should sum to, and of a nat


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """The contributions of the tokens of one document.

    Attributes:
        contributions: (T,), nats of log-odds: positive ones speak for the label.
        log_odds: of the label, given the whole document.
        baseline: the log-odds that contributions are measured from: of the document without any word. None for
            leave-one-out, whose contributions have no sum to keep to.
    """

    contributions: tuple[float, ...]
    log_odds: float
    baseline: float | None = None

    @property
    def gap(self) -> float | None:
        """How far the contributions miss the difference that they should sum to; None where there is none."""
        return None if self.baseline is None else sum(self.contributions) - (self.log_odds - self.baseline)


def attribute(
    model: Classifier,
    token_ids: Sequence[int],
    label: int,
    *,
    method: str = LEAVE_ONE_OUT,
    empty: int,
    progress: Progress = silent,
) -> Attribution:
    """Take the answer of a classifier for one document apart.

    Args:
        model: put into evaluation mode meanwhile.
        token_ids: T of them, at least one.
        label: the number of the label whose log-odds are explained.
        method: one of METHODS, see above.
        empty: the token that an empty document consists of: what is left of a document of one token without it.
        progress: is told of the tokens, or of the steps.

    Raises:
        ConfigError: no such method.
    """
    if method not in METHODS:
        raise ConfigError(f"method = {method!r}{did_you_mean(method, list(METHODS))} (known: {', '.join(METHODS)})")
    tokens = torch.tensor([list(token_ids)], dtype=torch.int64, device=model.device)
    with evaluating(model):
        if method == LEAVE_ONE_OUT:
            return _leave_one_out(model, tokens, label, empty, progress)
        return _integrated_gradients(model, tokens, label, progress)


def log_odds(model: Classifier, logits: Tensor, label: int) -> Tensor:
    """Return log p / (1 - p) of a label, (B,), float64, given logits (B, C): how far it leads all others together."""
    scaled = logits.double() / model.temperature
    if model.multi_label:
        return scaled[:, label]
    others = [other for other in range(scaled.shape[1]) if other != label]
    return scaled[:, label] - scaled[:, others].logsumexp(1)


@torch.no_grad()
def running_probabilities(model: Classifier, token_ids: Sequence[int]) -> tuple[tuple[float, ...], ...]:
    """Return (T, C): the probability of each label had the document ended after each token."""
    tokens = torch.tensor([list(token_ids)], dtype=torch.int64, device=model.device)
    with evaluating(model):
        log_probs = model.running_log_probs(tokens, torch.tensor([tokens.shape[1]], device=model.device))[0]
    return tuple(map(tuple, log_probs.double().exp().tolist()))


@torch.no_grad()
def _leave_one_out(model: Classifier, tokens: Tensor, label: int, empty: int, progress: Progress) -> Attribution:
    count = tokens.shape[1]
    whole = log_odds(model, model(tokens, _lengths(tokens)), label).item()
    kept = tokens[0] if count > 1 else tokens.new_tensor([tokens[0, 0], empty])
    contributions: list[float] = []
    for left_out in torch.arange(count, device=tokens.device).split(max(1, _BATCH_TOKENS // count)):
        places = torch.arange(len(kept) - 1, device=tokens.device).expand(len(left_out), -1)
        without = kept[places + (places >= left_out.unsqueeze(1))]
        contributions += (whole - log_odds(model, model(without, _lengths(without)), label)).tolist()
        progress(Event(stage="explain", done=len(contributions), total=count, unit="tokens"))
    return Attribution(contributions=tuple(contributions), log_odds=whole)


def _integrated_gradients(model: Classifier, tokens: Tensor, label: int, progress: Progress) -> Attribution:
    """Take twice as many steps until the contributions sum to what they should."""
    with torch.no_grad():
        embedded = model.embed(tokens)
        ends = torch.cat([torch.zeros_like(embedded), embedded])
        baseline, whole = log_odds(model, model.logits_from_embedded(ends, _lengths(ends)), label).tolist()
    steps = _FIRST_STEPS
    while True:
        contributions = _along_the_way(model, embedded, label, steps)
        found = Attribution(contributions=contributions, log_odds=whole, baseline=baseline)
        progress(Event(stage="explain", done=steps, unit="steps"))
        if abs(found.gap or 0.0) <= _TOLERANCE * max(1.0, abs(whole - baseline)) or steps >= _MOST_STEPS:
            return found
        steps *= 2


def _along_the_way(model: Classifier, embedded: Tensor, label: int, steps: int) -> tuple[float, ...]:
    """Integrate the gradient at embedded tokens (1, T, E) by a Gauss-Legendre rule of so many points."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    shares = torch.from_numpy((points + 1) / 2).to(embedded)
    total = torch.zeros_like(embedded, dtype=torch.float64)
    at_once = max(1, _BATCH_TOKENS // embedded.shape[1])
    for part, weight in zip(shares.split(at_once), torch.from_numpy(weights / 2).split(at_once), strict=True):
        inputs = (part.view(-1, 1, 1) * embedded).requires_grad_()
        with _whole_gradients(model, embedded.shape[1]):
            answers = log_odds(model, model.logits_from_embedded(inputs, _lengths(inputs)), label)
            (gradient,) = torch.autograd.grad(answers.sum(), inputs)
        total += (gradient.double() * weight.to(embedded.device).view(-1, 1, 1)).sum(0)
    return tuple((total * embedded).sum(-1)[0].tolist())


def _lengths(tokens: Tensor) -> Tensor:
    """Return the lengths (B,) of documents (B, T, ...) that have no padding."""
    return torch.full((len(tokens),), tokens.shape[1], device=tokens.device)


@contextmanager
def _whole_gradients(model: Classifier, length: int) -> Iterator[None]:
    """Let gradients flow through all of a document, which encoders cut into pieces in training; cuDNN cannot here."""
    encoders = [module for module in model.modules() if isinstance(module, Encoder)]
    configs = [encoder.config for encoder in encoders]
    for encoder, config in zip(encoders, configs, strict=True):
        most = {"bptt": max(config.bptt, length), "gradient_tokens": max(config.gradient_tokens, length)}
        encoder.config = config.replace(**most)
    try:
        with torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        for encoder, config in zip(encoders, configs, strict=True):
            encoder.config = config
