"""How well tokens are tagged: accuracy, also on unknown words; each tag's F1; whole spans as conlleval.

A span is a type over a run of tokens: a name, a noun phrase. It is found when its type, its first and its last token
are right, and its F1 is what named-entity figures are quoted in (Tjong Kim Sang and De Meulder 2003, CoNLL-2003).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from anaphora.evaluation.retrieval import Retrieval

OUTSIDE = "O"

# IOB1, IOB2, IOE, IOBES and BILOU alike: a span begins at these, ends at those, or where type or prefix change.
_PREFIXES = frozenset("BIESLU")
_BEGIN, _END = frozenset("BSU"), frozenset("ELSU")

Span = tuple[str, int, int]


@dataclass(frozen=True, kw_only=True)
class TaggingScores:
    """How well a text was tagged.

    Attributes:
        tokens: how many there are.
        correct: how many have the right tag.
        unknown_tokens, unknown_correct: the same of the words that are unknown to the tagger.
        sentences, sentences_correct: and of whole sentences.
        tags: for each tag of reference or prediction, the tokens that have it.
        spans: all spans together; None where the tags mark none.
        span_types: the spans of each type.
    """

    tokens: int
    correct: int
    unknown_tokens: int
    unknown_correct: int
    sentences: int
    sentences_correct: int
    tags: dict[str, Retrieval]
    spans: Retrieval | None
    span_types: dict[str, Retrieval]

    @property
    def accuracy(self) -> float:
        """The share of the tokens whose tag is right."""
        return self.correct / self.tokens

    @property
    def unknown_accuracy(self) -> float | None:
        """The same of unknown words; None where there are none."""
        return self.unknown_correct / self.unknown_tokens if self.unknown_tokens else None

    @property
    def macro_f1(self) -> float:
        """The plain mean of the tags' F1."""
        return sum(tag.f1 for tag in self.tags.values()) / len(self.tags)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "tokens": self.tokens,
            "accuracy": self.accuracy,
            "unknown_tokens": self.unknown_tokens,
            "unknown_accuracy": self.unknown_accuracy,
            "sentences": self.sentences,
            "sentence_accuracy": self.sentences_correct / self.sentences,
            "macro_f1": self.macro_f1,
            "tags": {tag: scores.to_json() for tag, scores in self.tags.items()},
            "spans": None if self.spans is None else self.spans.to_json(),
            "span_types": {kind: scores.to_json() for kind, scores in self.span_types.items()},
        }


def score_tags(
    expected: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    unknown: Sequence[Sequence[bool]] | None = None,
) -> TaggingScores:
    """Compare the tags of sentences, one sequence each and at least one token in all, with those of a reference.

    Args:
        expected: the reference.
        predicted: as long, sentence by sentence.
        unknown: for each token, whether the word is unknown to the tagger; None: none is.
    """
    tokens, unseen = Counter[bool](), Counter[bool]()
    tags, spans = _Tally(), _Tally()
    for number, (right, said) in enumerate(zip(expected, predicted, strict=True)):
        hits = [one == other for one, other in zip(right, said, strict=True)]
        tokens.update(hits)
        if unknown is not None:
            unseen.update(hit for hit, is_unknown in zip(hits, unknown[number], strict=True) if is_unknown)
        tags.add(_places(right), _places(said))
        spans.add(find_spans(right), find_spans(said))
    has_spans = marks_spans({tag for sentence in expected for tag in sentence})
    return TaggingScores(
        tokens=tokens.total(),
        correct=tokens[True],
        unknown_tokens=unseen.total(),
        unknown_correct=unseen[True],
        sentences=len(expected),
        sentences_correct=sum(tuple(a) == tuple(b) for a, b in zip(expected, predicted, strict=True)),
        tags=tags.by_type(),
        spans=spans.together() if has_spans else None,
        span_types=spans.by_type() if has_spans else {},
    )


def marks_spans(tags: Iterable[str]) -> bool:
    """Tell whether a tag set marks spans: "O", and types with a prefix, as in "B-PER"; at least one of these."""
    others = [tag for tag in tags if tag != OUTSIDE]
    return bool(others) and all(tag[1:2] == "-" and tag[0] in _PREFIXES and len(tag) > 2 for tag in others)


def find_spans(tags: Sequence[str]) -> set[Span]:
    """Return (type, first token, last token) of each span, by the rules of conlleval.

    They forgive: "I-PER" after "O", or after a span of another type, begins a span.
    """
    spans, begin, before = set[Span](), 0, (OUTSIDE, "")
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, kind = tag.partition("-")
        now = (prefix, kind)
        if _is_cut(before, now):
            if before[0] != OUTSIDE:
                spans.add((before[1], begin, place - 1))
            begin = place
        before = now
    return spans


def _is_cut(before: tuple[str, str], now: tuple[str, str]) -> bool:
    """Tell whether two neighbours, each (prefix, type), are in no span together."""
    return now[0] in _BEGIN or before[0] in _END or OUTSIDE in (before[0], now[0]) or before[1] != now[1]


def _places(tags: Iterable[str]) -> set[Span]:
    return {(tag, place, place) for place, tag in enumerate(tags)}


class _Tally:
    """Counts spans by type, sentence after sentence."""

    def __init__(self) -> None:
        self._correct, self._found, self._expected = Counter[str](), Counter[str](), Counter[str]()

    def add(self, expected: set[Span], found: set[Span]) -> None:
        self._correct.update(kind for kind, _, _ in expected & found)
        self._found.update(kind for kind, _, _ in found)
        self._expected.update(kind for kind, _, _ in expected)

    def by_type(self) -> dict[str, Retrieval]:
        """Return what was found of each type, the most frequent in the reference first."""
        kinds = sorted(self._expected | self._found, key=lambda kind: (-self._expected[kind], kind))
        return {kind: Retrieval(self._correct[kind], self._found[kind], self._expected[kind]) for kind in kinds}

    def together(self) -> Retrieval:
        return Retrieval(self._correct.total(), self._found.total(), self._expected.total())
