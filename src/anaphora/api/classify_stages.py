"""The stages of a classifier's run: language models of the documents' text, classifiers on them, and students of these.

Each stage has checkpoints of its own, so a run that was broken off goes on in the middle of any of them:

    language-model-forward/   a run folder like that of `anaphora train`        (with [pretraining])
    classifier-forward/       checkpoints and metrics; of an only classifier, they lie in the run folder
    language-model-backward/, classifier-backward/                              (likewise)
    guesses-1.json            what these are sure of                            (with [self_training])
    classifier-forward-2/, classifier-backward-2/                               (likewise)
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from anaphora.api.classify_guesses import Guessing
from anaphora.api.classify_language_models import LanguageModels
from anaphora.api.classify_scoring import DocumentSplits, calibrate, seconds_to_score
from anaphora.api.folder import CHECKPOINTS
from anaphora.api.lanes import run_lanes
from anaphora.api.pretraining import way
from anaphora.bundle import Bundle
from anaphora.data.documents import EncodedDocuments
from anaphora.errors import ConfigError
from anaphora.files import sha256_json
from anaphora.models.classifier import Classifier, DocumentClassifier, SingleClassifier
from anaphora.models.classifier_ensemble import ClassifierEnsemble
from anaphora.models.encoders.pretrained import PretrainedEncoder, PretrainedEncoderConfig
from anaphora.models.language_model import LanguageModel
from anaphora.models.ngram_classifier import NgramClassifier
from anaphora.progress import Event, Progress
from anaphora.runtime import choose_device, free_cpus, requested_threads, seed_everything
from anaphora.text.documents import LabelledDocuments
from anaphora.text.tokenizer import Tokenizer
from anaphora.training.classification import Classification
from anaphora.training.classify_run_config import ClassifyRunConfig
from anaphora.training.ngram_classification import MOST_TOKENS, fit_ngram_classifier
from anaphora.training.self_training import student_epochs
from anaphora.training.trainer import Trainer, TrainingOutcome

# Of a run by minutes: the tokens for each of them in which n-grams are counted, which takes a tenth of it or less; what
# scoring may take; and what is left for saving and for a machine that has become busier.
_TOKENS_A_MINUTE = 2_000_000
_SCORING_SHARE, _SLACK_SHARE, _SLACK_SECONDS = 0.25, 0.05, 1.0
_LAST = "last.safetensors"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The training of one classifier.

    Attributes:
        folder: for its checkpoints and metrics.
        share: of what is left of a run by minutes.
        train: what it learns from.
    """

    folder: Path
    share: float
    train: EncodedDocuments

    @property
    def begun(self) -> bool:
        """Whether an earlier sitting has left a checkpoint."""
        return (self.folder / CHECKPOINTS / _LAST).is_file()


