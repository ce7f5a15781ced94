"""`compare`: which of two models predicts a text better, where, and whether that is more than luck."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.api.models import loaded
from anaphora.api.scoring import line_signature
from anaphora.bundle import Bundle
from anaphora.errors import AnaphoraWarning, ConfigError, CorpusError
from anaphora.evaluation.compare import Difference, largest, paired_bootstrap
from anaphora.evaluation.metrics import bits
from anaphora.evaluation.scoring import LineScore, LineScorer, score_lines
from anaphora.text.line_source import read_lines

UNITS = ("nats-per-token", "bits-per-byte")
_CONTEXT_TOKENS = 6  # shown before a token in the listing


@dataclass(frozen=True, kw_only=True)
class Place:
    """A token, or a line, on which two models differ.

    Attributes:
        line: its number in the text.
        text: the token, or the line.
        before: the tokens before it in its line, as text.
        first, second: what it costs each model, in bits.
    """

    line: int
    text: str
    before: str
    first: float
    second: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two models on one text.

    Attributes:
        models: their folders.
        unit: of the losses: "nats-per-token" or "bits-per-byte".
        difference: the losses and how far their difference can be trusted.
        first_wins, second_wins: where each is furthest ahead: tokens, or lines when tokens differ.
        signatures: the conditions of each.
    """

    models: tuple[str, str]
    unit: str
    difference: Difference
    first_wins: tuple[Place, ...]
    second_wins: tuple[Place, ...]
    signatures: tuple[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return {
            "models": list(self.models),
            "unit": self.unit,
            **self.difference.to_json(),
            "first_wins": [dict(vars(place)) for place in self.first_wins],
            "second_wins": [dict(vars(place)) for place in self.second_wins],
            "signatures": list(self.signatures),
        }


def compare(
    first: Bundle | str | Path,
    second: Bundle | str | Path,
    text: str | Path,
    *,
    unit: str = "nats-per-token",
    context: str = "stream",
    top: int = 10,
    draws: int = 1000,
    seed: int = 1,
    encoding: str = "utf-8",
    device: str = "auto",
) -> Comparison:
    """Compare two models on a text, with a paired bootstrap over its lines.

    Args:
        first: a loaded model, or its folder.
        second: the other.
        text: a file, or "-" for stdin.
        unit: "nats-per-token", for models over the same tokens; or "bits-per-byte" of the raw text, for any.
        context: "stream" carries the state over the whole text, as `evaluate` does; "line" starts anew at each line.
        top: how many places to list for each side.
        draws: of the bootstrap.
        seed: of the draws.
        encoding: of the text.
        device: where models are loaded to.

    Raises:
        AnaphoraError: models over different tokens, unless in bits per byte; a model that gives no probabilities; a
            text that cannot be read.

    >>> compare("runs/lstm", "runs/kn5", "test.txt").difference.p  # doctest: +SKIP
    """
    _check(unit=unit, top=top, draws=draws)
    bundles = loaded(first, device), loaded(second, device)
    _check_comparable(bundles, unit)
    lines = [line for group in read_lines(text, encoding) for line in group]
    one, other = (
        list(score_lines(LineScorer(bundle.model, bundle.tokenizer, context=context), [lines])) for bundle in bundles
    )
    of_bytes = unit == "bits-per-byte"
    units = np.array([line.total.bytes if of_bytes else line.total.tokens for line in one], dtype=np.float64)
    if not units.sum():
        raise CorpusError(f"{text} has nothing to compare on: its lines are empty")
    same_tokens = bundles[0].tokenizer.hash == bundles[1].tokenizer.hash
    wins = _tokens(bundles[0], one, other, top) if same_tokens else _lines(one, other, top)
    return Comparison(
        models=(str(bundles[0].path), str(bundles[1].path)),
        unit=unit,
        difference=paired_bootstrap(
            _costs(one, in_bits=of_bytes), _costs(other, in_bits=of_bytes), units, draws=draws, seed=seed
        ),
        first_wins=wins[0],
        second_wins=wins[1],
        signatures=(str(line_signature(bundles[0], context=context)), str(line_signature(bundles[1], context=context))),
    )


def _costs(scores: Sequence[LineScore], *, in_bits: bool) -> NDArray[np.float64]:
    """Return what each line costs a model, in bits or nats."""
    nats = np.array([-line.total.log_prob for line in scores])
    return nats * bits(1.0) if in_bits else nats


def _check(*, unit: str, top: int, draws: int) -> None:
    if unit not in UNITS:
        raise ConfigError(f"unit = {unit!r} for a comparison: use {' or '.join(UNITS)}")
    if top < 0 or draws < 1:
        name, value, least = ("top", top, 0) if top < 0 else ("draws", draws, 1)
        raise ConfigError(f"{name} = {value} for a comparison: use {least} or more")


def _check_comparable(bundles: Sequence[Bundle], unit: str) -> None:
    """Refuse models whose losses are not of the same kind."""
    first, second = bundles
    for bundle in bundles:
        if not bundle.model.normalized:
            raise ConfigError(
                f"{bundle.path} gives scores that do not sum to one, no probabilities: its loss compares with no other"
            )
    if unit == UNITS[0] and first.tokenizer.hash != second.tokenizer.hash:
        raise ConfigError(
            f"{first.path} and {second.path} cut text into different tokens (tokenizer {first.tokenizer.hash[:8]},"
            f" {second.tokenizer.hash[:8]}), so their losses per token do not compare; use --unit bits-per-byte"
        )
    unknown = [bundle for bundle in bundles if bundle.tokenizer.unk_id is not None]
    if unit == UNITS[1] and first.tokenizer.hash != second.tokenizer.hash and unknown:
        warnings.warn(
            f"{unknown[0].path} has a token for all that is unknown to it, which costs less than to spell it: text with"
            " unknown words or characters favours it",
            AnaphoraWarning,
            stacklevel=3,
        )


def _tokens(
    bundle: Bundle, first: list[LineScore], second: list[LineScore], top: int
) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """Return the tokens on which each model is furthest ahead of the other."""
    costs = [np.concatenate([-line.log_probs for line in own]) for own in (first, second)]
    ends = np.cumsum([len(line.log_probs) for line in first])

    def place(index: int) -> Place:
        number = int(np.searchsorted(ends, index, side="right"))
        token_ids = first[number].token_ids.tolist()
        at = index - (int(ends[number]) - len(token_ids))
        return Place(
            line=number + 1,
            text=bundle.tokenizer.token(token_ids[at]),
            before=bundle.tokenizer.decode(token_ids[max(0, at - _CONTEXT_TOKENS) : at]),
            first=bits(float(costs[0][index])),
            second=bits(float(costs[1][index])),
        )

    ahead, behind = largest(costs[0] - costs[1], top)
    return tuple(map(place, ahead)), tuple(map(place, behind))


def _lines(first: list[LineScore], second: list[LineScore], top: int) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """Return the lines on which each model is furthest ahead of the other."""
    costs = [_costs(own, in_bits=True) for own in (first, second)]

    def place(index: int) -> Place:
        return Place(
            line=index + 1,
            text=first[index].text,
            before="",
            first=float(costs[0][index]),
            second=float(costs[1][index]),
        )

    ahead, behind = largest(costs[0] - costs[1], top)
    return tuple(map(place, ahead)), tuple(map(place, behind))
