"""The `bpe` and `unigram` tokenizers: pieces of words, learnt by the `tokenizers` library over UTF-8 bytes.

All 256 bytes are pieces, so every text can be written and decoding is exact. A line is the unit: no piece crosses a
line end, and a text gives the same ids however it was cut on the way in.

The library writes each byte as one visible letter (GPT-2's alphabet); so does the saved file.
"""

import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from math import isfinite
from typing import Any, ClassVar, Self

import numpy as np
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from anaphora.errors import TokenizerError
from anaphora.text.bytes import utf8_text, visible
from anaphora.text.lines import lines
from anaphora.text.normalizer import Normalizer
from anaphora.text.tokenizer import EOS, PAD, Kind, TokenIds, Tokenizer, TokenizerSettings
from anaphora.text.vocabulary import check_tokens

DEFAULT_SIZE = 8192
_PRINTABLE = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_OTHERS = tuple(byte for byte in range(256) if byte not in _PRINTABLE)
_BYTE_OF = {chr(byte): byte for byte in _PRINTABLE} | {chr(256 + n): byte for n, byte in enumerate(_OTHERS)}
_LETTER_OF = {byte: letter for letter, byte in _BYTE_OF.items()}


class SubwordTokenizer(Tokenizer):
    """What bpe and unigram share: everything but how pieces are learnt, joined and saved.

    The specials `<pad>` and `<eos>`, where used, have the first ids; the library does not know them, so no text can
    spell them. There is no `<unk>`: nothing is unknown.
    """

    def __init__(self, normalizer: Normalizer, pieces: Sequence[str], pad: bool) -> None:
        self.normalizer = normalizer
        self.pieces = tuple(pieces)
        self.specials = (*((PAD,) if pad else ()), *((EOS,) if normalizer.line_breaks == "eos" else ()))
        self.pad_id = 0 if pad else None
        self.eos_id = len(self.specials) - 1 if EOS in self.specials else None
        self._bytes = [bytes(_BYTE_OF[letter] for letter in piece) for piece in self.pieces]
        self._library = _with_bytes(self._library_model())

    @abstractmethod
    def _library_model(self) -> Any:
        """Return the library's model of these pieces."""

    @property
    def vocab_size(self) -> int:
        return len(self.specials) + len(self.pieces)

    @cached_property
    def start_id(self) -> int:
        if self.eos_id is not None:
            return self.eos_id
        before = " " if self.normalizer.line_breaks == "space" else "\n"
        return len(self.specials) + self.pieces.index(_LETTER_OF[ord(before)])

    @classmethod
    def _learn(cls, chunks: Iterable[str], settings: TokenizerSettings, trainer: Any, model: Any) -> dict[str, Any]:
        """Run the library's trainer over a text and return its model as JSON values."""
        normalizer = cls._normalizer_for(settings)
        found = chain.from_iterable(_checked_lines(chunks, normalizer))
        first = next(found, None)
        if first is None:
            raise TokenizerError("the training text is empty: there is nothing to learn from")
        texts: Iterable[str] = chain([first], found)
        if normalizer.line_breaks == "eos":
            texts = (text.removesuffix("\n") for text in texts)
        library = _with_bytes(model)
        library.train_from_iterator(texts, trainer)
        learnt: dict[str, Any] = json.loads(library.to_str())["model"]
        return learnt

    def encode_chunks(self, chunks: Iterable[str]) -> Iterator[TokenIds]:
        for group in _checked_lines(chunks, self.normalizer):
            texts = group if self.eos_id is None else [line.removesuffix("\n") for line in group]
            pieces: list[int] = []
            for line, encoded in zip(group, self._library.encode_batch(texts, add_special_tokens=False), strict=True):
                pieces += encoded.ids
                if self.eos_id is not None and line.endswith("\n"):
                    pieces.append(-1)  # <eos> is the last special: it stands just before piece 0
            yield (np.array(pieces, dtype=np.int64) + len(self.specials)).astype(self.dtype)

    def decode(self, token_ids: Sequence[int]) -> str:
        if fault := self._not_an_id(token_ids):
            raise fault
        return utf8_text(b"".join(map(self.token_bytes, token_ids)))

    def token(self, token_id: int) -> str:
        if fault := self._not_an_id([token_id]):
            raise fault
        piece = token_id - len(self.specials)
        return self.specials[token_id] if piece < 0 else visible(self._bytes[piece])

    def token_bytes(self, token_id: int) -> bytes:
        piece = token_id - len(self.specials)
        if piece >= 0:
            return self._bytes[piece]
        return b"\n" if token_id == self.eos_id else self.specials[token_id].encode()


