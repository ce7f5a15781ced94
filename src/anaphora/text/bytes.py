"""The `bytes` tokenizer: a token is one byte of the UTF-8 form. 256 ids, nothing to learn, nothing unknown."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from anaphora.errors import TokenizerError
from anaphora.text.normalizer import Normalizer, UnicodeForm
from anaphora.text.tokenizer import Kind, TokenIds, Tokenizer, TokenizerSettings

_SURROGATE = re.compile(rb"(\xed[\xa0-\xbf][\x80-\xbf])")


def utf8_bytes(text: str) -> bytes:
    """Return the UTF-8 form of a text; a lone surrogate becomes its three bytes."""
    return text.encode("utf-8", "surrogatepass")


def utf8_text(data: bytes) -> str:
    """Return the text of UTF-8 bytes: the inverse of `utf8_bytes`; what is no UTF-8 becomes U+FFFD."""
    parts = _SURROGATE.split(data)  # every second part is a surrogate
    return "".join(
        part.decode("utf-8", "surrogatepass" if number % 2 else "replace") for number, part in enumerate(parts)
    )


def visible(data: bytes) -> str:
    """Return bytes for a listing: as text where they are whole characters, else as <0xE4>."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in data)


class ByteTokenizer(Tokenizer):
    """UTF-8 bytes. Decoding gives back every text exactly; no Unicode normalisation unless asked for."""

    kind: ClassVar[Kind] = "bytes"
    default_unicode: ClassVar[UnicodeForm] = "none"
    without_effect: ClassVar[tuple[str, ...]] = ("max_size", "min_count", "learn_unknown", "pad")

    def __init__(self, normalizer: Normalizer) -> None:
        if normalizer.line_breaks == "eos":
            raise TokenizerError("line_breaks = 'eos': bytes has 256 tokens and no <eos>; use keep or space")
        self.normalizer = normalizer

    @property
    def vocab_size(self) -> int:
        return 256

    @property
    def start_id(self) -> int:
        return ord(" " if self.normalizer.line_breaks == "space" else "\n")

    @classmethod
    def train(cls, chunks: Iterable[str], settings: TokenizerSettings) -> Self:
        """Return the one tokenizer of this kind; the text is not read."""
        return cls(cls._normalizer_for(settings))

    def encode_chunks(self, chunks: Iterable[str]) -> Iterator[TokenIds]:
        for text in self.normalizer.stream(chunks):
            yield np.frombuffer(utf8_bytes(text), dtype=np.uint8)

    def decode(self, token_ids: Sequence[int]) -> str:
        if fault := self._not_an_id(token_ids):
            raise fault
        return utf8_text(bytes(token_ids))

    def token(self, token_id: int) -> str:
        if fault := self._not_an_id([token_id]):
            raise fault
        return visible(bytes([token_id]))

    def token_bytes(self, token_id: int) -> bytes:
        return bytes([token_id])

    def to_dict(self) -> dict[str, Any]:
        return self._head()

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        return cls(cls._read(saved))
