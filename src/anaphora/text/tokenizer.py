"""The Tokenizer contract: text to ids and back, trained on the training split only, saved as one JSON file.

Each kind lives in a file of its own; `text/tokenizers.py` holds the one table of all of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from anaphora.errors import ConfigError, TokenizerError
from anaphora.files import sha256_json
from anaphora.settings import Settings
from anaphora.text.normalizer import LineBreaks, Normalizer, UnicodeForm

UNK, PAD, EOS, BOS = SPECIALS = ("<unk>", "<pad>", "<eos>", "<bos>")
FORMAT = 1  # of the JSON file; a later format gets a new number

TokenIds = NDArray[np.unsignedinteger[Any]]
Kind = Literal["chars", "bytes", "words", "english", "bpe", "unigram"]


class TokenizerSettings(Settings):
    """The [tokenizer] section: which kind, and how its vocabulary is cut.

    Attributes:
        kind: a name in the table of tokenizers.
        max_size: keep at most this many tokens; the specials come on top. For bpe and unigram: the size to learn
            (8,192 when not set).
        min_count: leave out tokens seen less often in the training split.
        learn_unknown: where the training text holds nothing unknown, treat what it holds only once as unknown, so that
            a model learns to expect the unknown. A text with `<unk>` of its own, as PTB has, is left as it is.
        pad: reserve an id for `<pad>`, for batches of texts of unequal length.
        lower: turn everything to lower case (english always does).
        unicode: normalisation form, see `Normalizer`; "auto" is none for bytes, which are kept as they are, and NFC
            for the others.
        line_breaks: see `Normalizer`; "auto" is `<eos>` for words and english, and keep for the others.
    """

    section: ClassVar[str] = "tokenizer"

    kind: Kind = "chars"
    max_size: int | None = Field(default=None, ge=1)
    min_count: int = Field(default=1, ge=1)
    learn_unknown: bool = False
    pad: bool = False
    lower: bool = False
    unicode: Literal["auto", UnicodeForm] = "auto"
    line_breaks: Literal["auto", LineBreaks] = "auto"


class Tokenizer(ABC):
    """Turns text into token ids and back.

    `unk_id`, `pad_id`, `eos_id`, `bos_id` are None where the vocabulary does not have that special token. A text can
    never produce `<pad>`, `<eos>` or `<bos>` by spelling their names.
    """

    kind: ClassVar[Kind]
    default_unicode: ClassVar[UnicodeForm] = "NFC"
    default_line_breaks: ClassVar[LineBreaks] = "keep"
    without_effect: ClassVar[tuple[str, ...]] = ()  # settings that this kind does not look at

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

        `<bos>`, else `<eos>`, else a line break, else the most frequent token.
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
        """Encode a text that comes in pieces, in constant memory; the result does not depend on the cuts.

        Yields arrays of `dtype`.

        Raises:
            TokenizerError: a character cannot be expressed and the vocabulary has no `<unk>`.
        """

    @abstractmethod
    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of the ids; specials other than `<eos>` (a line break) appear by name.

        Raises:
            TokenizerError: an id outside the vocabulary.
        """

    @abstractmethod
    def token(self, token_id: int) -> str:
        """Return one token as text, for listings; specials by name."""

    def token_bytes(self, token_id: int) -> bytes:
        """Return the UTF-8 bytes that one token stands for in a text; they may be a part of a character."""
        return b"\n" if token_id == self.eos_id else self.token(token_id).encode("utf-8", "surrogatepass")

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return everything needed to make this tokenizer again, as JSON values (with "kind" and "format")."""

    @classmethod
    @abstractmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """Make a tokenizer from what `to_dict` returned.

        Raises:
            TokenizerError: a key is missing, unknown, or holds what cannot be.
        """

    def encode(self, text: str) -> list[int]:
        """Encode a whole text. Raises as `encode_chunks`."""
        return [token_id for piece in self.encode_chunks([text]) for token_id in piece.tolist()]

    @cached_property
    def dtype(self) -> np.dtype[np.unsignedinteger[Any]]:
        """The smallest unsigned type that holds every id."""
        return np.min_scalar_type(self.vocab_size - 1)

    @cached_property
    def hash(self) -> str:
        """The sha256 of the tokenizer's content: its name in manifests and signatures."""
        return sha256_json(self.to_dict())

    @classmethod
    def _normalizer_for(cls, settings: TokenizerSettings) -> Normalizer:
        """Return the settings' normalizer, with this kind's choice for what is "auto"."""
        return Normalizer(
            unicode=cls.default_unicode if settings.unicode == "auto" else settings.unicode,
            lower=settings.lower,
            line_breaks=cls.default_line_breaks if settings.line_breaks == "auto" else settings.line_breaks,
        )

    def _head(self) -> dict[str, Any]:
        """Return the part of the saved form that every kind has."""
        return {"format": FORMAT, "kind": self.kind, "normalizer": dict(self.normalizer)}

    @classmethod
    def _read(cls, saved: Mapping[str, Any], *own_keys: str) -> Normalizer:
        """Check the keys of a saved tokenizer and return its normalizer."""
        expected = {"format", "kind", "normalizer", *own_keys}
        if missing := sorted(expected - set(saved)):
            raise TokenizerError(f"the saved tokenizer has no {missing[0]!r}; it is damaged or no file of ours")
        if unknown := sorted(set(map(str, saved)) - expected):
            raise TokenizerError(f"the saved {cls.kind} tokenizer has an unknown key {unknown[0]!r}")
        if not isinstance(saved["normalizer"], dict):
            raise TokenizerError("the saved tokenizer's 'normalizer' is not an object")
        try:
            return Normalizer(**saved["normalizer"])
        except (ConfigError, TypeError) as fault:
            raise TokenizerError(f"the saved tokenizer's normalizer: {fault}") from None

    def _not_an_id(self, token_ids: Iterable[int]) -> TokenizerError | None:
        """Return the error for the first number that is no id of this vocabulary, or None when all are."""
        for token_id in token_ids:
            if not 0 <= token_id < self.vocab_size:
                return TokenizerError(f"{token_id} is no token id: this vocabulary has 0 to {self.vocab_size - 1}")
        return None
