"""The language models that a run's classifiers begin with: one for each direction, of all text but the held-out."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from anaphora.api.pretraining import DocumentTexts, pretrain, seconds_of_finished, way
from anaphora.bundle import Bundle
from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.models.encoders.pretrained import PretrainedEncoderConfig
from anaphora.models.language_model import LanguageModel
from anaphora.progress import Progress
from anaphora.text.documents import LabelledDocuments
from anaphora.text.tokenizer import Tokenizer
from anaphora.training.classify_run_config import ClassifyRunConfig


@dataclass(kw_only=True)
class LanguageModels:
    """Trains them, or finds them finished.

    Attributes:
        config: of the run.
        documents: with labels and without.
        tokenizer: of all of them.
        folder: of the run.
        init: a language model to go on from; None for new ones.
        progress: is told how the work goes on.
    """

    config: ClassifyRunConfig
    documents: LabelledDocuments
    tokenizer: Tokenizer
    folder: Path
    init: Bundle | None
    progress: Progress

    def trained(self, *, backward: bool, side_by_side: bool) -> LanguageModel:
        """Return the language model of one direction.

        Args:
            backward: whether it reads backward.
            side_by_side: the directions do not take turns: each has the minutes of all of them.

        Raises:
            KeyboardInterrupt: Ctrl-C; what was learnt is saved.
        """
        config, pretraining = self.config, self.config.pretraining
        assert isinstance(config.encoder, PretrainedEncoderConfig)
        minutes, share = config.training.minutes, pretraining.pretrain_share
        if not side_by_side:
            share /= len(pretraining.ways)
        done = pretrain(
            self._corpus,
            config.encoder.net,
            pretraining.training(config.training, self._corpus.counts["train"].tokens),
            self._folder(backward=backward),
            backward=backward,
            init=self.init,
            time_limit=minutes * 60 * share if minutes and share else None,
            progress=self.progress,
        )
        if done.interrupted:
            raise KeyboardInterrupt
        return done.model

    def seconds(self, *, side_by_side: bool) -> float:
        """Return how long those were trained that are finished."""
        found = [seconds_of_finished(self._folder(backward=backward)) for backward in self.config.pretraining.ways]
        return max(found) if side_by_side else sum(found)

    def _folder(self, *, backward: bool) -> Path:
        return self.folder / f"language-model-{way(backward=backward)}"

    @cached_property
    def _corpus(self) -> PreparedCorpus:
        splits = self.documents.splits
        texts = {"train": [one.text for one in (*splits["train"], *self.documents.unlabelled)]}
        if "valid" in splits:
            texts["valid"] = [one.text for one in splits["valid"]]
        return prepare(DocumentTexts(self.documents.name, texts), self.tokenizer, progress=self.progress)
