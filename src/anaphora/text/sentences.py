"""Opening tagged sentences: from the files that the user names to train, valid and test, and the list of tags.

The tags are those of the training split alone. A held-out tag that training never saw can only be missed, and is said.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import ClassVar

from pydantic import Field

from anaphora.errors import AnaphoraWarning, CorpusError
from anaphora.files import sha256_json
from anaphora.settings import Settings
from anaphora.text.conll import TaggedSentence, read_conll
from anaphora.text.encoding import KnownEncoding
from anaphora.text.sources import NamedSource

Sentences = tuple[TaggedSentence, ...]


class SentenceSettings(Settings):
    """The [sentences] section: which files, and what their columns are.

    Attributes:
        source: the file to learn from.
        valid, test: files for these splits. Without `valid` some sentences of the training file are held out; without
            `test` there is no test split.
        valid_share: of the training sentences that are held out where there is no `valid`, drawn at random.
        token_column, tag_column: see `conll.read_conll`.
        encoding: of the files.
        seed: of the draw.
    """

    section: ClassVar[str] = "sentences"

    source: NamedSource
    valid: NamedSource | None = None
    test: NamedSource | None = None
    valid_share: float = Field(default=0.1, gt=0.0, lt=1.0)
    token_column: str | None = None
    tag_column: str | None = None
    encoding: KnownEncoding = "utf-8"
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class TaggedText:
    """Sentences to learn from and to be measured on.

    Attributes:
        tags: of the training split, the most frequent first.
        splits: "train", "valid" and, where there is one, "test".
    """

    tags: tuple[str, ...]
    splits: dict[str, Sentences]

    def source_hash(self) -> str:
        """Return a hash of all sentences."""
        return sha256_json(
            {split: [[list(one.tokens), list(one.tags)] for one in part] for split, part in self.splits.items()}
        )


def open_sentences(settings: SentenceSettings) -> TaggedText:
    """Read the files.

    Raises:
        ConfigError: a column that is not there.
        CorpusError: a file that cannot be read, with the line; too few sentences; or one tag only.
    """
    train = read_sentences(settings, settings.source)
    splits = {"train": train}
    if settings.valid is None:
        splits["train"], splits["valid"] = _held_out(train, settings)
    else:
        splits["valid"] = read_sentences(settings, settings.valid)
    if settings.test is not None:
        splits["test"] = read_sentences(settings, settings.test)
    counts = Counter(chain.from_iterable(sentence.tags for sentence in splits["train"]))
    tags = tuple(sorted(counts, key=lambda tag: (-counts[tag], tag)))
    if len(tags) == 1:
        raise CorpusError(
            f"{settings.source}: all {counts.total():,} tokens have the tag {tags[0]!r}; there is nothing to learn."
            " Choose another column with --tag-column"
        )
    for split in ("valid", "test"):
        _warn_of_new_tags(splits.get(split, ()), tags, split)
    return TaggedText(tags=tags, splits=splits)


def read_sentences(settings: SentenceSettings, source: str, *, tagged: bool = True) -> Sentences:
    """Read one file by the settings for its columns; errors as `conll.read_conll`."""
    return tuple(
        read_conll(
            source,
            token=settings.token_column,
            tag=settings.tag_column,
            tagged=tagged,
            encoding=settings.encoding,
        )
    )


def _held_out(sentences: Sentences, settings: SentenceSettings) -> tuple[Sentences, Sentences]:
    """Part some sentences, drawn at random, from the others; both keep the order of the file."""
    if len(sentences) < 2:
        raise CorpusError(
            f"{settings.source} has one sentence, and some must be held out to validate on; put an empty line after"
            " each sentence, or name a file with --valid"
        )
    count = min(max(1, round(settings.valid_share * len(sentences))), len(sentences) - 1)
    chosen = set(Random(settings.seed).sample(range(len(sentences)), count))
    parts = [[one for place, one in enumerate(sentences) if (place in chosen) is held] for held in (False, True)]
    return tuple(parts[0]), tuple(parts[1])


def _warn_of_new_tags(sentences: Sequence[TaggedSentence], tags: Sequence[str], split: str) -> None:
    known, new = set(tags), dict[str, str]()
    for one in sentences:
        for tag in one.tags:
            if tag not in known:
                new.setdefault(tag, one.where)
    if new:
        tag, where = next(iter(new.items()))
        warnings.warn(
            f"{where}: the sentence has the tag {tag!r}, which training never saw and can only miss"
            f" ({len(new)} such tag{'s' * (len(new) > 1)} in the {split} split)",
            AnaphoraWarning,
            stacklevel=3,
        )
