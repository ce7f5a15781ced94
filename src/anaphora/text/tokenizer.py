"""The Tokenizer contract: text to ids and back, trained on the training split only, saved as one JSON file.

Each kind lives in a file of its own; `text/tokenizers.py` holds the one table of all of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.files import sha256_json
from anaphora.settings import Settings
from anaphora.text.normalizer import Normalizer

UNK, PAD, EOS, BOS = "<unk>", "<pad>", "<eos>", "<bos>"

TokenIds = NDArray[np.int64]


class TokenizerSettings(Settings):
    """The [tokenizer] section: which kind, and how its vocabulary is cut.

    Attributes:
        kind: a name in the table of tokenizers.
        max_size: keep at most this many tokens, specials included (for bpe and unigram: the size to learn).
        min_count: leave out tokens seen less often in the training split.
        lower, unicode, line_breaks: see `Normalizer`; "auto" line breaks are `<eos>` for words and english,
            kept for the others.
    """

    section: ClassVar[str] = "tokenizer"

    kind: str = "chars"
    max_size: int | None = None
    min_count: int = 1
    lower: bool = False
    unicode: Literal["NFC", "NFD", "NFKC", "NFKD", "none"] = "NFC"
    line_breaks: Literal["auto", "keep", "eos", "space"] = "auto"


class Tokenizer(ABC):
    """Turns text into token ids and back.

    `unk_id`, `pad_id`, `eos_id`, `bos_id` are None where the vocabulary does not have that special token.
    """

    kind: ClassVar[str]
    normalizer: Normalizer
    unk_id: int | None = None
    pad_id: int | None = None
    eos_id: int | None = None
    bos_id: int | None = None

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """How many ids there are: 0 .. vocab_size - 1."""

    @property
    @abstractmethod
    def start_id(self) -> int:
        """The id that stands before a text, so that its first token can be predicted too.

        `<bos>`, else `<eos>`, else a line break, else id 0.
        """

    @classmethod
    @abstractmethod
    def train(cls, chunks: Iterable[str], settings: TokenizerSettings) -> Self:
        """Build the vocabulary from a text that comes in pieces.

        Raises:
            TokenizerError: the text holds nothing to learn from.
        """

    @abstractmethod
    def encode_chunks(self, chunks: Iterable[str]) -> Iterator[TokenIds]:
        """Encode a text that comes in pieces, in constant memory; the result does not depend on the cuts."""

    @abstractmethod
    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of the ids; specials other than `<eos>` (a line break) appear by name."""

    @abstractmethod
    def token(self, token_id: int) -> str:
        """Return one token as text, for listings; specials by name."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return everything needed to make this tokenizer again, as JSON values (with "kind" and "format")."""

    @classmethod
    @abstractmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """Make a tokenizer from what `to_dict` returned.

        Raises:
            TokenizerError: a key is missing or has the wrong type.
        """

    def encode(self, text: str) -> list[int]:
        """Encode a whole text.

        Raises:
            TokenizerError: a character cannot be expressed and the vocabulary has no `<unk>`.
        """
        return [int(token_id) for piece in self.encode_chunks([text]) for token_id in piece]

    @cached_property
    def hash(self) -> str:
        """The sha256 of the tokenizer's content: its name in manifests and signatures."""
        return sha256_json(self.to_dict())
