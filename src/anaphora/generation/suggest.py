"""The most probable next words after a text, or the words that a half-typed one may become: a keyboard's suggestions.

Where a token is a word, the answer is read off one distribution, exactly. Where words are made of smaller pieces, a
beam search spells them until a character follows that is no part of a word; a word's probability is the sum over all
the spellings found, which for characters and bytes is its only one, and for subwords a lower bound that misses little.

Shapes: B spellings followed at a time, V vocabulary.
"""

import codecs
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from anaphora.errors import ConfigError
from anaphora.generation.prompt import Start
from anaphora.generation.settings import GenerationSettings
from anaphora.models.language_model import LanguageModel, State, select_rows
from anaphora.models.stepping import inference, step_threads
from anaphora.runtime import num_threads
from anaphora.text.bytes import utf8_bytes
from anaphora.text.tokenizer import Tokenizer

_HALF_WORD = {"words": re.compile(r"\S*\Z"), "english": re.compile(r"\w*\Z")}  # of tokenizers whose tokens are words
_JOINERS = "'’-"  # inside a word, as in don't and half-typed
_LEAST_BEAM, _BEAM_PER_WORD = 32, 4
_LONGEST = 64  # tokens of one word
_BROKEN = "\ufffd"  # how bytes are decoded that are no character


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """One word.

    Attributes:
        word: the whole word.
        rest: what is left of it to type.
        probability: that this is the next word, given the text before and the letters typed of it.
    """

    word: str
    rest: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """The likeliest words, best first.

    Attributes:
        context: the text before the word.
        typed: what is typed of the word already.
        typed_probability: that the next word begins with what is typed, given the text before; 1 for nothing.
        words: the suggestions. Their probabilities sum to one at most; what is missing are other words, and that no
            word follows but a line end, a punctuation mark, or something unknown.
        exact: whether these are the likeliest words and their full probabilities; False when a beam looked for them.
        normalized: False for a model that gives scores (stupid backoff): then these are no probabilities either.
    """

    context: str
    typed: str
    typed_probability: float
    words: tuple[Suggestion, ...]
    exact: bool
    normalized: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the suggestions as JSON values."""
        return {**vars(self), "words": [dict(vars(word)) for word in self.words]}


def suggest(model: LanguageModel, tokenizer: Tokenizer, prefix: str, *, top: int = 5) -> Suggestions:
    """Return the likeliest words after `prefix`; where that ends within a word, those that begin with its letters.

    A word is a token of the tokenizers `words` and `english`; for the others, a run of letters, marks, digits,
    apostrophes and hyphens; after a punctuation mark the space before the word is passed over.

    Raises:
        ConfigError: top is less than 1.
        TokenizerError: the prefix cannot be expressed.
    """
    if top < 1:
        raise ConfigError(f"top = {top} suggestions: ask for 1 or more")
    prefix = tokenizer.normalizer(prefix)
    find = _whole_words if tokenizer.kind in _HALF_WORD else _spelt_words
    return replace(find(model, tokenizer, prefix, top), normalized=model.normalized)


def _spelt_words(model: LanguageModel, tokenizer: Tokenizer, prefix: str, top: int) -> Suggestions:
    """Spell words from smaller tokens by a beam search."""
    half = _end_of(prefix, _is_word)
    spaces = _end_of(prefix[: len(prefix) - len(half)], lambda char: char.isspace() and char != "\n")
    # Subwords hold the space before them: the model reads up to there, and the search spells the space too.
    context = prefix[: len(prefix) - len(half) - len(spaces)]
    may_space = not half and not spaces and context[-1:].strip() != ""  # after a punctuation mark
    beam = max(_LEAST_BEAM, _BEAM_PER_WORD * top)
    with inference(model), num_threads(step_threads(model, beam)):
        start = Start(model, tokenizer, context, GenerationSettings())
        search = _Spelling(start, _Pieces(tokenizer, start.forbidden), spaces, half, may_space, beam)
        search.run(top)
    return _ranked(context + spaces, half, search.begun, search.spaced, search.words, top)


def _whole_words(model: LanguageModel, tokenizer: Tokenizer, prefix: str, top: int) -> Suggestions:
    """Read the answer off the distribution of the next token."""
    found = _HALF_WORD[tokenizer.kind].search(prefix)
    typed = found.group() if found else ""
    context = prefix[: len(prefix) - len(typed)]
    start = Start(model, tokenizer, context, GenerationSettings())
    special = {*start.forbidden.tolist(), tokenizer.eos_id}
    token_ids = [
        token_id
        for token_id in range(tokenizer.vocab_size)
        if token_id not in special and tokenizer.token(token_id).startswith(typed)
    ]
    probs = start.log_probs[0, torch.tensor(token_ids, dtype=torch.int64)].double().exp().tolist()
    words = {tokenizer.token(token_id): prob for token_id, prob in zip(token_ids, probs, strict=True)}
    return _ranked(context, typed, math.fsum(probs) if typed else 1.0, 1.0, words, top, exact=True)


def _ranked(
    context: str, typed: str, begun: float, spaced: float, words: dict[str, float], top: int, *, exact: bool = False
) -> Suggestions:
    """Rank words by their probability, given that the letters typed (`begun`) and the space before (`spaced`) came."""
    best = sorted(words.items(), key=lambda pair: -pair[1])[:top]
    return Suggestions(
        context=context,
        typed=typed,
        typed_probability=begun / spaced if spaced else 0.0,
        words=tuple(
            Suggestion(word=word, rest=word[len(typed) :], probability=prob / begun) for word, prob in best if prob > 0
        ),
        exact=exact,
    )


class _Pieces:
    """What the tokens of a vocabulary are to a word that is being spelt."""

    def __init__(self, tokenizer: Tokenizer, forbidden: Tensor) -> None:
        self.bytes = [tokenizer.token_bytes(token_id) for token_id in range(tokenizer.vocab_size)]
        self.device = forbidden.device
        heads = [_characters(data)[0][:1] for data in self.bytes]
        self.allowed = torch.ones(len(heads), dtype=torch.bool, device=self.device)
        self.allowed[forbidden] = False
        # A byte that no character begins with neither ends a word nor goes on with it.
        self.begins = self._mask([head != _BROKEN for head in heads]) & self.allowed
        self.ends_word = self._mask([head != "" and not _is_word(head) for head in heads]) & self.begins
        self.is_space = self._mask([data != b"" and data.strip(b" \t") == b"" for data in self.bytes]) & self.allowed

    def spelling(self, rest: bytes) -> tuple[Tensor, Tensor]:
        """Return which tokens, each (V,), bool, begin with all of `rest`, and which are a part of its beginning."""
        whole = self._mask([data.startswith(rest) for data in self.bytes])
        part = self._mask([data != b"" and data != rest and rest.startswith(data) for data in self.bytes])
        return whole & self.allowed, part & self.allowed

    def _mask(self, values: list[bool]) -> Tensor:
        return torch.tensor(values, dtype=torch.bool, device=self.device)


@dataclass(frozen=True)
class _Spelt:
    """A beginning of a word: its bytes since the context, and their log-probability in nats."""

    data: bytes = b""
    log_prob: float = 0.0


@dataclass
class _Spelling:
    """The beam search. What it finds lies in `words` and `begun`, as probabilities given the context."""

    start: Start
    pieces: _Pieces
    spaces: str
    half: str
    may_space: bool
    beam: int
    words: dict[str, float] = field(default_factory=dict)
    spaced: float = 0.0
    begun: float = 0.0

    def run(self, top: int) -> None:
        typed = utf8_bytes(self.spaces + self.half)
        self.spaced = 0.0 if self.spaces else 1.0
        self.begun = 0.0 if typed else 1.0
        live, log_probs, state = [_Spelt()], self.start.log_probs, self.start.state
        for _ in range(_LONGEST):
            totals = log_probs.double() + torch.tensor([one.log_prob for one in live], dtype=torch.float64)[:, None].to(
                log_probs.device
            )
            for row, one in enumerate(live):
                self._judge(one, totals[row], typed[len(one.data) :])
            live, tokens, rows = self._extend(live, totals, typed)
            if not live or self._is_decided(live[0].log_prob, top):
                return
            log_probs, state = self._step(tokens, rows, state)

    def _judge(self, one: _Spelt, totals: Tensor, rest: bytes) -> None:
        """Note what is certain of a spelling, and rule out tokens that it cannot go on with: -inf in totals (V,)."""
        pieces = self.pieces
        if rest:
            spaces = utf8_bytes(self.spaces)[len(one.data) :]
            if spaces:
                self.spaced += float(totals[pieces.spelling(spaces)[0]].exp().sum())
            whole, part = pieces.spelling(rest)
            self.begun += float(totals[whole].exp().sum())
            totals.masked_fill_(~(whole | part), -math.inf)
            return
        word, pending = self._word(one.data)
        going_on = pieces.allowed
        if not pending:
            if word:
                self._add(word, float(totals[pieces.ends_word].exp().sum()))
            going_on = pieces.begins & ~pieces.ends_word
            if not word and self.may_space:
                going_on = going_on | pieces.is_space
        totals.masked_fill_(~going_on, -math.inf)

    def _extend(self, live: list[_Spelt], totals: Tensor, typed: bytes) -> tuple[list[_Spelt], list[int], list[int]]:
        """Return the best spellings one token longer, their last tokens, and the rows they come from."""
        values, places = totals.flatten().topk(min(self.beam, totals.numel()))
        longer, tokens, rows = list[_Spelt](), list[int](), list[int]()
        for total, place in zip(values.tolist(), places.tolist(), strict=True):
            if not total > -math.inf:
                break
            row, token_id = divmod(place, totals.shape[1])
            one = _Spelt(live[row].data + self.pieces.bytes[token_id], total)
            if len(one.data) >= len(typed) and self._closes(one):
                continue
            longer.append(one)
            tokens.append(token_id)
            rows.append(row)
        return longer, tokens, rows

    def _closes(self, one: _Spelt) -> bool:
        """Say whether a word ended inside the last token, and note the word that did."""
        text = _characters(one.data)[0].lstrip()
        word, _ = self._word(one.data)
        if text == word:
            return False
        if word:
            self._add(word, math.exp(one.log_prob))
        return True

    def _word(self, data: bytes) -> tuple[str, bytes]:
        """Return the word that some bytes since the context have begun, and the bytes of an unfinished character."""
        text, pending = _characters(data)
        text = text.lstrip()
        end = next((place for place, char in enumerate(text) if not _is_word(char)), len(text))
        return text[:end], pending

    def _add(self, word: str, prob: float) -> None:
        self.words[word] = self.words.get(word, 0.0) + prob

    def _is_decided(self, best_live: float, top: int) -> bool:
        """Say whether no word that is still being spelt can come among the first."""
        best = sorted(self.words.values(), reverse=True)[:top]
        return len(best) == top and best[-1] > math.exp(best_live)

    def _step(self, tokens: list[int], rows: list[int], state: State) -> tuple[Tensor, State]:
        device = self.pieces.device
        state = select_rows(state, torch.tensor(rows, device=device))
        return self.start.stepper.step(torch.tensor(tokens, device=device), state)


def _is_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN" or char in _JOINERS


def _end_of(text: str, belongs: Callable[[str], bool]) -> str:
    """Return the longest end of a text whose characters all belong."""
    begin = len(text)
    while begin and belongs(text[begin - 1]):
        begin -= 1
    return text[begin:]


def _characters(data: bytes) -> tuple[str, bytes]:
    """Return the whole characters of some bytes and the beginning of one more; what is no UTF-8 becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return decoder.decode(data), decoder.getstate()[0]
