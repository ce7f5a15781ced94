"""`rescore`: let a language model have its say among the candidates of a recogniser or a translator."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anaphora.api.models import loaded
from anaphora.api.scoring import line_signature
from anaphora.bundle import Bundle
from anaphora.errors import ConfigError
from anaphora.evaluation.edits import METRICS, count_errors, count_units
from anaphora.evaluation.reranking import Choices, Floats, tune
from anaphora.evaluation.scoring import LineScorer, score_lines
from anaphora.settings import did_you_mean
from anaphora.text.nbest import Candidate, read_nbest, read_references

_FREE = (1, 2, 3)  # the features whose weights are tuned; the first pass's own weight is 1
_RESTARTS = 10


@dataclass(frozen=True, kw_only=True)
class RankedCandidate:
    """A candidate with what the model says.

    Attributes:
        candidate: as it was read.
        log_prob: of its text and the line end under the model, in nats.
        combined: score + lm_weight * log_prob - word_penalty * words - length_penalty * characters.
    """

    candidate: Candidate
    log_prob: float
    combined: float

    def to_json(self) -> dict[str, Any]:
        """Return the candidate as JSON values."""
        own = self.candidate
        return {
            "line": own.line,
            "text": own.text,
            "score": own.score,
            "log_prob": self.log_prob,
            "combined": self.combined,
        }


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What tuning the weights brought, as error rates on the references.

    Attributes:
        metric: "wer", "cer" or "ser".
        first_pass: choosing by the first pass alone.
        before: with the weights that were given.
        after: with those that were found.
        best_possible: always choosing the candidate with the fewest errors.
    """

    metric: str
    first_pass: float
    before: float
    after: float
    best_possible: float


@dataclass(frozen=True, kw_only=True)
class RescoreResult:
    """All candidates, ranked anew.

    Attributes:
        ranked: for each id its candidates, best first; ids in the order of the list.
        weights: lm_weight, word_penalty and length_penalty that were used.
        tuning: how they were found, where references were given.
        signature: the conditions under which the model scored.
        normalized: whether it gave log-probabilities; False for scores.
    """

    ranked: dict[str, tuple[RankedCandidate, ...]]
    weights: dict[str, float]
    tuning: Tuning | None
    signature: str
    normalized: bool

    def to_json(self, *, full: bool = False) -> dict[str, Any]:
        """Return the result as JSON values: the best candidate of each id, or with `full` all of them."""
        return {
            "signature": self.signature,
            "normalized": self.normalized,
            "weights": self.weights,
            "tuning": vars(self.tuning) if self.tuning else None,
            "results": [
                {"id": one, "candidates": [candidate.to_json() for candidate in (own if full else own[:1])]}
                for one, own in self.ranked.items()
            ],
        }


def rescore(
    model: Bundle | str | Path,
    nbest: str | Path,
    *,
    lm_weight: float = 1.0,
    word_penalty: float = 0.0,
    length_penalty: float = 0.0,
    references: str | Path | None = None,
    metric: str = "wer",
    seed: int = 1,
    score_field: int | None = None,
    encoding: str = "utf-8",
    device: str = "auto",
) -> RescoreResult:
    """Rank the candidates of an n-best list by their first-pass score and a language model's together.

    Args:
        model: a loaded model, or its folder.
        nbest: lines `id ||| text ||| score`, or with tabs; further fields are kept. "-" for stdin.
        lm_weight: of the log-probability, in nats, beside the first pass's score.
        word_penalty: taken off for each word between white space; negative favours many.
        length_penalty: taken off for each character.
        references: what is right, to tune the three weights on, from those given: one line for each id, in their
            order, or `id ||| text`.
        metric: what to make few of: "wer", "cer" (for writing without spaces) or "ser".
        seed: of the search.
        score_field: which field, from 1, is the score; by default the first number after the text.
        encoding: of the files.
        device: where a model is loaded to.

    Raises:
        AnaphoraError: no such model, a line that is no candidate (with its number), references that do not fit.

    >>> rescore("runs/lstm", "nbest.txt", lm_weight=0.7).ranked["0"][0].candidate.text  # doctest: +SKIP
    """
    if metric not in METRICS:
        raise ConfigError(f"metric = {metric!r}{did_you_mean(metric, list(METRICS))}; use {', '.join(METRICS)}")
    bundle = loaded(model, device)
    candidates = read_nbest(nbest, score_field=score_field, encoding=encoding)
    groups: dict[str, list[int]] = {}
    for row, candidate in enumerate(candidates):
        groups.setdefault(candidate.id, []).append(row)
    right = None if references is None else read_references(references, list(groups), encoding=encoding)
    features = _features(bundle, candidates)
    weights, tuning = np.array([1.0, lm_weight, word_penalty, length_penalty]), None
    if right is not None:
        weights, tuning = _tuned(candidates, groups, features, weights, right, metric, seed)
    totals = features @ weights
    return RescoreResult(
        ranked={
            one: tuple(
                RankedCandidate(
                    candidate=candidates[row], log_prob=float(features[row, 1]), combined=float(totals[row])
                )
                for row in sorted(rows, key=lambda row: -totals[row])
            )
            for one, rows in groups.items()
        },
        weights=dict(zip(("lm_weight", "word_penalty", "length_penalty"), weights[1:].tolist(), strict=True)),
        tuning=tuning,
        signature=str(line_signature(bundle, context="line")),
        normalized=bundle.model.normalized,
    )


def _features(bundle: Bundle, candidates: Sequence[Candidate]) -> Floats:
    """Return (N, 4): the first pass, the model, and what the penalties count, negative."""
    scorer = LineScorer(bundle.model, bundle.tokenizer)
    scores = score_lines(scorer, [[candidate.text for candidate in candidates]])
    return np.array(
        [
            (own.score, score.total.log_prob, -len(own.text.split()), -len(own.text))
            for own, score in zip(candidates, scores, strict=True)
        ],
        dtype=np.float64,
    )


def _tuned(
    candidates: Sequence[Candidate],
    groups: dict[str, list[int]],
    features: Floats,
    weights: Floats,
    references: dict[str, tuple[str, ...]],
    metric: str,
    seed: int,
) -> tuple[Floats, Tuning]:
    errors = [count_errors(metric, candidate.text, references[candidate.id]) for candidate in candidates]
    choices = Choices(groups=[np.array(rows) for rows in groups.values()], features=features, errors=np.array(errors))
    units = max(1.0, sum(count_units(metric, references[one]) for one in groups))
    found = tune(choices, weights, _FREE, restarts=_RESTARTS, seed=seed)
    first_pass_alone = np.array([1.0, 0.0, 0.0, 0.0])
    return found, Tuning(
        metric=metric,
        first_pass=choices.errors_with(first_pass_alone) / units,
        before=choices.errors_with(weights) / units,
        after=choices.errors_with(found) / units,
        best_possible=choices.fewest_errors() / units,
    )
