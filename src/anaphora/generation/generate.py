"""Write on from a prompt: sampling, greedy choice or beam search, whole or as a stream of text.

A text ends after max_new_tokens or before a stop string; nothing else ends it. `<eos>` is a line break like any
other (stop at the first one with stop=("\\n",)), because models here read a text as one stream of lines.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from anaphora.errors import ConfigError
from anaphora.generation.batch import Row, SampleBatch
from anaphora.generation.beam import BeamSearch
from anaphora.generation.prompt import Start
from anaphora.generation.settings import GenerationSettings
from anaphora.models.language_model import LanguageModel
from anaphora.models.stepping import inference, step_threads
from anaphora.runtime import num_threads
from anaphora.text.tokenizer import Tokenizer

__all__ = ["GenerationSettings", "Sample", "generate", "stream"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A text that was written.

    Attributes:
        text: what follows the prompt; prompt + text reads as one text. Cut before the stop string that ended it.
        tokens: how many tokens were written, those of the stop string included.
        log_prob: their sum in nats under the model itself, whatever temperature and filters were.
        token_ids: the tokens.
    """

    text: str
    tokens: int
    log_prob: float
    token_ids: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return text, tokens and log_prob as JSON values."""
        return {"text": self.text, "tokens": self.tokens, "log_prob": self.log_prob}


def generate(
    model: LanguageModel, tokenizer: Tokenizer, prompt: str = "", settings: GenerationSettings | None = None
) -> list[Sample]:
    """Write `settings.num` texts that continue a prompt; an empty one starts from `tokenizer.start_id`.

    Texts of a beam search come best first. The model reads its start token before the prompt, as in an evaluation.

    Raises:
        ConfigError: top_k exceeds the vocabulary, or the vocabulary holds nothing that may be written.
        TokenizerError: the prompt holds characters that the vocabulary lacks, and there is no `<unk>` for them.
        GenerationError: the model's probabilities are not numbers.
    """
    settings = settings or GenerationSettings()
    start = Start(model, tokenizer, prompt, settings)
    if settings.beam > 1:
        return _search(model, start, settings)
    batch = SampleBatch(start, settings)
    with inference(model), num_threads(step_threads(model, settings.num)):
        while batch.rows:
            batch.advance()
    return [_sample(row) for row in batch.all_rows]


def stream(
    model: LanguageModel, tokenizer: Tokenizer, prompt: str = "", settings: GenerationSettings | None = None
) -> Iterator[str]:
    """Write one text piece by piece: joined, the pieces are the text that `generate` returns for the same seed.

    A piece is never empty, never part of a character, and never part of a stop string.

    Raises:
        ConfigError: more than one text, or beam search, which knows its text only at the end; and as `generate`.
        TokenizerError, GenerationError: as `generate`.
    """
    settings = settings or GenerationSettings()
    for key in ("num", "beam"):
        if (value := getattr(settings, key)) > 1:
            raise ConfigError(f"{key} = {value} in [generation]: a stream is one sampled text; use {key} = 1")
    batch = SampleBatch(Start(model, tokenizer, prompt, settings), settings)
    return _pieces(model, batch)


def _pieces(model: LanguageModel, batch: SampleBatch) -> Iterator[str]:
    (row,) = batch.all_rows
    threads, shown = step_threads(model, 1), 0
    while batch.rows:
        with inference(model), num_threads(threads):  # left after each step: the caller's code runs between
            batch.advance()
        row.read(last=not batch.rows)
        if shown < len(row.text):
            yield row.text[shown:]
            shown = len(row.text)


def _sample(row: Row) -> Sample:
    row.read(last=True)
    return Sample(text=row.text, tokens=len(row.token_ids), log_prob=row.log_prob, token_ids=tuple(row.token_ids))


def _search(model: LanguageModel, start: Start, settings: GenerationSettings) -> list[Sample]:
    search = BeamSearch(
        beam=settings.beam,
        num=settings.num,
        max_new_tokens=settings.max_new_tokens,
        length_penalty=settings.length_penalty,
        forbidden=start.forbidden,
    )
    with inference(model), num_threads(step_threads(model, settings.beam)):
        found = search.run(start.stepper, start.log_probs, start.state, start.reader())
    return [
        Sample(
            text=hypothesis.text + hypothesis.reader.finish(),
            tokens=len(hypothesis.token_ids),
            log_prob=hypothesis.log_prob,
            token_ids=hypothesis.token_ids,
        )
        for hypothesis in found
    ]
