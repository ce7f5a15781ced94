"""Score lines one by one: how probable is each, and where in it lies the surprise.

Every line is a text of its own (context "line"), or goes on where the one before it ended (context "stream"). Lines are
scored side by side for speed; what a line gets does not depend on its neighbours, and lines come back in their order.

Shapes: B lines read side by side, T tokens of a window.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from anaphora.data.prepare import count_unknown
from anaphora.errors import ConfigError, TokenizerError
from anaphora.evaluation.adapt.build import afresh
from anaphora.evaluation.adapt.dynamic import DynamicLanguageModel
from anaphora.evaluation.metrics import bits, bits_per, finite_or_none, perplexity
from anaphora.models.language_model import LanguageModel, State
from anaphora.models.stepping import inference
from anaphora.text.bytes import utf8_bytes
from anaphora.text.tokenizer import TokenIds, Tokenizer

CONTEXTS = ("line", "stream")

_WINDOW = 2048  # tokens of all lines side by side, read at a time; bounds memory for a line of any length
_LINES_AT_ONCE = 256  # more are no faster, and a reader would wait longer for the first of them


@dataclass(frozen=True, kw_only=True)
class TextScore:
    """What a text got, and how much text that was: sums, so that scores add up.

    Attributes:
        log_prob: natural log-probability of all its tokens; only a score where the model is not normalised.
        tokens, unknown_tokens: how many were scored, and how many of them are `<unk>`.
        characters, bytes: of the raw text, its line ends among them where they are scored.
    """

    log_prob: float = 0.0
    tokens: int = 0
    unknown_tokens: int = 0
    characters: int = 0
    bytes: int = 0

    @property
    def perplexity(self) -> float:
        """exp(-log_prob / tokens); not a number where there are no tokens."""
        return perplexity(-self.log_prob / self.tokens) if self.tokens else math.nan

    @property
    def bits_per_byte(self) -> float:
        """Bits for each byte of the raw text; not a number where there is none."""
        return bits_per(-self.log_prob, self.bytes) if self.bytes else math.nan

    def __add__(self, other: "TextScore") -> "TextScore":
        return TextScore(**{name: value + vars(other)[name] for name, value in vars(self).items()})

    def to_json(self) -> dict[str, Any]:
        """Return sums and measures as JSON values; what is not finite becomes null."""
        measures = {"perplexity": self.perplexity, "bits_per_byte": self.bits_per_byte}
        return {name: finite_or_none(value) for name, value in {**vars(self), **measures}.items()}


@dataclass(frozen=True, kw_only=True)
class LineScore:
    """A line and its score.

    Attributes:
        text: the line, without its line end.
        total: the score.
        token_ids: (N,), what was scored.
        log_probs: (N,), float32, nats.
    """

    text: str
    total: TextScore
    token_ids: TokenIds
    log_probs: NDArray[np.float32]

    def surprisals(self) -> list[float]:
        """Return each token's surprise in bits."""
        return [bits(-log_prob) for log_prob in self.log_probs.tolist()]


