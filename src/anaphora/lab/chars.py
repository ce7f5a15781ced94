"""A character model that learns a small text by heart while one watches: perplexity and continuations as it goes.

Textbook system B: an Elman net on one-hot characters, gradient descent with a huge step and a tiny clip. It runs from
scratch (`scratch/char_rnn.py`) or on the framework's layer (below), and with either way to sample windows.
Shapes: B batch, T time, V vocabulary, H hidden.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.data.stream import ConsecutiveWindows, RandomWindows
from anaphora.errors import ConfigError
from anaphora.lab.scratch.char_rnn import ScratchCharRNN, ScratchConfig, predict, train_epoch
from anaphora.models.language_model import NeuralLanguageModel, Reading, State
from anaphora.progress import Event, Progress, silent
from anaphora.runtime import num_threads, seed_everything
from anaphora.settings import did_you_mean
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import Tokenizer, TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer

# The textbook's settings. Logits near zero make tiny gradients; clipping at 0.01 makes every step at most 1 long.
HIDDEN_SIZE = 256
BATCH_SIZE, BPTT = 32, 35
LEARNING_RATE, MAX_GRAD_NORM = 100.0, 0.01


class ConciseCharRNN(NeuralLanguageModel):
    """The same net on `nn.RNN` and `nn.Linear`. The layer has two biases that add up where one would do."""

    config_class = ScratchConfig

    def __init__(self, config: ScratchConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.layer = nn.RNN(vocab_size, config.hidden_size, batch_first=True)
        self.head = nn.Linear(config.hidden_size, vocab_size)
        for weight in self.parameters():
            nn.init.normal_(weight, std=config.init_std)

    def initial_state(self, batch_size: int) -> State:
        return (self.head.weight.new_zeros(batch_size, self.layer.hidden_size),)

    def read(self, tokens: Tensor, state: State) -> tuple[Reading, State]:
        one_hot = F.one_hot(tokens, self.vocab_size).to(self.head.weight.dtype)
        hidden, last = self.layer(one_hot, state[0].unsqueeze(0))
        return Reading(hidden, hidden, hidden), (last.squeeze(0),)

    def logits(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.head(features))


Net = Literal["scratch", "concise"]
Windows = Literal["random", "consecutive"]
NETS: dict[Net, type[ScratchCharRNN] | type[ConciseCharRNN]] = {"scratch": ScratchCharRNN, "concise": ConciseCharRNN}
WINDOWS: dict[Windows, type[RandomWindows] | type[ConsecutiveWindows]] = {
    "random": RandomWindows,
    "consecutive": ConsecutiveWindows,
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """Where training stood after an epoch: its perplexity over that epoch, and each prompt with what followed."""

    epoch: int
    perplexity: float
    continuations: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class CharRun:
    """One training and what came of it.

    Attributes:
        net, windows: which.
        characters: length of the text.
        types: its distinct characters; a model that knows nothing has this perplexity.
        reports: in order; the last is of the last epoch.
        perplexity: that of the last report.
        seconds: training and reports.
    """

    net: str
    windows: str
    characters: int
    types: int
    reports: tuple[Report, ...]
    seconds: float

    @property
    def perplexity(self) -> float:
        """Perplexity over the last epoch."""
        return self.reports[-1].perplexity

    def to_json(self) -> dict[str, Any]:
        """Return the run as JSON values."""
        return {**asdict(self), "reports": [asdict(report) for report in self.reports], "perplexity": self.perplexity}


def write_by_heart(
    corpus: str | Path = "jaychou-lyrics",
    *,
    net: Net = "scratch",
    windows: Windows = "random",
    prompt: Sequence[str] = ("分开", "天晴"),
    epochs: int = 250,
    report_every: int = 50,
    new_chars: int = 50,
    max_chars: int = 10_000,
    seed: int = 1,
    data_dir: Path | None = None,
    progress: Progress = silent,
) -> CharRun:
    """Train a small net on the beginning of a text, and let it continue each prompt every so many epochs.

    A continuation is the most probable character again and again, after the state was warmed up on the prompt.

    Args:
        corpus: a file, or the name of a known corpus.
        net: "scratch" or "concise".
        windows: "random" (the state is reset for each batch) or "consecutive" (it is carried, and reset each epoch).
        prompt: the texts to continue; their characters must occur in the text.
        epochs: how often the text is read.
        report_every: epochs from one report to the next.
        new_chars: length of a continuation.
        max_chars: how much of the text is read.
        seed: of weights and shuffling.
        data_dir: where known corpora lie.
        progress: gets events of the stage "train".

    Raises:
        AnaphoraError: no such corpus, too short a text, or a prompt with a character that the text does not have.
    """
    _check(net, windows, epochs=epochs, report_every=report_every)
    text, tokenizer = _read(corpus, max_chars, data_dir)
    prompts = {words: _encode(words, tokenizer) for words in prompt}
    sampler = WINDOWS[windows](np.array(tokenizer.encode(text)), BATCH_SIZE, BPTT, seed=seed)
    started = time.perf_counter()
    reports = []
    with num_threads(1):  # small products; and sums come out the same on every machine
        seed_everything(seed)
        model = NETS[net](ScratchConfig(hidden_size=HIDDEN_SIZE), tokenizer.vocab_size)
        for epoch in range(1, epochs + 1):
            batches = sampler.epoch(epoch - 1)
            perplexity = train_epoch(model, batches, learning_rate=LEARNING_RATE, max_norm=MAX_GRAD_NORM)
            progress(Event(stage="train", done=epoch, total=epochs, unit="epochs", values={"perplexity": perplexity}))
            if epoch % report_every == 0 or epoch == epochs:
                texts = {words: tokenizer.decode(predict(model, ids, new_chars)) for words, ids in prompts.items()}
                reports.append(Report(epoch=epoch, perplexity=perplexity, continuations=texts))
    return CharRun(
        net=net,
        windows=windows,
        characters=len(text),
        types=len(set(text)),
        reports=tuple(reports),
        seconds=time.perf_counter() - started,
    )


def _check(net: str, windows: str, **counts: int) -> None:
    for name, value, known in (("net", net, NETS), ("windows", windows, WINDOWS)):
        if value not in known:
            raise ConfigError(f"{name} = {value!r}{did_you_mean(value, list(known))} (known: {', '.join(known)})")
    for name, count in counts.items():
        if count < 1:
            raise ConfigError(f"{name} = {count}: use 1 or more")


def _read(corpus: str | Path, max_chars: int, data_dir: Path | None) -> tuple[str, Tokenizer]:
    """Return the beginning of a text as it is trained on, and its characters."""
    folder = str(data_dir) if data_dir else None
    opened = open_corpus(CorpusSettings(source=(str(corpus),), data_dir=folder))
    raw = ""
    for chunk in (chunk for split in opened.splits for chunk in opened.chunks(split)):
        raw += chunk
        if len(raw) >= max_chars:
            break
    settings = TokenizerSettings(kind="chars", line_breaks=opened.default_line_breaks)
    tokenizer = train_tokenizer(settings, [raw[:max_chars]])
    return tokenizer.normalizer(raw[:max_chars]), tokenizer


def _encode(prompt: str, tokenizer: Tokenizer) -> list[int]:
    token_ids = tokenizer.encode(prompt)
    if not token_ids:
        raise ConfigError("an empty prompt: give at least one character to go on from")
    if tokenizer.unk_id in token_ids:
        unknown = prompt[token_ids.index(tokenizer.unk_id)]
        raise ConfigError(f"prompt = {prompt!r}: the text has no {unknown!r}, so the net cannot read it")
    return token_ids
