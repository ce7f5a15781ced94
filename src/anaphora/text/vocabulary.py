"""Token <-> id: counted on the training split, cut to size, specials first; and the base of the kinds that use one.

Ids go by frequency, so that small ids are frequent tokens; ties go by first appearance, so that a vocabulary is the
same wherever it is made. `chars`, `words` and `english` stand on this file.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from anaphora.errors import TokenizerError
from anaphora.text.normalizer import Normalizer
from anaphora.text.tokenizer import BOS, EOS, PAD, SPECIALS, UNK, Tokenizer, TokenizerSettings

_MOST_TOKENS = 1 << 24  # far above any vocabulary; a damaged or hostile file stops here


class Vocabulary:
    """An immutable list of distinct tokens; a token's place is its id. Specials stand first.

    Attributes:
        specials: the specials that this vocabulary has, in the order `<unk> <pad> <eos> <bos>`.
        tokens: all tokens, specials included, by id.
        ids: the id of each token.
    """

    def __init__(self, specials: Iterable[str], ordinary: Iterable[str]) -> None:
        self.specials = tuple(specials)
        self.tokens = (*self.specials, *ordinary)
        self.ids = {token: token_id for token_id, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def ordinary(self) -> tuple[str, ...]:
        """The tokens that are text."""
        return self.tokens[len(self.specials) :]

    @classmethod
    def from_counts(
        cls, counts: Mapping[str, int], specials: Sequence[str], *, max_size: int | None = None, min_count: int = 1
    ) -> Self:
        """Keep the most frequent tokens; `counts` lists them in order of first appearance.

        Args:
            counts: how often each token occurs; the names of specials among them are left out.
            specials: the specials to have, which `max_size` does not count.
            max_size: how many tokens to keep at most.
            min_count: how often a token must occur to be kept.

        Raises:
            TokenizerError: nothing is left.
        """
        candidates = [(token, count) for token, count in counts.items() if token not in SPECIALS]
        if not candidates:
            raise TokenizerError("the training text holds no token to learn from; is it empty?")
        kept = [token for token, count in sorted(candidates, key=lambda pair: -pair[1]) if count >= min_count]
        if not kept:
            most = max(count for _, count in candidates)
            raise TokenizerError(f"min_count = {min_count} leaves no token: the most frequent occurs {most} times")
        return cls((special for special in SPECIALS if special in specials), kept[:max_size])

    @classmethod
    def from_lists(cls, specials: object, ordinary: object) -> Self:
        """Make a vocabulary from what a file holds.

        Raises:
            TokenizerError: not two lists of distinct strings, or with a special in the wrong place.
        """
        for name, value in (("specials", specials), ("tokens", ordinary)):
            check_tokens(name, value)
        assert isinstance(specials, list)
        assert isinstance(ordinary, list)
        if specials != [special for special in SPECIALS if special in specials]:
            raise TokenizerError(f"specials = {specials!r:.80}: expected some of {' '.join(SPECIALS)}, in this order")
        if clash := set(SPECIALS) & set(ordinary):
            raise TokenizerError(f"{min(clash)} stands among the saved tokenizer's ordinary tokens")
        return cls(specials, ordinary)


def check_tokens(name: str, value: object) -> None:
    """Raise TokenizerError unless `value`, the entry `name` of a saved tokenizer, is a list of distinct strings."""
    if not isinstance(value, list):
        raise TokenizerError(f"the saved tokenizer's {name!r} is a {type(value).__name__}, not a list")
    if len(value) > _MOST_TOKENS:
        raise TokenizerError(f"the saved tokenizer's {name!r} has {len(value):,} entries; {_MOST_TOKENS:,} at most")
    seen: set[str] = set()
    for token in value:
        if not isinstance(token, str) or not token:
            raise TokenizerError(f"{token!r:.80} in the saved tokenizer's {name!r} is not a token: a string is needed")
        if token in seen:
            raise TokenizerError(f"{token!r:.80} stands twice in the saved tokenizer's {name!r}")
        seen.add(token)


def _needs_unknown(counts: Mapping[str, int], settings: TokenizerSettings) -> bool:
    """Say whether tokens seen once should become `<unk>`: it was asked for, and nothing else is unknown."""
    ordinary = [count for token, count in counts.items() if token not in SPECIALS]
    cut_to_size = settings.max_size is not None and settings.max_size < len(ordinary)
    return settings.learn_unknown and not counts.get(UNK) and not cut_to_size and max(ordinary, default=0) > 1


class VocabularyTokenizer(Tokenizer):
    """The base of the tokenizers whose tokens are listed in a vocabulary; they always have `<unk>`.

    A text that is scored may hold what the training text did not, and must get a finite score.
    """

    def __init__(self, normalizer: Normalizer, vocabulary: Vocabulary) -> None:
        self.normalizer = normalizer
        self.vocabulary = vocabulary
        self._unk: int = vocabulary.ids[UNK]
        self.unk_id = self._unk
        self.pad_id, self.eos_id, self.bos_id = map(vocabulary.ids.get, (PAD, EOS, BOS))

    @property
    def vocab_size(self) -> int:
        return len(self.vocabulary)

    @cached_property
    def start_id(self) -> int:
        first_ordinary = len(self.vocabulary.specials)
        choices = (self.bos_id, self.eos_id, self.vocabulary.ids.get("\n"), first_ordinary)
        return next(choice for choice in choices if choice is not None)

    @classmethod
    def _from_counts(cls, counts: Mapping[str, int], normalizer: Normalizer, settings: TokenizerSettings) -> Self:
        """Make the tokenizer of a training text whose tokens were counted, `<eos>` among them.

        A text without line ends (text8) teaches no `<eos>`: then there is none, and line breaks count as spaces.
        """
        if normalizer.line_breaks == "eos" and not counts.get(EOS):
            normalizer = normalizer.replace(line_breaks="space")
        specials = [UNK, *([PAD] if settings.pad else []), *([EOS] if normalizer.line_breaks == "eos" else [])]
        min_count = max(2, settings.min_count) if _needs_unknown(counts, settings) else settings.min_count
        vocabulary = Vocabulary.from_counts(counts, specials, max_size=settings.max_size, min_count=min_count)
        return cls(normalizer, vocabulary)

    def _tokens(self, token_ids: Sequence[int]) -> list[str]:
        """Return the tokens of the ids, `<eos>` as a line break."""
        if fault := self._not_an_id(token_ids):
            raise fault
        return ["\n" if token_id == self.eos_id else self.vocabulary.tokens[token_id] for token_id in token_ids]

    def token(self, token_id: int) -> str:
        if fault := self._not_an_id([token_id]):
            raise fault
        return self.vocabulary.tokens[token_id]

    def to_dict(self) -> dict[str, Any]:
        return {
            **self._head(),
            "specials": list(self.vocabulary.specials),
            "tokens": list(self.vocabulary.ordinary),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        normalizer = cls._read(saved, "specials", "tokens")
        vocabulary = Vocabulary.from_lists(saved["specials"], saved["tokens"])
        if UNK not in vocabulary.ids or (EOS in vocabulary.ids) != (normalizer.line_breaks == "eos"):
            raise TokenizerError(
                f"specials = {list(vocabulary.specials)} do not fit: {UNK} is needed, and {EOS} exactly when"
                f" line_breaks is eos (here {normalizer.line_breaks})"
            )
        if not vocabulary.ordinary:
            raise TokenizerError("the saved tokenizer has no tokens")
        cls._check_ordinary(vocabulary.ordinary)
        return cls(normalizer, vocabulary)

    @classmethod
    def _check_ordinary(cls, tokens: Sequence[str]) -> None:
        """Raise TokenizerError when a token is not one of this kind's."""