@dataclass(kw_only=True)
class Stages:
    """What the stages have in common.

    Attributes:
        config: of the run.
        documents: with their texts; `splits` are the same, encoded.
        tokenizer: of all stages.
        folder: of the run.
        below: a language model to start from; None for none.
        started: when the user began to wait, by `time.monotonic`.
        clock: returns the seconds that are left of a run by minutes.
        track: name of a tracker.
        progress: is told how the work goes on.
        spent: seconds of language models that an earlier sitting had finished; `run` finds them.
    """

    config: ClassifyRunConfig
    documents: LabelledDocuments
    splits: DocumentSplits
    tokenizer: Tokenizer
    folder: Path
    below: Bundle | None
    started: float
    clock: Callable[[float], float]
    track: str | None
    progress: Progress
    spent: float = 0.0
    _in_lane: bool = field(default=False, init=False)

    def run(self, *, resume: bool) -> tuple[Classifier, TrainingOutcome]:
        """Go through all stages; return the trained classifier, and how its training ended.

        Raises:
            ConfigError: self-training without documents to guess the labels of.
            KeyboardInterrupt: Ctrl-C before there was a classifier; what was learnt is saved.
        """
        rounds = 1 + self.config.self_training.rounds
        if rounds > 1 and not self.documents.unlabelled:
            raise ConfigError(
                f"rounds = {rounds - 1} in [self_training]: all documents have labels; give more without (--unlabelled"
                " or rows with an empty label), or leave it out"
            )
        if self.config.pretraining.wanted:
            self.spent = self._language_models.seconds(side_by_side=self._lane_threads > 0)
        if self._lane_threads:
            self._side_by_side(0)
        below = {backward: self._below(backward=backward) for backward in self._ways}
        outcomes: list[TrainingOutcome] = []
        classifier: Classifier | None = None
        for number in range(rounds):
            train = self._guessing.lesson(number, classifier)
            if number and self._lane_threads:
                self._side_by_side(number)
            counting = []
            if self.config.ngrams.vote:
                counting = [self._fit_ngrams(train) if number else self.ngrams]
            trained: list[DocumentClassifier] = []
            for backward, language_model in below.items():
                stage = Stage(
                    folder=self._folder(backward=backward, number=number),
                    share=1.0 / (rounds * len(below) - len(outcomes)),
                    train=train,
                )
                model = self._new_classifier(backward=backward, below=language_model)
                outcomes.append(self._train(model, stage, resume=resume))
                trained.append(model)
            classifier = self._vote_of(trained, counting)
        assert classifier is not None
        return classifier, _together(outcomes)

    @cached_property
    def ngrams(self) -> NgramClassifier:
        """The linear classifier of n-grams, trained on the documents with labels: what the others must beat."""
        return self._fit_ngrams(self.splits.encoded["train"])

    def lane(self, backward: bool, number: int) -> None:
        """Do what one direction needs for a round, up to its classifier: its language model too, in the first.

        Raises:
            KeyboardInterrupt: Ctrl-C; what was learnt is saved.
        """
        train = self._guessing.lesson(number)
        self._in_lane = True
        rounds = 1 + self.config.self_training.rounds
        folder = self._folder(backward=backward, number=number)
        model = self._new_classifier(backward=backward, below=self._below(backward=backward))
        self._train(model, Stage(folder=folder, share=1.0 / (rounds - number), train=train), resume=True)

    def _side_by_side(self, number: int) -> None:
        """Let every direction do its part of a round in a process of its own."""
        common = {
            "folder": str(self.folder),
            "config": self.config.to_json(),
            "number": number,
            "started": self.started,
            "spent": self.spent,
            "track": self.track,
        }
        works = [{**common, "backward": backward} for backward in self._ways]
        run_lanes("anaphora.api.classify_lane", works, threads=self._lane_threads, progress=self.progress)

    @cached_property
    def _lane_threads(self) -> int:
        """How many threads each direction has to itself; 0 where they take turns."""
        config, ways = self.config.training, len(self._ways)
        threads = config.threads or requested_threads() or free_cpus()
        if ways == 1 or threads < ways or choose_device(config.device).type != "cpu" or sys.platform == "win32":
            return 0
        return threads // ways

    def _fit_ngrams(self, train: EncodedDocuments) -> NgramClassifier:
        config, minutes = self.config, self.config.training.minutes
        self.progress(Event(stage="train", message="counting n-grams"))
        model = fit_ngram_classifier(
            train,
            self.splits.encoded.get("valid"),
            config.model(self.documents.labels),
            config.ngrams,
            vocab_size=self.tokenizer.vocab_size,
            balanced=config.classifier.class_weights != "none",
            most_tokens=MOST_TOKENS if minutes is None else min(MOST_TOKENS, round(minutes * _TOKENS_A_MINUTE)),
        )
        model.to(choose_device(config.training.device))
        self._calibrate(model)
        return model

    def _vote_of(self, trained: Sequence[DocumentClassifier], counting: Sequence[NgramClassifier]) -> Classifier:
        """Return several classifiers as one, each as sure of itself as its validation lets it be."""
        members: list[SingleClassifier] = [*trained, *counting]
        if len(members) == 1:
            return members[0]
        for member in trained:  # those that count have been calibrated
            self._calibrate(member)
        return ClassifierEnsemble.of(members)

    def _calibrate(self, model: Classifier) -> None:
        if "valid" in self.splits.encoded:
            calibrate(model, self.splits.encoded["valid"])

    @property
    def _ways(self) -> tuple[bool, ...]:
        """For each classifier, whether it reads backward; without language models its encoder decides."""
        return self.config.pretraining.ways if self.config.pretraining.wanted else (False,)

    def _folder(self, *, backward: bool, number: int) -> Path:
        """Return where a classifier's training keeps its files: in the run's own folder if there is but one."""
        if len(self._ways) == 1 and not self.config.self_training.rounds:
            return self.folder
        return self.folder / f"classifier-{way(backward=backward)}{f'-{number + 1}' if number else ''}"

    def _below(self, *, backward: bool) -> LanguageModel | None:
        """Return the language model that classifiers of one direction begin with; train it where that is wanted."""
        if self.config.pretraining.wanted:
            return self._language_models.trained(backward=backward, side_by_side=self._in_lane)
        return self.below.model if self.below else None

    @cached_property
    def _language_models(self) -> LanguageModels:
        return LanguageModels(
            config=self.config,
            documents=self.documents,
            tokenizer=self.tokenizer,
            folder=self.folder,
            init=self.below,
            progress=self.progress,
        )

    @cached_property
    def _guessing(self) -> Guessing:
        return Guessing(
            config=self.config,
            known=self.splits.encoded["train"],
            unlabelled=self.documents.unlabelled,
            tokenizer=self.tokenizer,
            folder=self.folder,
            progress=self.progress,
        )

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

    def _train(self, model: DocumentClassifier, stage: Stage, *, resume: bool) -> TrainingOutcome:
        """Train a classifier; against the clock, in a share of what is left once all is scored and saved."""
        config, splits = self.config.training, self.splits
        origin = {"corpus": splits.source_hash, "tokenizer": splits.tokenizer_hash}
        known = splits.encoded["train"]
        if stage.train is not known:
            origin["labels"] = sha256_json({"labels": stage.train.labels.tolist()})
            if config.epochs is not None:
                config = config.replace(epochs=student_epochs(config.epochs, (len(known), len(stage.train))))
        task = Classification(
            model, stage.train, splits.encoded.get("valid"), config, name=self.documents.name, origin=origin
        )
        limit = None
        if config.minutes is not None:
            model.to(choose_device(config.device)).eval()
            left = self.clock(config.minutes) - self.spent
            # A lane would have to count n-grams for nothing but this.
            counting = [self.ngrams] if self.config.ngrams.vote and not self._in_lane else []
            voters = [*[model] * len(self._ways), *counting]
            held_out = [splits.encoded[split] for split in splits.held_out]
            needed = sum(seconds_to_score(voter, part) for voter in voters for part in held_out)
            scoring = min(needed, left * _SCORING_SHARE)
            limit = max((left * (1 - _SLACK_SHARE) - scoring - _SLACK_SECONDS) * stage.share, 1.0)
        trainer = Trainer(task, stage.folder, time_limit=limit, track=self.track, progress=self.progress)
        last = stage.folder == self.folder
        # A run of one stage that is resumed before that began is refused; of several stages, the next begins.
        outcome = trainer.run(resume=stage.begun or (resume and last and not self.config.pretraining.wanted))
        if outcome.interrupted and not last:
            raise KeyboardInterrupt
        return outcome


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
