"""The stages of a classifier's run: language models of the documents' text, where wanted, and a classifier on each.

Each stage has checkpoints of its own, so a run that was broken off goes on in the middle of any of them:

    language-model-forward/   a run folder like that of `anaphora train`        (with [pretraining])
    classifier-forward/       checkpoints and metrics, where two directions are read; else they lie in the run folder
    language-model-backward/, classifier-backward/                              (likewise)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from anaphora.api.classify_scoring import DocumentSplits, seconds_to_score
from anaphora.api.folder import CHECKPOINTS
from anaphora.api.pretraining import DocumentTexts, pretrain, way
from anaphora.bundle import Bundle
from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.models.classifier import Classifier, ClassifierEnsemble, DocumentClassifier
from anaphora.models.encoders.pretrained import PretrainedEncoder, PretrainedEncoderConfig
from anaphora.models.language_model import LanguageModel
from anaphora.progress import Progress
from anaphora.runtime import choose_device, seed_everything
from anaphora.text.documents import LabelledDocuments
from anaphora.text.tokenizer import Tokenizer
from anaphora.training.classification import Classification
from anaphora.training.classify_run_config import ClassifyRunConfig
from anaphora.training.trainer import Trainer, TrainingOutcome

# Of a run by minutes: what scoring may take, and what is left for saving and for a machine that has become busier.
_SCORING_SHARE, _SLACK_SHARE, _SLACK_SECONDS = 0.25, 0.05, 1.0
_LAST = "last.safetensors"


@dataclass(kw_only=True)
class Stages:
    """What the stages have in common.

    Attributes:
        config: of the run.
        documents: with their texts; `splits` are the same, encoded.
        tokenizer: of all stages.
        folder: of the run.
        below: a language model to start from; None for none.
        clock: returns the seconds that are left of a run by minutes.
        track: name of a tracker.
        progress: is told how the work goes on.
        spent: seconds of stages that an earlier sitting had finished.
    """

    config: ClassifyRunConfig
    documents: LabelledDocuments
    splits: DocumentSplits
    tokenizer: Tokenizer
    folder: Path
    below: Bundle | None
    clock: Callable[[float], float]
    track: str | None
    progress: Progress
    spent: float = field(default=0.0, init=False)

    def run(self, *, resume: bool) -> tuple[Classifier, TrainingOutcome]:
        """Go through all stages; return the trained classifier, and how its training ended.

        Raises:
            KeyboardInterrupt: Ctrl-C before there was a classifier; what was learnt is saved.
        """
        pretraining = self.config.pretraining
        if not pretraining.wanted:
            model = self._new_classifier(backward=False, below=self.below.model if self.below else None)
            return model, self._train(model, self.folder, share=1.0, resume=resume)
        trained: list[DocumentClassifier] = []
        outcomes: list[TrainingOutcome] = []
        for number, backward in enumerate(pretraining.ways):
            model = self._new_classifier(backward=backward, below=self._language_model(backward=backward))
            single = len(pretraining.ways) == 1
            folder = self.folder if single else self.folder / f"classifier-{way(backward=backward)}"
            folder.mkdir(exist_ok=True)
            begun = (folder / CHECKPOINTS / _LAST).is_file()
            share = 1.0 / (len(pretraining.ways) - number)
            outcomes.append(self._train(model, folder, share=share, resume=begun))
            if outcomes[-1].interrupted and not single:
                raise KeyboardInterrupt
            trained.append(model)
        return (trained[0] if len(trained) == 1 else ClassifierEnsemble.of(trained)), _together(outcomes)

    def _new_classifier(self, *, backward: bool, below: LanguageModel | None) -> DocumentClassifier:
        """Return a classifier whose encoder has the weights of the language model `below`, where there is one."""
        seed_everything(self.config.training.seed)
        config = self.config.model(self.documents.labels)
        if isinstance(config.encoder, PretrainedEncoderConfig):
            config = config.replace(encoder=config.encoder.replace(backward=backward))
        model = DocumentClassifier(config, self.tokenizer.vocab_size)
        if below is not None:
            assert isinstance(model.encoder, PretrainedEncoder)
            model.encoder.take_over(below)
        return model

    def _language_model(self, *, backward: bool) -> LanguageModel:
        """Train the language model of one direction, or find it finished."""
        config = self.config
        assert isinstance(config.encoder, PretrainedEncoderConfig)
        minutes, pretraining = config.training.minutes, config.pretraining
        share = pretraining.pretrain_share
        limit = minutes * 60 * share / len(pretraining.ways) if minutes and share else None
        done = pretrain(
            self._corpus,
            config.encoder.net,
            pretraining.training(config.training, self._corpus.counts["train"].tokens),
            self.folder / f"language-model-{way(backward=backward)}",
            backward=backward,
            init=self.below,
            time_limit=limit,
            progress=self.progress,
        )
        if done.interrupted:
            raise KeyboardInterrupt
        self.spent += done.seconds_before
        return done.model

    @cached_property
    def _corpus(self) -> PreparedCorpus:
        """Return the text that language models learn: of all documents but the held-out, with labels and without."""
        splits = self.documents.splits
        texts = {"train": [one.text for one in (*splits["train"], *self.documents.unlabelled)]}
        if "valid" in splits:
            texts["valid"] = [one.text for one in splits["valid"]]
        return prepare(DocumentTexts(self.documents.name, texts), self.tokenizer, progress=self.progress)

    def _train(self, model: DocumentClassifier, folder: Path, *, share: float, resume: bool) -> TrainingOutcome:
        """Train a classifier; against the clock, in a share of what is left once all is scored and saved."""
        config, splits = self.config.training, self.splits
        task = Classification(
            model,
            splits.encoded["train"],
            splits.encoded.get("valid"),
            config,
            name=self.documents.name,
            origin={"corpus": splits.source_hash, "tokenizer": splits.tokenizer_hash},
        )
        limit = None
        if config.minutes is not None:
            model.to(choose_device(config.device)).eval()
            left = self.clock(config.minutes) - self.spent
            needed = sum(seconds_to_score(model, splits.encoded[split]) for split in splits.held_out)
            scoring = min(needed / share, left * _SCORING_SHARE)
            limit = max((left * (1 - _SLACK_SHARE) - scoring - _SLACK_SECONDS) * share, 1.0)
        return Trainer(task, folder, time_limit=limit, track=self.track, progress=self.progress).run(resume=resume)


def _together(outcomes: Sequence[TrainingOutcome]) -> TrainingOutcome:
    """Return the outcomes of several classifiers as one: what was trained in all, and how the last one ended."""
    last = outcomes[-1]
    seconds, tokens = sum(one.seconds for one in outcomes), sum(one.tokens for one in outcomes)
    busy = sum(one.tokens / max(one.tokens_per_second, 1e-9) for one in outcomes)
    return TrainingOutcome(
        steps=sum(one.steps for one in outcomes),
        epochs=last.epochs,
        tokens=tokens,
        seconds=seconds,
        tokens_per_second=tokens / max(busy, 1e-9),
        best_valid_loss=last.best_valid_loss,
        best_step=last.best_step,
        interrupted=last.interrupted,
        stopped_by=last.stopped_by,
    )