class LineScorer:
    """Scores lines that come in groups.

    Args:
        model: in any mode, on any device.
        tokenizer: the model's own.
        context: "line" reads each line from the initial state, after the tokenizer's start token; "stream" carries the
            state on from line to line, as an evaluation of the whole text does.
        with_end: score the line end too, as the tokenizer reads it: `<eos>`, a line break, a space, or nothing. An
            empty line is its line end, and without that it has no tokens.

    Raises:
        ConfigError: no such context; a stream without line ends, whose lines would run into each other; or dynamic
            evaluation outside a stream.
    """

    def __init__(
        self, model: LanguageModel, tokenizer: Tokenizer, *, context: str = "line", with_end: bool = True
    ) -> None:
        if context not in CONTEXTS:
            raise ConfigError(f"context = {context!r} for scoring lines: use {' or '.join(CONTEXTS)}")
        if context == "stream" and not with_end:
            raise ConfigError(
                "a stream without line ends would join its lines: score the ends, or use context = 'line'"
            )
        if context != "stream" and isinstance(model, DynamicLanguageModel):
            raise ConfigError(
                f"context = {context!r} with dynamic evaluation: its weights follow a text from line to line; use"
                " context = 'stream'"
            )
        self._model = afresh(model)
        self._tokenizer = tokenizer
        self._end = "\n" if with_end else ""
        self._in_stream = context == "stream"
        self._last_id, self._state = tokenizer.start_id, model.initial_state(1)  # where a stream stands
        self._lines = 0

    def score(self, lines: Sequence[str]) -> list[LineScore]:
        """Score some lines; in a stream, those that follow the ones scored before.

        Raises:
            TokenizerError: the tokenizer cannot express a line; with its number.
        """
        token_ids = [self._encode(number, line) for number, line in enumerate(lines, start=self._lines + 1)]
        self._lines += len(lines)
        with inference(self._model):
            log_probs = self._read_on(token_ids) if self._in_stream else self._read_apart(token_ids)
        return list(map(self._scored, lines, token_ids, log_probs))

    def _encode(self, number: int, line: str) -> TokenIds:
        try:
            pieces = list(self._tokenizer.encode_chunks([line + self._end]))
        except TokenizerError as fault:
            raise TokenizerError(f"line {number}: {fault}") from None
        return np.concatenate([np.empty(0, self._tokenizer.dtype), *pieces])

    def _scored(self, line: str, token_ids: TokenIds, log_probs: NDArray[np.float32]) -> LineScore:
        raw = line + self._end
        total = TextScore(
            log_prob=float(log_probs.sum(dtype=np.float64)),
            tokens=len(token_ids),
            unknown_tokens=count_unknown(token_ids, self._tokenizer),
            characters=len(raw),
            bytes=len(utf8_bytes(raw)),
        )
        return LineScore(text=line, total=total, token_ids=token_ids, log_probs=log_probs)

    def _read_on(self, token_ids: list[TokenIds]) -> list[NDArray[np.float32]]:
        """Score lines as one text that goes on from where the stream stands."""
        targets = np.concatenate([np.empty(0, np.int64), *token_ids])
        if not len(targets):
            return [np.empty(0, np.float32) for _ in token_ids]
        inputs = np.concatenate(([self._last_id], targets[:-1]))
        scores, self._state = self._read(inputs[None], targets[None], self._state)
        self._last_id = int(targets[-1])
        return np.split(scores[0], np.cumsum([len(ids) for ids in token_ids])[:-1])

    def _read_apart(self, token_ids: list[TokenIds]) -> list[NDArray[np.float32]]:
        """Score each line as a text of its own, lines of like length side by side."""
        log_probs = [np.empty(0, np.float32) for _ in token_ids]
        order = sorted((place for place, ids in enumerate(token_ids) if len(ids)), key=lambda at: len(token_ids[at]))
        for places in _batches(order, [len(token_ids[place]) for place in order]):
            longest = len(token_ids[places[-1]])
            targets = np.full((len(places), longest), self._tokenizer.start_id)
            for row, place in enumerate(places):
                targets[row, : len(token_ids[place])] = token_ids[place]
            inputs = np.concatenate((np.full((len(places), 1), self._tokenizer.start_id), targets[:, :-1]), axis=1)
            scores, _ = self._read(inputs, targets, self._model.initial_state(len(places)))
            for row, place in enumerate(places):
                log_probs[place] = scores[row, : len(token_ids[place])]
        return log_probs

    def _read(
        self, inputs: NDArray[np.int64], targets: NDArray[np.int64], state: State
    ) -> tuple[NDArray[np.float32], State]:
        """Score targets (B, T) window by window; return log-probabilities (B, T) and the last state."""
        width, device = max(1, _WINDOW // len(inputs)), self._model.device
        scores = np.empty(targets.shape, np.float32)
        for begin in range(0, targets.shape[1], width):
            window = slice(begin, begin + width)
            tokens, wanted = (torch.from_numpy(ids[:, window]).to(device) for ids in (inputs, targets))
            log_probs, state = self._model.target_log_probs(tokens, wanted, state)
            scores[:, window] = log_probs.cpu().numpy()
        return scores, state


def score_lines(scorer: LineScorer, groups: Iterable[Sequence[str]]) -> Iterator[LineScore]:
    """Score lines as they arrive in groups, each group as soon as it is there; in constant memory."""
    for group in groups:
        for begin in range(0, len(group), _LINES_AT_ONCE):
            yield from scorer.score(group[begin : begin + _LINES_AT_ONCE])


def _batches(order: list[int], lengths: list[int]) -> Iterator[list[int]]:
    """Cut places, sorted by length, into batches of lines that are padded by a quarter of their tokens at most."""
    begin = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or lengths[end] > 1.25 * lengths[begin] + 1 or lengths[end] * (end - begin) >= _WINDOW:
            yield order[begin:end]
            begin = end
