"""Score a model on a text: every token once, in order, the state carried from the first to the last.

Shapes: B lanes (rows of the batch), T tokens of a window. The windows only bound memory; the result does not depend
on their length. With more than one lane the text is cut in B pieces that are read side by side, each from the initial
state: faster, slightly pessimistic, and stated in the signature.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anaphora.data.prepare import Excerpt, PreparedCorpus, SplitCounts
from anaphora.errors import ConfigError, CorpusError
from anaphora.evaluation.adapt.build import afresh, conditions
from anaphora.evaluation.metrics import bits_per, finite_or_none, perplexity
from anaphora.evaluation.signature import Signature
from anaphora.models.conditional import condition_of
from anaphora.models.language_model import LanguageModel
from anaphora.models.stepping import inference
from anaphora.progress import Event, Progress, silent

# Tokens of all lanes together. Nets are no faster in larger windows; looking up has a price for each call.
_WINDOW, _COUNTING_WINDOW = 2048, 1 << 16


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How well a model predicts a text. A number is never alone: the counts and the signature say of what.

    Attributes:
        loss: mean nats per token.
        perplexity: exp(loss); infinite where that exceeds a float.
        perplexity_without_unknown: the same over the tokens that are not `<unk>`; None where there are none.
        bits_per_char, bits_per_byte: of the raw text, before any tokenizer or normaliser (UTF-8 bytes).
        accuracy: share of tokens that were the model's most probable one.
        tokens, unknown_tokens: how many were scored, and how many of them are `<unk>`.
        characters, bytes: size of the raw text.
        signature: the conditions, see `Signature`.
        normalized: whether the model gives probabilities; if not, these are measures of scores and compare with no
            other model's.
    """

    loss: float
    perplexity: float
    perplexity_without_unknown: float | None
    bits_per_char: float
    bits_per_byte: float
    accuracy: float
    tokens: int
    unknown_tokens: int
    characters: int
    bytes: int
    signature: str
    normalized: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values. JSON has no infinity: a number that is not finite becomes null."""
        return {key: finite_or_none(value) if isinstance(value, float) else value for key, value in vars(self).items()}


def evaluate_split(
    model: LanguageModel,
    corpus: PreparedCorpus,
    split: str,
    *,
    model_hash: str | None = None,
    batch_size: int = 1,
    excerpt: Excerpt | None = None,
    called: str | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Score a model on one split of a corpus that was prepared with the model's tokenizer.

    Args:
        model: in any mode, on any device.
        corpus: holds the ids and the counts of the raw text.
        split: "train", "valid" or "test".
        model_hash: names the model in the signature.
        batch_size: lanes; see `evaluate_tokens`.
        excerpt: the beginning of the split, to score instead of all of it; the signature says so.
        called: what the signature calls the split; its own name by default.
        progress: told of every window.

    Raises:
        ConfigError: the corpus has no such split, or its tokenizer is not the model's.
        CorpusError: the split is empty.
    """
    if split not in corpus.splits:
        raise ConfigError(f"split = {split!r}: {corpus.name} has {', '.join(corpus.splits)}")
    tokenizer = corpus.tokenizer
    if tokenizer.vocab_size != model.vocab_size:
        raise ConfigError(
            f"{corpus.name} is prepared with {tokenizer.vocab_size:,} tokens, the model has {model.vocab_size:,}:"
            " prepare the corpus with the model's own tokenizer"
        )
    signature = Signature(
        unknown="none" if tokenizer.unk_id is None else "scored",
        split=called or split,
        context=model.context,
        normalized=model.normalized,
        tokenizer=tokenizer.hash,
        corpus=corpus.source_hash,
        model=model_hash,
        tokens="all" if excerpt is None else f"first-{excerpt.counts.tokens}",
        condition=condition_of(model),
    )
    return evaluate_tokens(
        model,
        corpus.token_ids(split) if excerpt is None else excerpt.token_ids,
        corpus.counts[split] if excerpt is None else excerpt.counts,
        start_id=tokenizer.start_id,
        unk_id=tokenizer.unk_id,
        signature=signature,
        batch_size=batch_size,
        progress=progress,
    )


