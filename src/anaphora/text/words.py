"""The `words` tokenizer: a token is what stands between white space, as PTB, WikiText and text8 are distributed.

Each line end is `<eos>` unless set otherwise. Fast on a stream: one split and one dictionary pass for each piece.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import repeat
from typing import ClassVar, Self

import numpy as np

from anaphora.errors import TokenizerError
from anaphora.text.normalizer import LineBreaks, Normalizer
from anaphora.text.tokenizer import BOS, EOS, PAD, UNK, Kind, TokenIds, TokenizerSettings
from anaphora.text.vocabulary import VocabularyTokenizer

_LONGEST_WORD = 1_000_000  # characters
_SPACE = re.compile(r"\s")
_LITERAL_EOS = re.compile(rf"(?<!\S){EOS}(?!\S)")


class WordTokenizer(VocabularyTokenizer):
    """Words between white space. All words that the vocabulary does not hold become `<unk>`.

    A text may hold the word "<unk>" already, as PTB and WikiText do: it is the unknown word, and counts as one. The
    names of the other specials are unknown words when a text spells them.

    Decoding puts one space between words and a line break for `<eos>`; runs of white space are not kept.
    """

    kind: ClassVar[Kind] = "words"
    default_line_breaks: ClassVar[LineBreaks] = "eos"

    @classmethod
    def words(cls, chunks: Iterable[str], normalizer: Normalizer) -> Iterator[list[str]]:
        """Yield the words of a text in lists; `<eos>` for a line end when line breaks are "eos", and only then.

        Raises:
            TokenizerError: a million characters without white space.
        """
        with_eos = normalizer.line_breaks == "eos"
        for text in _whole_words(normalizer.stream(chunks)):
            if with_eos:
                if EOS in text:
                    text = _LITERAL_EOS.sub(UNK, text)
                text = text.replace("\n", f" {EOS} ")
            yield text.split()

    @classmethod
    def train(cls, chunks: Iterable[str], settings: TokenizerSettings) -> Self:
        normalizer = cls._normalizer_for(settings)
        counts: Counter[str] = Counter()
        for words in cls.words(chunks, normalizer):
            counts.update(words)
        return cls._from_counts(counts, normalizer, settings)

    def encode_chunks(self, chunks: Iterable[str]) -> Iterator[TokenIds]:
        find = self._id_of.get
        for words in self.words(chunks, self.normalizer):
            yield np.fromiter(map(find, words, repeat(self._unk)), dtype=self.dtype, count=len(words))

    @cached_property
    def _id_of(self) -> dict[str, int]:
        """The id of each word that a text can hold."""
        return {word: token_id for word, token_id in self.vocabulary.ids.items() if word not in (PAD, BOS)}

    def decode(self, token_ids: Sequence[int]) -> str:
        return " ".join(self._tokens(token_ids)).replace(" \n", "\n").replace("\n ", "\n")

    @classmethod
    def _check_ordinary(cls, tokens: Sequence[str]) -> None:
        for token in tokens:
            if _SPACE.search(token):
                raise TokenizerError(f"{token!r:.80} among the saved words holds white space")


def _whole_words(pieces: Iterable[str]) -> Iterator[str]:
    """Cut a text anew so that every piece ends with white space, or with the text."""
    held = ""
    for piece in pieces:
        text = held + piece
        end = _after_last_space(text)
        if end:
            yield text[:end]
        held = text[end:]
        if len(held) > _LONGEST_WORD:
            raise TokenizerError(
                f"no white space in {len(held):,} characters, from {held[:20]!r} on: this text is not cut into words;"
                " use the tokenizer chars, bytes or bpe"
            )
    if held:
        yield held


def _after_last_space(text: str) -> int:
    """Return the position after the last white space, 0 when there is none."""
    end = max(text.rfind(" "), text.rfind("\n")) + 1
    if end:
        return end
    other = _SPACE.search(text[::-1])
    return len(text) - other.start() if other else 0
