"""The first stage of ULMFiT: a language model of the documents' own text, whose layers then become an encoder.

Labels are not looked at, so documents without any serve as well. Howard and Ruder 2018, arXiv 1801.06146: the model may
come from a general text (`--encoder`) and go on learning here, or begin here. A backward model reads the same text from
its end; a classifier on top of each, and the two together, are better than one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from anaphora.api.folder import CHECKPOINTS, MODEL
from anaphora.bundle import Bundle, load_bundle, save_bundle
from anaphora.data.prepare import PreparedCorpus
from anaphora.files import sha256_json
from anaphora.models.encoders.pretrained import headed
from anaphora.models.headed import HeadedLanguageModel
from anaphora.models.registry import build_model, model_config
from anaphora.progress import Event, Progress
from anaphora.runtime import seed_everything
from anaphora.text.tokenizer import TokenIds
from anaphora.training.checkpoint import load_model_tensors, model_tensors
from anaphora.training.config import TrainingConfig
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.trainer import Trainer, TrainingOutcome


@dataclass(frozen=True)
class DocumentTexts:
    """The texts of documents as a corpus: one document a line.

    Attributes:
        name: for messages.
        texts: by split.
    """

    name: str
    texts: Mapping[str, Sequence[str]]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that there are."""
        return tuple(self.texts)

    def chunks(self, split: str) -> Iterator[str]:
        """Yield the documents of a split."""
        for text in self.texts[split]:
            yield " ".join(text.splitlines()) + "\n"

    def source_hash(self) -> str:
        """Return a hash of all texts."""
        return self._hash

    @cached_property
    def _hash(self) -> str:
        return sha256_json({split: list(texts) for split, texts in self.texts.items()})


class BackwardCorpus(PreparedCorpus):
    """The same text, read from its end."""

    def token_ids(self, split: str) -> TokenIds:
        """Return the ids (N,) of one split, the last first."""
        return np.ascontiguousarray(super().token_ids(split)[::-1])


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """A language model of the documents, and how its training ended.

    Attributes:
        model: with its best weights.
        outcome: None where it was there already.
    """

    model: HeadedLanguageModel
    outcome: TrainingOutcome | None

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.outcome is not None and self.outcome.interrupted


def pretrain(
    corpus: PreparedCorpus,
    net: Mapping[str, Any],
    config: TrainingConfig,
    folder: Path,
    *,
    backward: bool,
    init: Bundle | None,
    time_limit: float | None,
    progress: Progress,
) -> Pretrained:
    """Train the language model of one direction, or go on with it, or find it finished.

    Args:
        corpus: the documents' texts.
        net: the [model] section of a new model.
        config: how to train.
        folder: of this stage; a run folder like that of `anaphora train`.
        backward: read the text from its end.
        init: a language model to go on from, with the corpus's tokenizer; None begins with a new one.
        time_limit: seconds; None where epochs or steps decide.
        progress: is told how the work goes on.

    Raises:
        ConfigError: `net` or `init` cannot be an encoder.
        TrainingError: see `Trainer`.
    """
    if (folder / MODEL).is_dir():
        return Pretrained(model=headed(load_bundle(folder / MODEL).model), outcome=None)
    folder.mkdir(parents=True, exist_ok=True)
    progress(Event(stage="train", message=f"a language model of {corpus.name}, read {way(backward=backward)}"))
    seed_everything(config.seed)
    model = headed(build_model(model_config(str(net.get("name", "")), net), corpus.tokenizer.vocab_size))
    if init is not None:
        load_model_tensors(model, model_tensors(init.model))
        config = config.replace(init=str(init.path))
    read = BackwardCorpus(**vars(corpus)) if backward else corpus
    trainer = Trainer(LanguageModelling(model, read, config), folder, time_limit=time_limit, progress=progress)
    outcome = trainer.run(resume=(folder / CHECKPOINTS / "last.safetensors").is_file())
    if not outcome.interrupted:
        about = {"corpus": corpus.name, "read": way(backward=backward), "outcome": vars(outcome)}
        save_bundle(folder / MODEL, model, corpus.tokenizer, about)
    return Pretrained(model=model, outcome=outcome)


def seconds_of_finished(folder: Path) -> float:
    """Return how long the language model in a stage's folder was trained; 0 where it is not finished."""
    if not (folder / MODEL).is_dir():
        return 0.0
    return float(load_bundle(folder / MODEL).provenance.get("outcome", {}).get("seconds", 0.0))


def way(*, backward: bool) -> str:
    """Return what a direction is called."""
    return "backward" if backward else "forward"
