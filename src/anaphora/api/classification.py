"""`train_classifier` and `evaluate_classifier`. A run is in `classify_run.py`."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anaphora.api.classifiers import load_classifier, reading_of_training
from anaphora.api.classify_run import ClassifyResult, ClassifyRun
from anaphora.api.classify_scoring import DocumentSplits, encode_labelled, score_split
from anaphora.api.configure import Assignments, begin_or_resume
from anaphora.api.folder import CONFIG
from anaphora.bundle import ClassifierBundle
from anaphora.errors import BundleError, ConfigError, CorpusError
from anaphora.evaluation.classification import ClassificationScores
from anaphora.files import read_json
from anaphora.progress import Progress, silent
from anaphora.text.documents import Documents, DocumentSettings, check_known, hash_of, open_documents, read_splits
from anaphora.training.classify_run_config import CLASSIFIER


def train_classifier(
    source: str | Path | None = None,
    *,
    valid: str | Path | None = None,
    test: str | Path | None = None,
    unlabelled: Sequence[str | Path] = (),
    text_column: str | None = None,
    label_column: str | None = None,
    group_column: str | None = None,
    multi_label: bool | None = None,
    labelled: int | None = None,
    class_weights: str | None = None,
    encoder: str | Path | None = None,
    pretrain_share: float | None = None,
    pretrain_epochs: int | None = None,
    direction: str | None = None,
    ngrams: bool | None = None,
    self_training: int | None = None,
    minutes: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int | None = None,
    config: str | Path | Mapping[str, Mapping[str, Any]] | None = None,
    settings: Assignments | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    resume: str | Path | None = None,
    track: str | None = None,
    command: str | None = None,
    started: float | None = None,
    progress: Progress = silent,
) -> ClassifyResult:
    """Train a classifier on labelled documents, measure it beside what it must beat, and save it.

    Args:
        source: a table, a folder, or "imdb"; see `DocumentSettings`.
        valid: the same to validate on; without it a tenth of the documents is held out.
        test: the same to test on.
        unlabelled: further text without labels, for language models and self-training.
        text_column: the column of a table that holds the text; by default found by its name.
        label_column: the one that holds the label.
        group_column: the one that says what belongs together, as an author or a film: no split that is cut here shares
            a group with another.
        multi_label: a document may have several labels, or none.
        labelled: keep the labels of so many documents.
        class_weights: "balanced" makes all classes count alike.
        encoder: the folder of a language model whose layers are the encoder's.
        pretrain_share: of `minutes`, what goes to language models of the documents' own text, which become encoders;
            with `encoder` they start from that model.
        pretrain_epochs: the same, measured by how often each of them reads the text.
        direction: "forward", "backward" or "both": how these read; two of them make two classifiers that vote.
        ngrams: let a linear classifier of word n-grams vote too; by default where `minutes` are given.
        self_training: how often a new classifier learns from the documents without labels of which the one before is
            sure; see `SelfTrainingSettings`.
        minutes: the time of this whole call.
        epochs: read the documents this often instead.
        steps: take this many steps instead. Without any of the three about 60,000 documents are read.
        seed: of everything drawn at random, but for the division of the documents.
        config: a configuration file, or its sections.
        settings: single settings that win over `config`, as for `train`.
        out: the run folder; by default a new one, runs/NAME-classifier.
        overwrite: replace the run that is in `out`.
        resume: a run folder to go on with, instead of a source.
        track: "tensorboard" writes event files into the run.
        command: what the user typed, for the record.
        started: when the user began to wait, as `time.monotonic()` tells it; `minutes` count from there.
        progress: is told how the work goes on.

    Raises:
        AnaphoraError: whatever the user can mend; see `anaphora.errors`.

    >>> train_classifier("reviews.csv", minutes=5).scores["test"].accuracy  # doctest: +SKIP
    """
    options = {
        "documents.source": source,
        "documents.valid": valid,
        "documents.test": test,
        "documents.unlabelled": [str(one) for one in unlabelled] or None,
        "documents.text_column": text_column,
        "documents.label_column": label_column,
        "documents.group_column": group_column,
        "documents.multi_label": multi_label,
        "documents.labelled": labelled,
        "classifier.class_weights": class_weights,
        "training.init": encoder,
        "pretraining.pretrain_share": pretrain_share,
        "pretraining.pretrain_epochs": pretrain_epochs,
        "pretraining.direction": direction,
        "ngrams.vote": ngrams,
        "self_training.rounds": self_training,
        "training.minutes": minutes,
        "training.epochs": epochs,
        "training.steps": steps,
        "training.seed": seed,
    }
    run = ClassifyRun(
        started=time.monotonic() if started is None else started, track=track, command=command, progress=progress
    )
    return begin_or_resume(
        run,
        options,
        config=config,
        settings=settings,
        layout=CLASSIFIER,
        out=out,
        overwrite=overwrite,
        resume=resume,
        others=(source, encoder),
        own="documents",
        flags="DATA, --encoder, --config, --out and --overwrite",
    )


def evaluate_classifier(
    model: ClassifierBundle | str | Path,
    source: str | Path | None = None,
    *,
    split: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    encoding: str = "utf-8",
    data_dir: str | Path | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> ClassificationScores:
    """Measure a classifier on labelled documents.

    Args:
        model: a loaded classifier, or its folder.
        source: as for `train_classifier`; by default the documents of the training. Without splits all are scored.
        split: "train", "valid" or "test"; by default test, or else valid.
        text_column: of a table; by default the one named for the training, or found by its name.
        label_column: likewise.
        encoding: of the files.
        data_dir: where known corpora lie.
        device: where a classifier is loaded to.
        progress: is told how the work goes on.

    Raises:
        AnaphoraError: no such model or documents; a label that the classifier does not know, with file and line.
    """
    bundle = model if isinstance(model, ClassifierBundle) else load_classifier(model, device)
    if source is None:
        opened = open_documents(_training_documents(bundle), progress=progress)
        splits, corpus_hash = dict(opened.splits), opened.source_hash
    else:
        given = {"text_column": text_column, "label_column": label_column, "encoding": encoding, "data_dir": data_dir}
        named = {key: str(value) for key, value in given.items() if value is not None}
        settings = DocumentSettings(**{**reading_of_training(bundle), **named, "source": str(source)})
        splits = read_splits(settings, progress=progress)
        corpus_hash = hash_of(splits)
    chosen = _choose(splits, split)
    documents = _fit_to_score(bundle, splits[chosen])
    encoded = encode_labelled(
        documents,
        bundle.tokenizer,
        bundle.model.labels,
        multi_label=bundle.model.multi_label,
        max_tokens=bundle.model.max_tokens,
    )
    prepared = DocumentSplits(
        encoded={chosen: encoded},
        labels=bundle.model.labels,
        tokenizer_hash=bundle.tokenizer.hash,
        source_hash=corpus_hash,
    )
    return score_split(bundle.model, prepared, chosen, model_hash=bundle.model_hash).scores


def _training_documents(bundle: ClassifierBundle) -> DocumentSettings:
    """Return how to open the documents the classifier was trained on.

    Raises:
        BundleError: nothing tells, since the model folder has left its run folder.
    """
    config = bundle.path.absolute().parent / CONFIG
    if config.is_file():
        values = read_json(config, BundleError, "the configuration of the run").get("documents")
        if isinstance(values, dict):
            return DocumentSettings(**values)
    raise BundleError(f"{bundle.path} does not tell where its training documents lie; name some to evaluate it on")


def _choose(splits: Mapping[str, Documents], split: str | None) -> str:
    """Return which split to score."""
    if split is None:
        return next(name for name in ("test", "all", "valid", "train") if name in splits)
    if split not in splits:
        raise ConfigError(f"split = {split!r}: the documents have {', '.join(splits)}")
    return split


def _fit_to_score(bundle: ClassifierBundle, documents: Documents) -> Documents:
    """Return those documents that have a label to compare with; all labels are known to the classifier."""
    found = documents if bundle.model.multi_label else tuple(one for one in documents if one.labels)
    if not found:
        raise CorpusError(f"{documents[0].where}: neither this document nor any other has a label to compare with")
    check_known(found, bundle.model.labels, "is none of those that the classifier learnt")
    return found
