"""What a text begins with: a model that has read its prompt, and was told what it must not write."""

import re
import warnings

import torch

from anaphora.errors import AnaphoraWarning, ConfigError
from anaphora.generation.settings import GenerationSettings
from anaphora.generation.text_reader import TextReader
from anaphora.models.language_model import LanguageModel, State
from anaphora.models.stepping import Stepper, inference, make_stepper
from anaphora.text.tokenizer import UNK, Tokenizer

_MAX_NAMED = 10  # unknown characters in one warning
_WINDOW = 256  # tokens of a prompt read at a time: bounds the memory that a long one takes


class Start:
    """A model that has read its prompt: what sampling and beam search both begin with."""

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer, prompt: str, settings: GenerationSettings) -> None:
        if settings.top_k is not None and settings.top_k > tokenizer.vocab_size:
            raise ConfigError(
                f"top_k = {settings.top_k} in [generation]: the vocabulary has {tokenizer.vocab_size} tokens"
            )
        special = () if settings.allow_special else (tokenizer.unk_id, tokenizer.pad_id, tokenizer.bos_id)
        forbidden = sorted({token_id for token_id in special if token_id is not None})
        if len(forbidden) >= tokenizer.vocab_size:
            raise ConfigError("the vocabulary holds special tokens only: nothing to write without allow_special")
        prompt_ids = encode_prompt(tokenizer, prompt)
        self.token_ids = [tokenizer.start_id, *prompt_ids]
        self.reader_parts = (tokenizer, prompt_ids, settings.stop)
        if not model.normalized:
            warnings.warn(
                "this model gives scores and no probabilities: texts are drawn in proportion to them, and log_prob is"
                " a sum of scores",
                AnaphoraWarning,
                stacklevel=3,
            )
        self.forbidden = torch.tensor(forbidden, dtype=torch.int64, device=model.device)
        with inference(model):
            self.stepper: Stepper = make_stepper(model)
            self.state: State = model.initial_state(1)
            for part in torch.tensor([self.token_ids], device=model.device).split(_WINDOW, 1):
                self.log_probs, self.state = model.next_log_probs(part, self.state)

    def reader(self) -> TextReader:
        """Return a fresh reader for text after the prompt."""
        return TextReader(*self.reader_parts)


def encode_prompt(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """Return the ids of a prompt. What the vocabulary lacks becomes `<unk>`, with an AnaphoraWarning that names it.

    Raises:
        TokenizerError: the vocabulary lacks something and has no `<unk>`.
    """
    token_ids = tokenizer.encode(prompt)
    if tokenizer.unk_id in token_ids and (unknown := _unknown_parts(tokenizer, prompt)):
        named = ", ".join(repr(part) for part in unknown[:_MAX_NAMED])
        more = f" and {len(unknown) - _MAX_NAMED} more" if len(unknown) > _MAX_NAMED else ""
        warnings.warn(
            f"the model has never seen {named}{more}: read as {UNK} in the prompt", AnaphoraWarning, stacklevel=4
        )
    return token_ids


def _unknown_parts(tokenizer: Tokenizer, prompt: str) -> list[str]:
    """Return the words or characters that become `<unk>`: a word where it is one token, else its unknown characters."""
    unknown: dict[str, None] = {}
    for part in dict.fromkeys(re.findall(r"\s|\S+", prompt)):
        token_ids = [] if part == UNK else tokenizer.encode(part)
        if token_ids == [tokenizer.unk_id]:
            unknown[part] = None
        elif tokenizer.unk_id in token_ids:
            unknown.update(dict.fromkeys(char for char in part if tokenizer.unk_id in tokenizer.encode(char)))
    return list(unknown)
