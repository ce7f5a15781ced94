"""The one table of tokenizers, and their way to and from a JSON file."""

import warnings
from collections.abc import Iterable
from pathlib import Path

from anaphora.errors import AnaphoraWarning, TokenizerError
from anaphora.files import read_json, write_json
from anaphora.settings import did_you_mean
from anaphora.text.bytes import ByteTokenizer
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.english import EnglishTokenizer
from anaphora.text.subwords import BytePairTokenizer, UnigramTokenizer
from anaphora.text.tokenizer import FORMAT, Kind, Tokenizer, TokenizerSettings
from anaphora.text.words import WordTokenizer

TOKENIZERS: dict[Kind, type[Tokenizer]] = {
    "chars": CharacterTokenizer,
    "bytes": ByteTokenizer,
    "words": WordTokenizer,
    "english": EnglishTokenizer,
    "bpe": BytePairTokenizer,
    "unigram": UnigramTokenizer,
}


def train_tokenizer(settings: TokenizerSettings, chunks: Iterable[str]) -> Tokenizer:
    """Build the tokenizer that the settings describe from a training text that comes in pieces.

    Warns (AnaphoraWarning) about settings that this kind does not look at.

    Raises:
        TokenizerError: the settings do not fit the kind, or the text holds nothing to learn from.
    """
    chosen = TOKENIZERS[settings.kind]
    for name in chosen.without_effect:
        if getattr(settings, name) != TokenizerSettings.model_fields[name].default:
            warnings.warn(
                f"{name} = {getattr(settings, name)} in [tokenizer] has no effect with kind {settings.kind!r}",
                AnaphoraWarning,
                stacklevel=2,
            )
    return chosen.train(chunks, settings)


def save_tokenizer(tokenizer: Tokenizer, path: Path) -> None:
    """Write a tokenizer as one JSON file, atomically."""
    write_json(path, tokenizer.to_dict())


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer that `save_tokenizer` wrote. Nothing in the file can run code.

    Raises:
        TokenizerError: the file is missing, damaged, of an unknown kind or from a newer version.
    """
    saved = read_json(path, TokenizerError, "tokenizer")
    kind, found = saved.get("kind"), saved.get("format")
    if found != FORMAT or isinstance(found, bool):
        raise TokenizerError(
            f"tokenizer {path} has format {found!r:.80}; this version of anaphora reads format {FORMAT}"
        )
    if not isinstance(kind, str) or kind not in TOKENIZERS:
        near = did_you_mean(str(kind), list(TOKENIZERS))
        known = ", ".join(TOKENIZERS)
        raise TokenizerError(f"tokenizer {path} is of the unknown kind {kind!r:.80}{near}; known: {known}")
    try:
        return TOKENIZERS[kind].from_dict(saved)
    except TokenizerError as fault:
        raise TokenizerError(f"tokenizer {path}: {fault}") from None
