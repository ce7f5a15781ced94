"""The `chars` tokenizer: a token is one Unicode code point, whatever it is (lone surrogates too).

Fast on a stream: numpy looks all code points of a piece up in one table.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import TokenizerError
from anaphora.text.tokenizer import EOS, Kind, TokenIds, TokenizerSettings
from anaphora.text.vocabulary import VocabularyTokenizer

_CODE_POINTS = 0x110000


def code_points(text: str) -> NDArray[np.unsignedinteger[Any]]:
    """Return the code points of a text as an array."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


class CharacterTokenizer(VocabularyTokenizer):
    """One token for each character of the training text; any other character becomes `<unk>`.

    Decoding gives back the normalised text exactly where no character was unknown.
    """

    kind: ClassVar[Kind] = "chars"

    @classmethod
    def train(cls, chunks: Iterable[str], settings: TokenizerSettings) -> Self:
        normalizer = cls._normalizer_for(settings)
        counts = np.zeros(_CODE_POINTS, dtype=np.int64)
        seen: dict[str, None] = {}  # in order of first appearance
        for text in normalizer.stream(chunks):
            found = np.bincount(code_points(text))
            counts[: len(found)] += found
            if np.count_nonzero(counts) > len(seen):
                seen.update(dict.fromkeys(text))
        eos = {"\n": EOS} if normalizer.line_breaks == "eos" else {}
        return cls._from_counts({eos.get(char, char): int(counts[ord(char)]) for char in seen}, normalizer, settings)

    def encode_chunks(self, chunks: Iterable[str]) -> Iterator[TokenIds]:
        for text in self.normalizer.stream(chunks):
            yield self._id_of[code_points(text)]

    @cached_property
    def _id_of(self) -> TokenIds:
        """The id of every code point there is."""
        table = np.full(_CODE_POINTS, self._unk, dtype=self.dtype)
        for token_id, char in enumerate(self.vocabulary.ordinary, start=len(self.vocabulary.specials)):
            table[ord(char)] = token_id
        if self.eos_id is not None:
            table[ord("\n")] = self.eos_id
        return table

    def decode(self, token_ids: Sequence[int]) -> str:
        return "".join(self._tokens(token_ids))

    @classmethod
    def _check_ordinary(cls, tokens: Sequence[str]) -> None:
        for token in tokens:
            if len(token) != 1:
                raise TokenizerError(f"{token!r:.80} among the saved characters is not a single character")