def evaluate_tokens(
    model: LanguageModel,
    token_ids: NDArray[Any],
    counts: SplitCounts,
    *,
    start_id: int,
    signature: Signature,
    unk_id: int | None = None,
    batch_size: int = 1,
    window: int | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Score a text that is given as ids.

    The first token is predicted from `start_id` in the initial state, so all N are scored whatever the lanes; each
    lane after the first starts from the initial state too, but reads the true token before its own first.

    Args:
        model: in any mode, on any device. One that adapts starts anew, from the trained weights, and is not used up.
        token_ids: (N,), any integer type, memory-mapped or not.
        counts: of the same text before it was encoded; gives the denominators.
        start_id: the token that stands before the text, `Tokenizer.start_id`.
        signature: the conditions; the number of lanes and how the model adapts are set here.
        unk_id: `<unk>`, where the vocabulary has it.
        batch_size: lanes; no more than there are tokens.
        window: tokens that are in memory at a time, over all lanes; what suits the model when None.
        progress: told of every window.

    Raises:
        ConfigError: batch_size or window is less than 1.
        CorpusError: there are no tokens.
    """
    if window is None:
        window = _COUNTING_WINDOW if model.trained_by == "counting" else _WINDOW
    for name, value in (("batch_size", batch_size), ("window", window)):
        if value < 1:
            raise ConfigError(f"{name} = {value} for an evaluation: use 1 or more")
    if not len(token_ids):
        raise CorpusError(f"the {signature.split} text has no tokens: there is nothing to evaluate")
    lanes = min(batch_size, len(token_ids))
    sums = _score(afresh(model), token_ids, start_id, unk_id, lanes, window, progress)
    return evaluation_of(sums, counts, replace(signature, lanes=lanes, adapt=conditions(model)))


def evaluation_of(sums: "Sums", counts: SplitCounts, signature: Signature) -> Evaluation:
    """Return the figures that follow from the sums over a text and from its size."""
    total_nats, known = sums.nats + sums.unknown_nats, sums.tokens - counts.unknown_tokens
    loss = total_nats / sums.tokens
    return Evaluation(
        loss=loss,
        perplexity=perplexity(loss),
        perplexity_without_unknown=perplexity(sums.nats / known) if known else None,
        bits_per_char=bits_per(total_nats, counts.characters),
        bits_per_byte=bits_per(total_nats, counts.bytes),
        accuracy=sums.correct / sums.tokens,
        tokens=sums.tokens,
        unknown_tokens=counts.unknown_tokens,
        characters=counts.characters,
        bytes=counts.bytes,
        signature=str(signature),
        normalized=signature.normalized,
    )


class Sums(NamedTuple):
    """The nats of the known and of the unknown tokens, how many of all the model would have guessed."""

    nats: float
    unknown_nats: float
    correct: int
    tokens: int


def _score(
    model: LanguageModel,
    token_ids: NDArray[Any],
    start_id: int,
    unk_id: int | None,
    lanes: int,
    window: int,
    progress: Progress,
) -> Sums:
    with inference(model):
        device = model.device
        nats = torch.zeros(2, dtype=torch.float64, device=device)
        correct = torch.zeros((), dtype=torch.int64, device=device)
        state, done = model.initial_state(lanes), 0
        for inputs, targets, scored in _windows(token_ids, start_id, lanes, max(1, window // lanes)):
            targets, mask = targets.to(device), scored.to(device)
            log_probs, hits, state = model.score_targets(inputs.to(device), targets, state)
            lost = -log_probs.double().masked_fill(~mask, 0.0)
            unknown = torch.zeros_like(mask) if unk_id is None else targets == unk_id
            nats += torch.stack([lost.masked_fill(unknown, 0.0).sum(), lost.masked_fill(~unknown, 0.0).sum()])
            correct += (hits & mask).sum()
            done += int(scored.sum())
            progress(Event(stage="evaluate", done=done, total=len(token_ids), unit="tokens"))
        return Sums(float(nats[0]), float(nats[1]), int(correct), len(token_ids))


def _windows(
    token_ids: NDArray[Any], start_id: int, lanes: int, seq_len: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield inputs, targets (B, T), int64, and which targets count (B, T), bool.

    Lanes differ in length by one token at most: only the last column can hold targets of the next lane.
    """
    count = len(token_ids)
    borders = np.arange(lanes + 1) * count // lanes
    begins, ends = borders[:-1, None], borders[1:, None]
    longest = int((ends - begins).max())
    for offset in range(0, longest, seq_len):
        positions = begins + np.arange(offset, min(offset + seq_len, longest))
        scored = positions < ends
        positions = np.minimum(positions, count - 1)
        targets = token_ids[positions].astype(np.int64)
        inputs = token_ids[np.maximum(positions - 1, 0)].astype(np.int64)
        inputs[positions == 0] = start_id
        yield torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(scored)