class BytePairTokenizer(SubwordTokenizer):
    """Byte-pair encoding: the most frequent pair of neighbours is joined, again and again (Sennrich et al. 2016)."""

    kind: ClassVar[Kind] = "bpe"
    without_effect: ClassVar[tuple[str, ...]] = ("learn_unknown",)

    def __init__(
        self, normalizer: Normalizer, pieces: Sequence[str], merges: Sequence[tuple[str, str]], pad: bool
    ) -> None:
        self.merges = tuple(merges)
        super().__init__(normalizer, pieces, pad)

    def _library_model(self) -> Any:
        return models.BPE({piece: number for number, piece in enumerate(self.pieces)}, list(self.merges))

    @classmethod
    def train(cls, chunks: Iterable[str], settings: TokenizerSettings) -> Self:
        trainer = trainers.BpeTrainer(
            vocab_size=_size(settings),
            min_frequency=settings.min_count,
            show_progress=False,
            initial_alphabet=sorted(_BYTE_OF),
        )
        learnt = cls._learn(chunks, settings, trainer, models.BPE())
        pieces = sorted(learnt["vocab"], key=learnt["vocab"].__getitem__)
        # Older versions of the library write a merge as "a b".
        merges = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in learnt["merges"]]
        return cls(cls._normalizer_for(settings), pieces, merges, settings.pad)

    def to_dict(self) -> dict[str, Any]:
        return {
            **self._head(),
            "pad": self.pad_id is not None,
            "pieces": list(self.pieces),
            "merges": [list(pair) for pair in self.merges],
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        normalizer = cls._read(saved, "pad", "pieces", "merges")
        known = _checked_pieces(saved)
        merges = saved["merges"]
        if not isinstance(merges, list):
            raise TokenizerError(f"the saved tokenizer's 'merges' is a {type(merges).__name__}, not a list")
        for pair in merges:
            parts = isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
            if not parts or not {*pair, "".join(pair)} <= known:
                raise TokenizerError(f"{pair!r:.80} in the saved tokenizer's 'merges' does not join two known pieces")
        return cls(normalizer, saved["pieces"], [(left, right) for left, right in merges], saved["pad"])


class UnigramTokenizer(SubwordTokenizer):
    """Unigram pieces: the cut of a text is the most probable one under a unigram model of pieces (Kudo 2018)."""

    kind: ClassVar[Kind] = "unigram"
    without_effect: ClassVar[tuple[str, ...]] = ("min_count", "learn_unknown")

    def __init__(self, normalizer: Normalizer, pieces: Sequence[str], scores: Sequence[float], pad: bool) -> None:
        self.scores = tuple(scores)
        super().__init__(normalizer, pieces, pad)

    def _library_model(self) -> Any:
        return models.Unigram(list(zip(self.pieces, self.scores, strict=True)))

    @classmethod
    def train(cls, chunks: Iterable[str], settings: TokenizerSettings) -> Self:
        trainer = trainers.UnigramTrainer(
            vocab_size=_size(settings), show_progress=False, initial_alphabet=sorted(_BYTE_OF)
        )
        learnt = cls._learn(chunks, settings, trainer, models.Unigram())
        scores = _repeatable(learnt["vocab"])
        return cls(cls._normalizer_for(settings), list(scores), list(scores.values()), settings.pad)

    def to_dict(self) -> dict[str, Any]:
        return {
            **self._head(),
            "pad": self.pad_id is not None,
            "pieces": list(self.pieces),
            "scores": list(self.scores),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        normalizer = cls._read(saved, "pad", "pieces", "scores")
        _checked_pieces(saved)
        scores = saved["scores"]
        if not isinstance(scores, list) or len(scores) != len(saved["pieces"]):
            raise TokenizerError("the saved tokenizer's 'scores' is not a list with one score for each piece")
        for score in scores:
            if not isinstance(score, float) or not isfinite(score):
                raise TokenizerError(f"{score!r:.80} in the saved tokenizer's 'scores' is not a finite number")
        return cls(normalizer, saved["pieces"], scores, saved["pad"])


def _with_bytes(model: Any) -> Any:
    """Return the library's tokenizer for a model over bytes: words start at their space, as GPT-2 cuts them."""
    library = tokenizers.Tokenizer(model)
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return library


def _size(settings: TokenizerSettings) -> int:
    size = DEFAULT_SIZE if settings.max_size is None else settings.max_size
    if size < len(_BYTE_OF):
        raise TokenizerError(f"max_size = {size}: {settings.kind} needs 256 at least, one for each byte")
    return size


def _repeatable(learnt: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    """Return the score of each piece, best first, so that two trainings on one text agree (as far as no pieces tie).

    The library gives the letters that it must keep without need scores in the order of a hash table, and sums in
    the order of its threads. Those letters are all scored one nat below the rarest longer piece here, and the
    others rounded.
    """
    scores = {piece: round(score or 0.0, 6) for piece, score in learnt}
    rarest = min((score for piece, score in scores.items() if len(piece) > 1), default=0.0)
    for piece, score in scores.items():
        if len(piece) == 1 and (score < rarest or rarest == 0.0):
            scores[piece] = round(rarest - 1.0, 6)
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))


def _checked_lines(chunks: Iterable[str], normalizer: Normalizer) -> Iterator[list[str]]:
    """Yield the normalised lines of a text that the library can take: no lone surrogates."""
    for group in lines(normalizer.stream(chunks)):
        for line in group:
            try:
                line.encode("utf-8")
            except UnicodeEncodeError as fault:
                raise TokenizerError(
                    f"lone surrogate U+{ord(line[fault.start]):04X} after {line[: fault.start][-20:]!r}: half a"
                    " character; mend the text, or use the tokenizer chars or bytes"
                ) from None
        yield group


def _checked_pieces(saved: Mapping[str, Any]) -> set[str]:
    """Return the pieces of a saved tokenizer after checking them and "pad"."""
    pieces = saved["pieces"]
    check_tokens("pieces", pieces)
    known = set(pieces)
    for piece in pieces:
        if not set(piece) <= _BYTE_OF.keys():
            raise TokenizerError(f"{piece!r:.80} in the saved tokenizer's 'pieces' is not written in byte letters")
    if missing := _BYTE_OF.keys() - known:
        raise TokenizerError(f"the saved tokenizer's 'pieces' lack the byte letter {min(missing)!r}")
    if not isinstance(saved["pad"], bool):
        raise TokenizerError(f"pad = {saved['pad']!r:.80} in the saved tokenizer is neither true nor false")
    return known
