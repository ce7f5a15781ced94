"""The cross-entropy of a softmax over many types, a few rows at a time, with its gradient made on the way.

The composed way keeps all logits and their softmax, (N, V) each, from the forward to the backward pass: at 50,000 types
that is most of the memory and half of the time of a step. Here the logits of a few rows fill one buffer, turn into
probabilities and then gradients in it, and leave only what they add to the gradients of features, matrix and bias.

Shapes: N rows, K experts (1 for an ordinary softmax), D width of the features, V types.
"""

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from anaphora.models.language_model import Losses

# Few logits stay in the cache from pass to pass, but each chunk reads the whole matrix. One core of an EPYC, busy: over
# 50,002 types 335 rows at a time took 0.82 of the time of 83; over 10,000 types 419 rows took 0.8 of that of 1,600.
_IN_CACHE, _ENOUGH_ROWS = 1 << 22, 384
_OWN_BLOCK = 1 << 25  # bytes; the largest threshold of glibc's malloc (M_MMAP_THRESHOLD)


def chunked_cross_entropy(
    features: Tensor,
    weight: Tensor,
    bias: Tensor,
    targets: Tensor,
    *,
    log_mixture: Tensor | None = None,
    scale: float = 1.0,
    label_smoothing: float = 0.0,
    max_logits: int,
) -> Losses:
    """Return `scale` times the summed cross-entropy of `targets` under softmax(features weight^T + bias).

    With a mixture of K softmaxes the probability of a type is sum_k mixture_k softmax_k (Yang et al. 2018).

    Args:
        features: (N, D), or (N, K, D) for a mixture.
        weight: (V, D), shared by the experts.
        bias: (V,), likewise.
        targets: (N,), int64.
        log_mixture: (N, K), log-probabilities of the experts; only for a mixture.
        scale: 1 / N makes a mean of the sum.
        label_smoothing: the share of the objective that asks for all types alike; not for a mixture.
        max_logits: so many numbers the buffer of logits holds, but at least one row's.
    """
    if log_mixture is None:
        features = features.unsqueeze(1)
    per_row = len(weight) * features.shape[1]
    rows = max(1, min(max_logits, max(_IN_CACHE, _ENOUGH_ROWS * per_row)) // per_row)
    options = (scale, label_smoothing, rows, torch.is_grad_enabled())
    losses = _ChunkedLoss.apply(features, weight, bias, log_mixture, targets, *options)  # type: ignore[no-untyped-call]
    return Losses(*cast(tuple[Tensor, Tensor], losses))


class _ChunkedLoss(torch.autograd.Function):
    """What `chunked_cross_entropy` computes, and its gradients.

    With p_k the softmax of the logits z_k, t the target and r_k = mixture_k p_k(t) / sum_j mixture_j p_j(t), the share
    of the expert k in what happened:

        dL/dz_k = r_k (p_k - onehot(t))            dL/dlog_mixture_k = -r_k

    So each row is the gradient of an ordinary softmax times a factor, and factors can wait until after the products.
    """

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        bias: Tensor,
        log_mixture: Tensor | None,
        targets: Tensor,
        scale: float,
        label_smoothing: float,
        rows: int,
        learning: bool,
    ) -> tuple[Tensor, Tensor]:
        """See `chunked_cross_entropy`."""
        num_experts, vocab_size = features.shape[1], len(weight)
        work = _Work(features, weight, bias, rows, learning)
        nats, smoothed = work.logits.new_zeros(2).unbind()
        d_mixture = None if log_mixture is None else torch.empty_like(log_mixture)
        for chunk in (slice(first, first + rows) for first in range(0, len(features), rows)):
            read, logits = work.read(chunk)
            target = targets[chunk].repeat_interleave(num_experts).unsqueeze(1)
            picked, mean = logits.gather(1, target), logits.mean() if label_smoothing else None
            log_z = softmax_(logits)
            share, surprise = _shares(picked - log_z, None if log_mixture is None else log_mixture[chunk])
            nats.add_(surprise)
            if mean is not None:
                smoothed.add_(log_z.sum() - mean * len(logits))
            if learning:
                logits.scatter_add_(1, target, torch.full_like(picked, label_smoothing - 1))
                if label_smoothing:
                    logits.sub_(label_smoothing / vocab_size)
                work.learn(chunk, read, logits, share.mul_(scale))
                if d_mixture is not None:
                    torch.neg(share.view(-1, num_experts), out=d_mixture[chunk])
        objective = torch.lerp(nats, smoothed, label_smoothing)
        if learning:
            ctx.save_for_backward(work.d_features, work.d_weight, work.d_bias, d_mixture)
        nats = nats * scale
        ctx.mark_non_differentiable(nats)
        return nats, objective * scale

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor, d_objective: Tensor) -> tuple[Tensor | None, ...]:
        """Hand out the gradients that `forward` made, times that of the objective, which is nearly always 1."""
        as_made = d_objective.is_cpu and d_objective.item() == 1.0  # on a GPU, looking takes longer than multiplying
        gradients = (made if made is None or as_made else made * d_objective for made in ctx.saved_tensors)
        return *gradients, None, None, None, None, None


