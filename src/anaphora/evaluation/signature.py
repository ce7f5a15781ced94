"""What a score was measured on, in one line: two results compare when their signatures differ in the model alone.

The idea is sacrebleu's (Post 2018, "A Call for Clarity in Reporting BLEU Scores"):

    tokens:all|unknown:scored|context:stream|lanes:1|split:test|tokenizer:1f0c93ab|corpus:77d0e12c|...|version:0.1.0
"""

from collections.abc import Mapping
from dataclasses import dataclass

from anaphora import __version__

_SHORT = 8  # hexadecimal digits: enough to tell apart what one person ever compares


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The conditions of a measurement; `str()` gives the line.

    Attributes:
        unknown: "scored" when the vocabulary has `<unk>`, which then counts as one token like any other and hides
            characters from bits_per_char; "none" when every text can be expressed.
        split: which part of the corpus.
        tokenizer, corpus, model: their sha256 hashes, whole; the line shows the first eight digits, or "-" for none.
        tokens: "all" when every token of the split is predicted once, ends of lines included; "first-N" when only
            its first N tokens are, as time did not allow more; "without-line-ends" when those are left out.
        context: "stream", the state is carried over the whole text, across lines and documents; "line" or "document",
            each is read from the initial state; or "sentence", the model itself looks back no further than the line's
            begin.
        normalized: False for a model whose figures are scores and not probabilities (stupid backoff); then the line
            begins with "scores:unnormalized".
        lanes: into how many pieces the text was cut, each read from the initial state; 1 is exact.
        condition: the label, or a hash of the vector, that a conditional model was given for this text.
        adapt: how the model adapted to the text while it read, every setting of it; the line is silent about a model
            that did not.
    """

    unknown: str
    split: str
    tokenizer: str | None = None
    corpus: str | None = None
    model: str | None = None
    tokens: str = "all"
    context: str = "stream"
    normalized: bool = True
    lanes: int = 1
    condition: str | None = None
    adapt: str | None = None

    def __str__(self) -> str:
        parts = {
            **({} if self.normalized else {"scores": "unnormalized"}),
            "tokens": self.tokens,
            "unknown": self.unknown,
            "context": self.context,
            "lanes": str(self.lanes),
            **({"condition": self.condition} if self.condition else {}),
            **({"adapt": self.adapt} if self.adapt else {}),
            "split": self.split,
            "tokenizer": short(self.tokenizer),
            "corpus": short(self.corpus),
            "model": short(self.model),
            "version": __version__,
        }
        return _line(parts)


@dataclass(frozen=True, kw_only=True)
class DocumentSignature:
    """The conditions under which documents were classified.

    Attributes:
        documents, labels: how many there are.
        multi_label: whether a document may have several labels.
        split: which part of the documents.
        tokenizer, corpus, model: their sha256 hashes, as in `Signature`.
    """

    documents: int
    labels: int
    multi_label: bool = False
    split: str
    tokenizer: str | None = None
    corpus: str | None = None
    model: str | None = None

    def __str__(self) -> str:
        return _line(
            {
                "documents": str(self.documents),
                "labels": f"{self.labels}{'-together' if self.multi_label else ''}",
                "split": self.split,
                "tokenizer": short(self.tokenizer),
                "corpus": short(self.corpus),
                "model": short(self.model),
                "version": __version__,
            }
        )


@dataclass(frozen=True, kw_only=True)
class TagSignature:
    """The conditions under which words were tagged.

    Attributes:
        words: how many there are.
        unknown: how many of them are `<unk>` to the tagger: those that training saw once or never.
        split: which part of the sentences; "all" of a file without splits.
        tokenizer, corpus, model: their sha256 hashes, as in `Signature`; those that a baseline has not stay out.
    """

    words: int
    unknown: int
    split: str
    tokenizer: str | None = None
    corpus: str | None = None
    model: str | None = None

    def __str__(self) -> str:
        hashes = {"tokenizer": self.tokenizer, "corpus": self.corpus, "model": self.model}
        parts = {
            "words": str(self.words),
            "unknown": str(self.unknown),
            "split": self.split,
            **{key: short(value) for key, value in hashes.items()},
            "version": __version__,
        }
        return _line(parts)


def _line(parts: Mapping[str, str]) -> str:
    return "|".join(f"{key}:{value}" for key, value in parts.items())


def short(name: str | None) -> str:
    """Return as much of a hash as a signature shows, or a dash for none."""
    return name[:_SHORT] if name else "-"
