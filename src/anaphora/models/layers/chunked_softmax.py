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

from anaphora.models.language_model import Losses, product_format
from anaphora.models.layers import softmax_pass
from anaphora.models.vector_math import loops_serve

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
        work = _Work(features, weight, bias, rows, learning)
        nats, smoothed = bias.new_zeros(2).unbind()
        d_mixture: list[Tensor] = []  # of each chunk
        for chunk in (slice(first, first + rows) for first in range(0, len(features), rows)):
            read, logits = work.read(chunk)
            turn = softmax_pass.to_gradient if loops_serve(logits, bias) else _to_gradient
            if log_mixture is None:
                log_probs, means = turn(logits, bias, targets[chunk], label_smoothing, scale)
                nats.sub_(log_probs.sum())
                smoothed.sub_(means.sum())
                if learning:
                    work.learn(chunk, read, logits)
            else:
                log_probs, _ = turn(logits, bias, targets[chunk].repeat_interleave(features.shape[1]), 0.0, 1.0)
                share, surprise = _shares(log_probs, log_mixture[chunk])
                nats.add_(surprise)
                if learning:
                    work.learn(chunk, read, logits, share.view(-1).mul_(scale))
                    d_mixture.append(share.neg())
        objective = torch.lerp(nats, smoothed, label_smoothing) if label_smoothing else nats.clone()
        if learning:
            ctx.save_for_backward(
                work.d_features, work.d_weight, work.d_bias, torch.cat(d_mixture) if d_mixture else None
            )
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
        self.features = features
        self.matrix = weight.to(product_format(features))
        self.short = self.matrix.dtype != weight.dtype
        # In bfloat16 a product with a transposed view takes several times as long; in float32 it makes no difference.
        self.transposed = self.matrix.t().contiguous() if self.short else self.matrix.t()
        self.logits = scratch(self.matrix, min(rows, len(features)) * features.shape[1], len(weight))
        if learning:
            self.d_features = torch.empty_like(features)
            self.d_weight, self.d_bias = torch.zeros_like(weight), torch.zeros_like(bias)

    def read(self, chunk: slice) -> tuple[Tensor, Tensor]:
        """Return the features of some rows, (n K, D), as products take them, and their logits, (n K, V), less bias."""
        read = self.features[chunk].flatten(0, 1).to(self.matrix.dtype)
        with torch.autocast(read.device.type, enabled=False):
            return read, torch.mm(read, self.transposed, out=self.logits[: len(read)])

    def learn(self, chunk: slice, read: Tensor, d_logits: Tensor, factor: Tensor | None = None) -> None:
        """Add what rows contribute to the gradients: those of their logits, (n K, V), times a factor each (n K,)."""
        with torch.autocast(read.device.type, enabled=False):
            d_features = d_logits @ self.matrix
            if factor is not None:
                d_features, read = d_features.mul_(factor.unsqueeze(1)), (read * factor.unsqueeze(1)).to(read.dtype)
            self.d_features[chunk] = d_features.view_as(self.features[chunk])
            if self.short:
                self.d_weight.add_(d_logits.t() @ read)
            else:
                self.d_weight.addmm_(d_logits.t(), read)
            softmax_pass.add_to_bias(
                d_logits, self.d_bias.new_ones(len(read)) if factor is None else factor, self.d_bias
            )


def _to_gradient(
    logits: Tensor, bias: Tensor, targets: Tensor, label_smoothing: float, scale: float
) -> tuple[Tensor, Tensor]:
    """Do what `softmax_pass.to_gradient` does, in operations on all rows: on GPUs and at double precision."""
    full = logits.to(bias.dtype).add_(bias) if logits.dtype != bias.dtype else logits.add_(bias)
    wanted = targets.unsqueeze(1)
    picked, means = full.gather(1, wanted), full.mean(1) if label_smoothing else None
    log_z = softmax_(full)
    full.scatter_add_(1, wanted, torch.full_like(picked, label_smoothing - 1))
    if label_smoothing:
        full.sub_(label_smoothing / len(bias))
    if scale != 1.0:
        full.mul_(scale)
    if full is not logits:
        logits.copy_(full)
    log_z = log_z.squeeze(1)
    return picked.squeeze(1) - log_z, torch.zeros_like(log_z) if means is None else means - log_z


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


def _shares(log_probs: Tensor, log_mixture: Tensor) -> tuple[Tensor, Tensor]:
    """Return each expert's share in its row's target, (n, K), and the nats of all rows' targets together."""
    joint = log_probs.view_as(log_mixture) + log_mixture
    return joint.softmax(1), -joint.logsumexp(1).sum()