class _Work:
    """The buffer of logits, and the gradients that grow while it is filled again and again.

    Under autocast the products are made in its number format, and everything else at full precision.
    """

    def __init__(self, features: Tensor, weight: Tensor, bias: Tensor, rows: int, learning: bool) -> None:
        device = features.device.type
        self.features, self.bias = features, bias
        self.autocast = torch.is_autocast_enabled(device)
        self.matrix = weight.to(torch.get_autocast_dtype(device)) if self.autocast else weight
        # In bfloat16 a product with a transposed view takes several times as long; in float32 it makes no difference.
        self.transposed = self.matrix.t().contiguous() if self.autocast else self.matrix.t()
        most = min(rows, len(features)) * features.shape[1]
        self.logits = scratch(weight, most, len(weight))
        self.short = scratch(self.matrix, most, len(weight)) if self.autocast else self.logits  # as products take them
        if learning:
            self.d_features = torch.empty_like(features)
            self.d_weight, self.d_bias = torch.zeros_like(weight), torch.zeros_like(bias)

    def read(self, chunk: slice) -> tuple[Tensor, Tensor]:
        """Return the features of some rows, (n K, D), as products take them, and their logits, (n K, V)."""
        read = self.features[chunk].flatten(0, 1).to(self.matrix.dtype)
        logits = self.logits[: len(read)]
        if not self.autocast:
            return read, torch.addmm(self.bias, read, self.transposed, out=logits)
        with torch.autocast(read.device.type, enabled=False):
            product = torch.mm(read, self.transposed, out=self.short[: len(read)])
            return read, torch.add(product, self.bias, out=logits)

    def learn(self, chunk: slice, read: Tensor, d_logits: Tensor, factor: Tensor) -> None:
        """Add what rows contribute to the gradients: those of their logits, (n K, V), times a factor each (n K, 1)."""
        with torch.autocast(read.device.type, enabled=False):
            short = self.short[: len(read)].copy_(d_logits) if self.autocast else d_logits
            self.d_features[chunk] = (short @ self.matrix).mul_(factor).view_as(self.features[chunk])
            weighted = (read * factor).to(read.dtype)
            if self.autocast:
                self.d_weight.add_(short.t() @ weighted)
            else:
                self.d_weight.addmm_(short.t(), weighted)
        self.d_bias.addmv_(d_logits.t(), factor.squeeze(1))


def scratch(like: Tensor, rows: int, columns: int) -> Tensor:
    """Return room for numbers (rows, columns) of the type and device of `like`, to be thrown away after the call.

    On a CPU a block of 32 MB or more comes straight from the system and goes back there, and of it only what is written
    to takes memory. Smaller ones come from the heap; freed between small tensors that stay, and asked for again a bit
    larger, they leave it in pieces.
    """
    count = rows * columns
    block = like.new_empty(max(count, _OWN_BLOCK // like.element_size()) if like.is_cpu else count)
    return block[:count].view(rows, columns)


def softmax_(logits: Tensor) -> Tensor:
    """Turn logits (N, V) into probabilities in place; return the logarithms of their normalisers, (N, 1).

    The framework's softmax takes each row through its passes while the row is in the cache, and is several times faster
    than exp or logsumexp over the same numbers; the normaliser is what the likeliest type's logit was, less what it
    became.
    """
    top = logits.amax(1, keepdim=True)
    torch.softmax(logits, 1, out=logits)
    return top.sub_(logits.amax(1, keepdim=True).log_())


def _shares(log_probs: Tensor, log_mixture: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return each expert's share in its row's target, (n K, 1), and the nats of all rows' targets together."""
    if log_mixture is None:
        return torch.ones_like(log_probs), -log_probs.sum()
    joint = log_probs.view_as(log_mixture) + log_mixture
    return joint.softmax(1).view(-1, 1), -joint.logsumexp(1).sum()
