"""`score`: how probable is each line of a text, as the lines arrive."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from anaphora.api.models import loaded
from anaphora.bundle import Bundle
from anaphora.evaluation.adapt.build import conditions
from anaphora.evaluation.scoring import LineScore, LineScorer, TextScore, score_lines
from anaphora.evaluation.signature import Signature
from anaphora.models.conditional import condition_of
from anaphora.text.line_source import read_lines
from anaphora.text.tokenizer import Tokenizer


class LineScores(Iterator[LineScore]):
    """The scores of a text's lines, made one by one as they are asked for.

    Attributes:
        signature: the conditions; scores compare where theirs differ in the model alone.
        normalized: whether they are log-probabilities; False for a model that gives scores (stupid backoff).
        tokenizer: the model's, to name tokens with.
        lines, total: how many lines there were so far, and the sum of their scores.
    """

    def __init__(self, scores: Iterator[LineScore], tokenizer: Tokenizer, signature: Signature) -> None:
        self.signature = str(signature)
        self.normalized = signature.normalized
        self.tokenizer = tokenizer
        self.lines = 0
        self.total = TextScore()
        self._scores = scores

    def __next__(self) -> LineScore:
        score = next(self._scores)
        self.lines += 1
        self.total += score.total
        return score

    def line_to_json(self, score: LineScore, *, per_token: bool = False) -> dict[str, Any]:
        """Return one line's score as JSON values; with `per_token` also each token's surprise in bits."""
        values = {"text": score.text, **score.total.to_json()}
        if per_token:
            values["per_token"] = [
                {"token": token, "surprisal_bits": surprisal} for token, surprisal in self.surprisals(score)
            ]
        return values

    def surprisals(self, score: LineScore) -> list[tuple[str, float]]:
        """Return the tokens of a line, each with its surprise in bits."""
        tokens = map(self.tokenizer.token, score.token_ids.tolist())
        return list(zip(tokens, score.surprisals(), strict=True))

    def head_to_json(self) -> dict[str, Any]:
        """Return what holds for all lines as JSON values."""
        return {"signature": self.signature, "normalized": self.normalized, "unit": "nats"}

    def total_to_json(self) -> dict[str, Any]:
        """Return the sums so far as JSON values."""
        return {"lines": self.lines, **self.total.to_json()}

    def to_json(self, *, per_token: bool = False) -> dict[str, Any]:
        """Score all lines that are left, and return everything as JSON values."""
        lines = [self.line_to_json(score, per_token=per_token) for score in self]
        return {**self.head_to_json(), "lines": lines, "total": self.total_to_json()}


def score(
    model: Bundle | str | Path,
    lines: str | Path | Iterable[str],
    *,
    context: str = "line",
    with_end: bool = True,
    encoding: str = "utf-8",
    device: str = "auto",
) -> LineScores:
    """Score every line of a text.

    Args:
        model: a loaded model, or its folder; one that `adapt` returned adapts as it goes, from the trained weights.
        lines: a file, packed or plain, or "-" for stdin; or the lines themselves.
        context: "line" reads each line as a text of its own, "stream" goes on where the line before it ended.
        with_end: score the line end too, as the tokenizer reads it (`<eos>`, a line break, a space, or nothing).
        encoding: of the file.
        device: where a model is loaded to; one that is loaded already stays where it is.

    Raises:
        AnaphoraError: no such model or file; a file that is no text, with the line.

    >>> [line] = score("runs/book-lstm", ["The island was uninhabited."])  # doctest: +SKIP
    >>> line.total.log_prob, line.total.perplexity  # doctest: +SKIP
    """
    bundle = loaded(model, device)
    scorer = LineScorer(bundle.model, bundle.tokenizer, context=context, with_end=with_end)
    groups: Iterable[Sequence[str]]
    groups = read_lines(lines, encoding) if isinstance(lines, str | Path) else ([line] for line in lines)
    signature = line_signature(bundle, context=context, with_end=with_end)
    return LineScores(score_lines(scorer, groups), bundle.tokenizer, signature)


def line_signature(bundle: Bundle, *, context: str, with_end: bool = True) -> Signature:
    """Return the conditions under which a model scores lines."""
    return Signature(
        normalized=bundle.model.normalized,
        tokens="all" if with_end else "without-line-ends",
        unknown="none" if bundle.tokenizer.unk_id is None else "scored",
        context=bundle.model.context if context == "stream" else context,
        split="lines",
        tokenizer=bundle.tokenizer.hash,
        model=bundle.model_hash,
        condition=condition_of(bundle.model),
        adapt=conditions(bundle.model),
    )
