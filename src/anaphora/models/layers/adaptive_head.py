"""The adaptive softmax: most targets are frequent words, so most of them pay for a short list only.

Grave et al. 2017, "Efficient softmax approximation for GPUs" (arXiv 1609.04309). A first softmax chooses among the most
frequent types and one gate for each band of rarer ones; a second one, behind a narrowing matrix, chooses within the
band. Which types are frequent is counted, so any tokenizer will do. Tied, it shares the tables of an AdaptiveEmbedding.

Shapes: N rows, D width of the features, V vocabulary, S types in the short list, G gates.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.language_model import Losses, at_least_float32
from anaphora.models.layers.adaptive_embedding import AdaptiveEmbedding
from anaphora.models.layers.bands import Bands, in_full_precision, ranks_by
from anaphora.models.layers.chunked_softmax import chunked_cross_entropy, scratch, softmax_
from anaphora.models.layers.head import Head, HeadConfig

_BAND_SHARE = 0.2  # of a text's tokens lie in one band of rarer types, roughly


class AdaptiveHead(Head):
    """Softmax over S + G, and for rarer types another over their band."""

    def __init__(self, config: HeadConfig, vocab_size: int, width: int, embedding: nn.Module) -> None:
        super().__init__(config, vocab_size, width, embedding)
        self.bands = Bands.of(vocab_size, width, config.head_cutoffs, config.head_div_value)
        sizes, widths = self.bands.sizes, self.bands.widths
        own = [] if self._tied else [nn.Parameter(torch.empty(shape)) for shape in zip(sizes, widths, strict=True)]
        self.own_tables = nn.ParameterList(own)
        self.gates = nn.Parameter(torch.empty(len(sizes) - 1, width))
        self.narrowing = nn.ParameterList(nn.Parameter(torch.empty(narrow, width)) for narrow in widths[1:])
        first = sizes[0] + len(sizes) - 1
        self.biases = nn.ParameterList(nn.Parameter(torch.empty(size)) for size in (first, *sizes[1:]))
        self.register_buffer("own_ranks", None if self._tied else torch.arange(vocab_size))

    @property
    def multiplications(self) -> int:
        first = (self.bands.sizes[0] + len(self.gates)) * self.width
        tables = sum(size * width for size, width in zip(self.bands.sizes[1:], self.bands.widths[1:], strict=True))
        rarer: int = tables + sum(matrix.numel() for matrix in self.narrowing)
        return first + round(_BAND_SHARE * rarer)

    def reset_parameters(self) -> None:
        for matrix in (*self.own_tables, self.gates, *self.narrowing):
            nn.init.uniform_(matrix, -(matrix.shape[1] ** -0.5), matrix.shape[1] ** -0.5)
        for bias in self.biases:
            nn.init.zeros_(bias)

    @property
    def _source(self) -> AdaptiveEmbedding | None:
        return cast(AdaptiveEmbedding, self._tied[0]) if self._tied else None

    @property
    def tables(self) -> nn.ParameterList:
        """The rows of the types by rank, a matrix for each band: the embedding's when the weights are tied."""
        return self.own_tables if self._source is None else self._source.tables

    @property
    def ranks(self) -> Tensor:
        """The place by frequency of each type, (V,)."""
        return cast(Tensor, self.own_ranks) if self._source is None else self._source.ranks

    def start_from_unigrams(self, log_probs: Tensor) -> None:
        self.ranks.copy_(ranks_by(log_probs))
        if self.config.head_bias == "zero":
            return
        by_rank = torch.empty_like(log_probs).scatter_(0, self.ranks, log_probs)
        first, *rarer = by_rank.split(self.bands.sizes)
        shares = [band.logsumexp(0, keepdim=True) for band in rarer]
        self.biases[0].data.copy_(torch.cat([first, *shares]))
        for bias, band, share in zip(self.biases[1:], rarer, shares, strict=True):
            bias.data.copy_(band - share)

    def losses(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Losses:
        self._refuse(label_smoothing)
        scale, most = 1 / len(targets), self.config.head_max_logits
        first, *rarer = self.bands.sort(self.ranks[targets])
        choices = torch.empty_like(targets)  # in the first softmax: the type, or the gate to its band
        choices[first.rows] = first.places
        for gate, band in enumerate(rarer, start=self.bands.sizes[0]):
            choices[band.rows] = gate
        parts = [
            chunked_cross_entropy(features, self._first_matrix(), self.biases[0], choices, scale=scale, max_logits=most)
        ]
        for (rows, places), table, narrow, bias in zip(rarer, *self._rarer(), strict=True):
            if len(rows) > 0:
                with in_full_precision(features.device):
                    narrowed = F.linear(features.index_select(0, rows).to(narrow.dtype), narrow)
                    parts.append(chunked_cross_entropy(narrowed, table, bias, places, scale=scale, max_logits=most))
        nats, objectives = zip(*parts, strict=True)
        return Losses(torch.stack(nats).sum(), torch.stack(objectives).sum())

    def log_probs(self, features: Tensor) -> Tensor:
        first = self._first_log_probs(features)
        short_list, gates = first.split([self.bands.sizes[0], len(self.gates)], -1)
        rarer = [
            gate + self._within(features, *matrices)
            for gate, *matrices in zip(gates.split(1, -1), *self._rarer(), strict=True)
        ]
        return torch.cat([short_list, *rarer], -1)[..., self.ranks]

    def score(self, features: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if torch.is_grad_enabled():  # dynamic evaluation learns from its scores: what follows works in place
            return super().score(features, targets)
        rows = max(1, self.config.head_max_logits // max(self.bands.sizes))
        block = scratch(self.gates, rows, max(self.bands.sizes)).flatten()
        parts = [
            self._score(read, ranks, block)
            for read, ranks in zip(features.split(rows), self.ranks[targets].split(rows), strict=True)
        ]
        log_probs, correct = zip(*parts, strict=True)
        return torch.cat(log_probs), torch.cat(correct)

    def _score(self, features: Tensor, ranks: Tensor, block: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `score` does, for targets by rank, at once, with the logits of a band in `block`.

        A band is looked into where the target lies in it, and where its gate is likelier than the likeliest type so
        far: nowhere else can it hold the target or the most probable type.
        """
        size = self.bands.sizes[0]
        first = self._first_log_probs(features)
        best, guess = first[:, :size].max(1)
        log_probs = first.gather(1, ranks.clamp(max=size - 1).unsqueeze(1)).squeeze(1)
        for number, matrices in enumerate(zip(*self._rarer(), strict=True)):
            start, end = self.bands.bounds[number + 1 : number + 3]
            gate, inside = first[:, size + number], (ranks >= start) & (ranks < end)
            rows = (inside | (gate > best)).nonzero().squeeze(1)
            if len(rows) == 0:
                continue
            table, narrow, bias = matrices
            within = block[: len(rows) * len(bias)].view(len(rows), len(bias))
            torch.addmm(bias, F.linear(features[rows], narrow).to(bias.dtype), table.t(), out=within)
            places = (ranks[rows] - start).clamp(0, end - start - 1).unsqueeze(1)
            picked, (top, place) = within.gather(1, places).squeeze(1), within.max(1)
            share = gate[rows] - softmax_(within).squeeze(1)
            log_probs[rows] = torch.where(inside[rows], picked + share, log_probs[rows])
            top = top + share
            better = top > best[rows]
            best[rows] = torch.where(better, top, best[rows])
            guess[rows] = torch.where(better, place + start, guess[rows])
        return log_probs, guess == ranks

    def _rarer(self) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Return table, narrowing matrix and bias of the bands after the first."""
        return list(self.tables)[1:], list(self.narrowing), list(self.biases)[1:]

    def _first_matrix(self) -> Tensor:
        """Return the rows of the short list and of the gates, (S + G, D)."""
        return torch.cat([self.tables[0], self.gates])

    def _first_log_probs(self, features: Tensor) -> Tensor:
        """Return the log-probabilities of the first softmax, (..., S + G)."""
        return at_least_float32(F.linear(features, self._first_matrix(), self.biases[0])).log_softmax(-1)

    def _within(self, features: Tensor, table: Tensor, narrow: Tensor, bias: Tensor) -> Tensor:
        """Return the log-probabilities of the types of a band, (..., size), given that it is that band."""
        return at_least_float32(F.linear(F.linear(features, narrow), table, bias)).log_softmax(-1)
