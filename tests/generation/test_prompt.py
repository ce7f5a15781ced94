"""Prompts that the vocabulary cannot express, and what a model is told before it writes."""

import warnings
from collections.abc import Callable, Iterable, Sequence

import pytest
import torch

from anaphora.errors import AnaphoraWarning, ConfigError, TokenizerError
from anaphora.generation.prompt import Start, encode_prompt
from anaphora.generation.settings import GenerationSettings
from anaphora.models.language_model import LanguageModel
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import Tokenizer, TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer

Chars = Callable[[Iterable[str]], CharacterTokenizer]
Recites = Callable[[Sequence[int], int], LanguageModel]


def words(text: str) -> Tokenizer:
    return train_tokenizer(TokenizerSettings(kind="words"), [text])


def test_unknown_characters_are_named_once(chars: Chars) -> None:
    tokenizer = chars(["abc "])
    with pytest.warns(AnaphoraWarning, match=r"the model has never seen 'x', '\\t', 'é': read as <unk> in the prompt"):
        token_ids = encode_prompt(tokenizer, "axc x\té")
    assert token_ids.count(tokenizer.unk_id or 0) == 4


def test_unknown_words_are_named_whole() -> None:
    with pytest.warns(AnaphoraWarning, match="the model has never seen 'cats', 'mats': read as"):
        encode_prompt(words("the sat on\n"), "the cats sat on the mats")


def test_a_long_list_is_cut() -> None:
    with pytest.warns(AnaphoraWarning, match="'w9' and 15 more: read as"):
        encode_prompt(words("the\n"), " ".join(f"w{i}" for i in range(25)))


def test_a_prompt_may_spell_unk() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert encode_prompt(words("the\n"), "the <unk>")[1] == words("the\n").unk_id


def test_no_unk_to_read_it_as() -> None:
    """A tokenizer that raises on what it does not know passes its error on."""

    class Strict(CharacterTokenizer):
        def encode(self, text: str) -> list[int]:
            raise TokenizerError("'x' is not in the vocabulary, which has no <unk>")

    with pytest.raises(TokenizerError, match="'x' is not in the vocabulary"):
        encode_prompt(Strict.train(["ab"], TokenizerSettings()), "x")


def test_top_k_beyond_the_vocabulary(chars: Chars, recites: Recites) -> None:
    tokenizer = chars(["ab"])
    size = tokenizer.vocab_size
    with pytest.raises(ConfigError, match=rf"top_k = {size + 1} in \[generation\]: the vocabulary has {size} tokens"):
        Start(recites([1], size), tokenizer, "", GenerationSettings(top_k=size + 1))


def test_nothing_may_be_written(chars: Chars, recites: Recites) -> None:
    class SpecialsOnly(CharacterTokenizer):
        @property
        def vocab_size(self) -> int:
            return 1

    tokenizer = SpecialsOnly.train(["a"], TokenizerSettings())
    assert tokenizer.unk_id == 0
    with pytest.raises(ConfigError, match="holds special tokens only: nothing to write without allow_special"):
        Start(recites([0], 1), tokenizer, "", GenerationSettings())
    assert len(Start(recites([0], 1), tokenizer, "", GenerationSettings(allow_special=True)).forbidden) == 0


def test_a_prompt_is_read_after_the_start_token(chars: Chars, lstm: Callable[[Tokenizer], LanguageModel]) -> None:
    """Long prompts are read in windows; the state and the distribution are those of one reading."""
    tokenizer = chars(["abc \n"])
    model, prompt = lstm(tokenizer), "abc cab " * 100
    start = Start(model, tokenizer, prompt, GenerationSettings())
    token_ids = torch.tensor([[tokenizer.start_id, *tokenizer.encode(prompt)]])
    with torch.inference_mode():
        log_probs, state = model.next_log_probs(token_ids, model.initial_state(1))
    torch.testing.assert_close(start.log_probs, log_probs, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(start.state, state, rtol=1e-4, atol=1e-5)
