"""N-gram models under the one contract: tables in ordinary buffers, a state that is the last N - 1 tokens.

The arithmetic is numpy's, on the CPU, wherever the buffers live: looking up is no work for a GPU.
Shapes: B batch, T time, V vocabulary, N order.
"""

import math
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from anaphora.errors import ConfigError
from anaphora.models.language_model import (
    NO_SPECIAL_IDS,
    CountingLanguageModel,
    ModelConfig,
    SpecialIds,
    State,
    TokenIds,
)
from anaphora.models.ngram.config import NGramConfig, TableSizes
from anaphora.models.ngram.names import FAMILIES, IMPORTED
from anaphora.models.ngram.query import NOTHING, NGramQuery
from anaphora.models.ngram.store import PackedTables, layout, pack
from anaphora.models.ngram.tables import NGramTables


class NGramLanguageModel(CountingLanguageModel):
    """A back-off n-gram model. Until `fit` or `set_tables` is called it is the uniform model."""

    config_class: ClassVar[type[ModelConfig]] = NGramConfig
    config: NGramConfig

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        assert isinstance(config, NGramConfig)
        super().__init__(config, vocab_size)
        sizes = self._sizes.rows
        if len(sizes) != config.order or sizes[0] != vocab_size:
            raise ConfigError(
                f"rows = {list(sizes)} in [model.tables]: {config.name} over {vocab_size:,} tokens has"
                f" {config.order} orders, the first of {vocab_size:,} rows"
            )
        for name, (shape, dtype) in layout(sizes, quantized=config.quantize is not None).items():
            self.register_buffer(name, torch.zeros(shape, dtype=getattr(torch, dtype.name)))
        if config.tables is None:
            self._keep(pack(_uniform(vocab_size, config.order), quantized=config.quantize is not None))

    @property
    def context(self) -> str:
        return "stream" if self._sizes.sentence_end is None else "sentence"

    @property
    def normalized(self) -> bool:
        return self._sizes.normalized

    def fit(self, token_ids: TokenIds, special_ids: SpecialIds = NO_SPECIAL_IDS) -> Self:
        """Count and smooth.

        Raises:
            ConfigError: no sentences without `<eos>`; or the model is one that was imported.
        """
        # Imported here: estimation loads numba, which nobody else needs.
        from anaphora.models.ngram.estimate import estimate
        from anaphora.models.ngram.runs import count_within

        config, eos_id = self.config, special_ids.eos_id
        if config.family == IMPORTED:
            raise ConfigError(f"name = {config.name!r} in [model]: such a model comes from `anaphora import FILE.arpa`")
        if config.context == "sentence" and eos_id is None:
            raise ConfigError(
                "context = 'sentence' in [model]: this tokenizer has no <eos> to end a sentence; use line_breaks = eos"
            )
        sentence_end = None if config.context == "stream" else eos_id
        counts = count_within(
            token_ids,
            config.memory_bytes,
            order=config.order,
            vocab_size=self.vocab_size,
            start_id=special_ids.start_id if sentence_end is None else sentence_end,
            sentences=sentence_end is not None,
        )
        tables = estimate(
            counts,
            smoothing=FAMILIES[config.family][0],
            prune=config.prune,
            unk_id=special_ids.unk_id,
            reserve_unseen=config.reserve_unseen,
            added_count=config.k,
        )
        return self.set_tables(tables, sentence_end=sentence_end)

    def set_tables(self, tables: NGramTables, *, sentence_end: int | None) -> Self:
        """Take over tables, however they were made; no context reaches across `sentence_end`."""
        packed = pack(tables, quantized=self.config.quantize is not None, sentence_end=sentence_end)
        sizes = TableSizes(
            rows=packed.sizes,
            sentence_end=sentence_end,
            unseen_backoff=tables.unseen_backoff,
            normalized=tables.normalized,
        )
        self.config = self.config.replace(tables=sizes)
        self._keep(packed)
        return self

    def query(self) -> NGramQuery:
        """Return the tables, ready to be asked; views of the buffers as they are now."""
        sizes = self._sizes
        return NGramQuery(
            PackedTables(
                sizes=sizes.rows,
                unseen_backoff=sizes.unseen_backoff,
                sentence_end=sizes.sentence_end,
                **{name: buffer.numpy() for name, buffer in self.named_buffers()},
            )
        )

    def initial_state(self, batch_size: int) -> State:
        return (torch.full((batch_size, self.config.order - 1), NOTHING),)

    def target_log_probs(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        log_probs, _, state = self._score(tokens, targets, state, want_hits=False)
        return log_probs, state

    def score_targets(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        return self._score(tokens, targets, state, want_hits=True)

    def next_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        state = self._read(tokens, state)
        return torch.from_numpy(self.query().next_log_probs(state[0].cpu().numpy())).to(tokens.device), state

    def all_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        log_probs = self.query().all_log_probs(tokens.cpu().numpy(), state[0].cpu().numpy())
        return torch.from_numpy(log_probs).to(tokens.device), self._read(tokens, state)

    def _score(self, tokens: Tensor, targets: Tensor, state: State, *, want_hits: bool) -> tuple[Tensor, Tensor, State]:
        arrays = (part.cpu().numpy() for part in (tokens, targets, *state))
        answers = (
            torch.from_numpy(part).to(tokens.device) for part in self.query().score(*arrays, want_hits=want_hits)
        )
        log_probs, hits = answers
        return log_probs, hits, self._read(tokens, state)

    def _read(self, tokens: Tensor, state: State) -> State:
        """Return the state after tokens (B, T)."""
        read = torch.cat([state[0].to(tokens.device), tokens], 1)
        return (read[:, read.shape[1] - self.config.order + 1 :],)

    @property
    def _sizes(self) -> TableSizes:
        return self.config.tables or TableSizes(rows=(self.vocab_size,) + (0,) * (self.config.order - 1))

    def _keep(self, packed: PackedTables) -> None:
        for name in layout(packed.sizes, quantized=packed.log_prob_values is not None):
            setattr(self, name, torch.from_numpy(getattr(packed, name)))

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """Leave the tables where they are: on the CPU, in their own types."""
        return self


def _uniform(vocab_size: int, order: int) -> NGramTables:
    """Return tables in which every token is equally likely, whatever came before."""
    sizes = (vocab_size,) + (0,) * (order - 1)
    return NGramTables(
        vocab_size=vocab_size,
        words=tuple(np.arange(size, dtype=np.uint32) for size in sizes),
        children=tuple(np.zeros(size + 1, np.uint32) for size in sizes[:-1]),
        log_probs=tuple(np.full(size, -math.log(vocab_size), np.float32) for size in sizes),
        backoffs=tuple(np.zeros(size, np.float32) for size in sizes[:-1]),
    )
