"""One run of a classifier from its first look at the documents to its last score; `classification.py` is the door."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from anaphora.api.classify_scoring import (
    DocumentSplits,
    Scores,
    SplitScores,
    affordable,
    calibrate,
    encode_labelled,
    score_baselines,
    score_split,
)
from anaphora.api.classify_stages import Stages
from anaphora.api.configure import Assignments, absolute, overlay
from anaphora.api.folder import MODEL, new_run
from anaphora.api.task_run import TaskResult, TaskRun
from anaphora.bundle import Bundle, ClassifierBundle, add_provenance, load_bundle, save_classifier
from anaphora.errors import ConfigError
from anaphora.models.encoders.pretrained import headed
from anaphora.progress import Event
from anaphora.runtime import choose_device, num_threads
from anaphora.text.documents import LabelledDocuments, open_documents
from anaphora.text.tokenizer import Tokenizer
from anaphora.text.tokenizers import train_tokenizer
from anaphora.training.classify_run_config import CLASSIFIER, ClassifyRunConfig, document_settings, suited
from anaphora.training.sections import Sections

# Of [documents], what tells how to read more documents of the same kind.
_READING = ("text_column", "label_column", "multi_label", "label_separator")


@dataclass(frozen=True, kw_only=True)
class ClassifyResult(TaskResult):
    """What a classifier's run gave, beside what every run does.

    Attributes:
        labels: what the classifier tells apart.
        documents: how many there are in each split, and "unlabelled".
        scores: of "valid" and, where there is one, "test".
        baselines: the same for what it must beat, the labels' shares alone, naive Bayes, and a linear classifier:
            {"n-grams": {"test": ...}}.
        voters: the same for each member of a vote alone.
        temperature: what the logits are divided by, fitted on "valid"; 1 without it.
        calibration_error_before: of each split, without that temperature.
        documents_per_second: of training alone.
    """

    labels: tuple[str, ...]
    documents: dict[str, int]
    scores: Scores
    baselines: dict[str, Scores]
    voters: dict[str, Scores]
    temperature: float
    calibration_error_before: dict[str, float]
    documents_per_second: float

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            **super().to_json(),
            "labels": list(self.labels),
            "scores": _as_json(self.scores),
            "baselines": {name: _as_json(scores) for name, scores in self.baselines.items()},
            "voters": {name: _as_json(scores) for name, scores in self.voters.items()},
        }


class ClassifyRun(TaskRun):
    """A run of a classifier."""

    def begin(self, sections: Sections, out: Path | None, overwrite: bool) -> ClassifyResult:
        """Train a new classifier in a new folder."""
        settings = document_settings(sections)
        below = _open_language_model(sections)
        documents = open_documents(settings, progress=self.progress)
        config = _with_paths(ClassifyRunConfig.from_json(_resolved(sections, documents, below)))
        choose_device(config.training.device)
        with new_run(out, f"{documents.name}-classifier", overwrite=overwrite) as folder:
            tokenizer = _train_tokenizer(config, documents) if below is None else below.tokenizer
            about = self.record(
                folder,
                config.to_json(),
                tokenizer,
                name=documents.name,
                source_hash=documents.source_hash,
                documents=_counts(documents),
                reading=config.documents.model_dump(include=set(_READING)),
            )
            return self._finish(folder, config, documents, tokenizer, about, below, resume=False)

    def resume(self, folder: Path, settings: Assignments | None, options: Mapping[str, Any]) -> ClassifyResult:
        """Go on with the run in `folder`; the Trainer refuses what would make it another run."""
        saved = self.recorded(folder)
        config = ClassifyRunConfig.from_json(overlay(saved.sections, settings, options, layout=CLASSIFIER))
        documents = open_documents(config.documents, progress=self.progress)
        below = _language_model_below(config)
        return self._finish(folder, config, documents, saved.tokenizer, saved.about, below, resume=True)

    def _finish(
        self,
        folder: Path,
        config: ClassifyRunConfig,
        documents: LabelledDocuments,
        tokenizer: Tokenizer,
        about: dict[str, Any],
        below: Bundle | None,
        *,
        resume: bool,
    ) -> ClassifyResult:
        """Train, calibrate, save, score, and save again with the scores: the model is safe before the long scoring."""
        stages = self._stages(folder, config, documents, tokenizer, below)
        splits = stages.splits
        baselines = score_baselines(splits, tokenizer.vocab_size, stages.ngrams)
        model, outcome = stages.run(resume=resume)
        with num_threads(config.training.threads or torch.get_num_threads()):
            if "valid" in splits.encoded:
                calibrate(model, splits.encoded["valid"])
            provenance = {**about, "temperature": float(model.temperature), "outcome": vars(outcome)}
            bundle = save_classifier(folder / MODEL, model, tokenizer, provenance)
            scores = self._score(bundle, splits, config)
        add_provenance(bundle, results={split: found.scores.summary() for split, found in scores.items()})
        voters = {name for found in scores.values() for name in found.voters}
        return ClassifyResult(
            **self.result(folder, outcome, config.to_json(), texts="documents"),
            labels=documents.labels,
            documents=_counts(documents),
            scores={split: found.scores for split, found in scores.items()},
            baselines=baselines,
            voters={name: {split: found.voters[name] for split, found in scores.items()} for name in sorted(voters)},
            temperature=float(model.temperature),
            calibration_error_before={split: found.calibration_error_before for split, found in scores.items()},
            documents_per_second=outcome.tokens_per_second,
        )

    def lane(self, folder: Path, config: ClassifyRunConfig, *, backward: bool, number: int, spent: float) -> None:
        """Do what one direction needs for the classifiers of a round, beside the other direction.

        Raises:
            KeyboardInterrupt: Ctrl-C; what was learnt is saved.
        """
        documents = open_documents(config.documents)
        below = _language_model_below(config)
        stages = self._stages(folder, config, documents, self.recorded(folder).tokenizer, below)
        stages.spent = spent
        stages.lane(backward, number)

    def _stages(
        self,
        folder: Path,
        config: ClassifyRunConfig,
        documents: LabelledDocuments,
        tokenizer: Tokenizer,
        below: Bundle | None,
    ) -> Stages:
        return Stages(
            config=config,
            documents=documents,
            splits=self._encode(documents, tokenizer, config),
            tokenizer=tokenizer,
            folder=folder,
            below=below,
            started=self.started,
            clock=self.seconds_left,
            track=self.track,
            progress=self.progress,
        )

    def _encode(self, documents: LabelledDocuments, tokenizer: Tokenizer, config: ClassifyRunConfig) -> DocumentSplits:
        encoded = {}
        for done, (split, part) in enumerate(documents.splits.items()):
            self.progress(Event(stage="prepare", done=done, total=len(documents.splits), unit="splits"))
            encoded[split] = encode_labelled(
                part,
                tokenizer,
                documents.labels,
                multi_label=config.documents.multi_label,
                max_tokens=config.classifier.max_tokens,
            )
        return DocumentSplits(
            encoded=encoded,
            labels=documents.labels,
            tokenizer_hash=tokenizer.hash,
            source_hash=documents.source_hash,
        )

    def _score(
        self, bundle: ClassifierBundle, splits: DocumentSplits, config: ClassifyRunConfig
    ) -> dict[str, SplitScores]:
        """Score all held-out splits, or as much of the last as there is time for."""
        scores: dict[str, SplitScores] = {}
        for split in splits.held_out:
            chosen = None
            if config.training.minutes is not None:
                left = self.seconds_left(config.training.minutes)
                chosen = affordable(bundle.model, splits.encoded[split], left)
            total = len(splits.encoded[split])
            self.progress(Event(stage="evaluate", total=total, unit="documents"))
            if chosen is not None:
                message = (
                    f"{len(chosen):,} of {total:,} {split} documents are scored: there is no time for more;"
                    f" `anaphora classify eval {bundle.path.parent} --split {split}` scores all"
                )
                self.progress(Event(stage="evaluate", message=message))
            scores[split] = score_split(bundle.model, splits, split, model_hash=bundle.model_hash, chosen=chosen)
        return scores


def _open_language_model(sections: Sections) -> Bundle | None:
    """Open the model that `init` in [training] names, if it names one."""
    init, encoder = sections["training"].get("init"), sections["encoder"].get("name")
    if init is None:
        return None
    if encoder not in (None, "language-model"):
        raise ConfigError(f"name = {encoder!r} in [encoder]: the encoder is made from {init}; leave the name out")
    if sections["tokenizer"]:
        raise ConfigError(f"[tokenizer] has no effect with the language model {init}, which has its own; leave it out")
    bundle = load_bundle(Path(init))
    headed(bundle.model)
    return bundle


def _language_model_below(config: ClassifyRunConfig) -> Bundle | None:
    """Open the model that stages which have not begun start from; without such stages, checkpoints have all weights."""
    init = config.training.init if config.pretraining.wanted else None
    return None if init is None else load_bundle(Path(init))


def _resolved(sections: Sections, documents: LabelledDocuments, below: Bundle | None) -> Sections:
    """Return the sections with all that documents and language model decide."""
    found = suited(sections, documents.splits["train"], documents.unlabelled)
    if below is not None:
        net = {"name": "language-model", "net": below.model.config.model_dump(mode="json")}
        found["encoder"] = {**net, **found["encoder"]}
        found["tokenizer"] = {"kind": below.tokenizer.kind}
    return found


def _with_paths(config: ClassifyRunConfig) -> ClassifyRunConfig:
    """Return the configuration with paths that hold wherever the run is resumed."""
    documents, training = config.documents, config.training
    paths = {
        "source": absolute(documents.source),
        "valid": documents.valid and absolute(documents.valid),
        "test": documents.test and absolute(documents.test),
        "unlabelled": tuple(map(absolute, documents.unlabelled)),
    }
    return config.replace(
        documents=documents.replace(**paths), training=training.replace(init=training.init and absolute(training.init))
    )


def _train_tokenizer(config: ClassifyRunConfig, documents: LabelledDocuments) -> Tokenizer:
    """Build the vocabulary from all text but the held-out."""
    texts = (one.text for part in (documents.splits["train"], documents.unlabelled) for one in part)
    return train_tokenizer(config.tokenizer, (f"{text}\n" for text in texts))


def _counts(documents: LabelledDocuments) -> dict[str, int]:
    parts = {**documents.splits, "unlabelled": documents.unlabelled}
    return {split: len(part) for split, part in parts.items()}


def _as_json(scores: Scores) -> dict[str, Any]:
    return {split: found.to_json() for split, found in scores.items()}
