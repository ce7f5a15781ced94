"""Tagged sentences as ids: encoded once, then put together into batches that a tagger reads.

A word is what the file says it is. It becomes one token of the tokenizer or several, and the tagger speaks at the last
of them; its characters go along for the spelling.

Shapes: B batch, P tokens, T words, U different spellings, K characters.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anaphora.files import sha256_json
from anaphora.models.tagger import Words
from anaphora.text.conll import TaggedSentence
from anaphora.text.tokenizer import Tokenizer

Ids = NDArray[np.int64]

MAX_BATCH_WORDS = 1 << 14  # of one step, with padding: bounds its memory

_HALF_SPELLING = 16  # characters kept at each end of a long word: an address of a web page is one word too


@dataclass(frozen=True, kw_only=True)
class SentenceBatch:
    """Some sentences, and what is to be said about them.

    Attributes:
        words: what a tagger reads.
        tags: (B, T), int64, numbers of tags; 0 where there is none.
        scored: (B, T), bool: the words whose tag is known, padding left out.
        num_targets: how many these are.
    """

    words: Words
    tags: Tensor
    scored: Tensor
    num_targets: int
    learning_rate_scale: float = 1.0

    def to(self, device: torch.device) -> "SentenceBatch":
        """Return the batch on a device."""
        if device.type == "cpu":
            return self
        words = Words(*(part.to(device, non_blocking=True) for part in self.words))
        return replace(self, words=words, tags=self.tags.to(device), scored=self.scored.to(device))


@dataclass(frozen=True, slots=True)
class _Encoded:
    """One sentence: its tokens, where each word ends in them, and its words' spellings and tags as numbers."""

    tokens: Ids
    ends: Ids
    spellings: Ids
    tags: Ids


class EncodedSentences:
    """Sentences as ids, and the batches they make.

    Args:
        sentences: may be without tags.
        tokenizer: of the tagger.
        tags: what it predicts; another tag, as a held-out text may have, is not scored.
        characters: those that the tagger knows.

    Attributes:
        lengths: (N,), words of each.
        unknown: for each sentence, which words are unknown to the tokenizer.
    """

    def __init__(
        self, sentences: Sequence[TaggedSentence], tokenizer: Tokenizer, tags: Sequence[str], characters: str
    ) -> None:
        self._source = sentences
        self._tag_ids = {tag: number for number, tag in enumerate(tags)}
        self._char_ids = {character: number for number, character in enumerate(characters, start=1)}
        self._tokenizer = tokenizer
        self._tokens_of: dict[tuple[str, bool], list[int]] = {}
        self._spelling_ids: dict[str, int] = {}
        self._spellings: list[list[int]] = []
        self._sentences = [self._encode(sentence) for sentence in sentences]
        self.lengths = np.array([len(one.ends) for one in self._sentences], dtype=np.int64)
        self.unknown = [
            [tokenizer.unk_id in self._tokens_of[word, place == 0] for place, word in enumerate(one.tokens)]
            for one in sentences
        ]

    def __len__(self) -> int:
        return len(self._sentences)

    @cached_property
    def source_hash(self) -> str:
        """A hash of words and tags; names the sentences in signatures."""
        return sha256_json({"sentences": [[list(one.tokens), list(one.tags)] for one in self._source]})

    @property
    def num_words(self) -> int:
        """How many words all sentences have."""
        return int(self.lengths.sum())

    def batch(self, indices: Sequence[int] | Ids) -> SentenceBatch:
        """Return some of the sentences as a batch."""
        chosen = [self._sentences[int(index)] for index in indices]
        used = np.unique(np.concatenate([one.spellings for one in chosen]))
        tags = _padded([one.tags for one in chosen], -1)
        words = Words(
            tokens=_padded([one.tokens for one in chosen]),
            ends=_padded([one.ends for one in chosen]),
            lengths=torch.tensor([len(one.ends) for one in chosen]),
            spellings=_padded([np.array(self._spellings[number]) for number in used]),
            spelling_lengths=torch.tensor([len(self._spellings[number]) for number in used]),
            spelling_of=_padded([np.searchsorted(used, one.spellings) for one in chosen]),
        )
        scored = tags >= 0
        return SentenceBatch(words=words, tags=tags.clamp(min=0), scored=scored, num_targets=int(scored.sum()))

    def _encode(self, sentence: TaggedSentence) -> _Encoded:
        tokens, ends = [self._tokenizer.start_id], list[int]()
        for place, word in enumerate(sentence.tokens):
            tokens += self._tokens(word, first=place == 0)
            ends.append(len(tokens) - 1)
        return _Encoded(
            tokens=np.array(tokens),
            ends=np.array(ends),
            spellings=np.array([self._spelling(word) for word in sentence.tokens]),
            tags=np.array([self._tag_ids.get(tag, -1) for tag in sentence.tags] or [-1] * len(ends)),
        )

    def _tokens(self, word: str, *, first: bool) -> list[int]:
        """Return the tokens of a word as they stand in a text, after a space unless it is the first."""
        if (word, first) not in self._tokens_of:
            token_ids = self._tokenizer.encode(word if first else f" {word}")
            nothing = self._tokenizer.start_id if self._tokenizer.unk_id is None else self._tokenizer.unk_id
            self._tokens_of[word, first] = token_ids or [nothing]
        return self._tokens_of[word, first]

    def _spelling(self, word: str) -> int:
        if word not in self._spelling_ids:
            kept = word if len(word) <= 2 * _HALF_SPELLING else word[:_HALF_SPELLING] + word[-_HALF_SPELLING:]
            self._spelling_ids[word] = len(self._spellings)
            self._spellings.append([self._char_ids.get(character, 0) for character in kept])
        return self._spelling_ids[word]


def characters_of(sentences: Iterable[TaggedSentence]) -> str:
    """Return the characters that occur more than once, the most frequent first: a rare one stands for the unknown."""
    counts = Counter(chain.from_iterable(word for sentence in sentences for word in sentence.tokens))
    return "".join(char for char, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count > 1)


def _padded(rows: Sequence[Ids], filling: int = 0) -> Tensor:
    """Return rows of unequal length as one tensor, (N, longest), int64, filled up on the right."""
    padded = np.full((len(rows), max(map(len, rows))), filling, dtype=np.int64)
    for row, numbers in zip(padded, rows, strict=True):
        row[: len(numbers)] = numbers
    return torch.from_numpy(padded)
