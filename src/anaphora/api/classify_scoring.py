"""How a classifier and its baselines are scored on documents, within the time that is left for it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from anaphora.api.pretraining import way
from anaphora.data.documents import EncodedDocuments, encode_documents, label_matrix, spread
from anaphora.evaluation.calibration import fit_temperature
from anaphora.evaluation.classification import ClassificationScores, score_classes
from anaphora.evaluation.document_baselines import BASELINES
from anaphora.evaluation.signature import DocumentSignature
from anaphora.models.classifier import Classifier, DocumentClassifier, SingleClassifier
from anaphora.models.classifier_ensemble import ClassifierEnsemble
from anaphora.models.encoders.pretrained import PretrainedEncoderConfig
from anaphora.models.ngram_classifier import NgramClassifier
from anaphora.text.document_files import Document
from anaphora.text.tokenizer import Tokenizer
from anaphora.training.classification import document_logits

_NGRAMS = "n-grams"
_TIMED_GROUPS, _TIMED = 4, 32  # groups, and documents in each, that tell how long all of them will take
_FEWEST = 200  # documents that are scored however little time is left

Scores = dict[str, ClassificationScores]


@dataclass(frozen=True, kw_only=True)
class DocumentSplits:
    """Encoded documents, and what their scores' signatures say of them."""

    encoded: Mapping[str, EncodedDocuments]
    labels: tuple[str, ...]
    tokenizer_hash: str
    source_hash: str

    @property
    def held_out(self) -> tuple[str, ...]:
        """The splits that the model is not trained on."""
        return tuple(split for split in self.encoded if split != "train")

    def signature(self, split: str, documents: int, model_hash: str | None) -> str:
        """Return the conditions of a score on so many documents of a split."""
        labels = self.encoded[split].labels
        signature = DocumentSignature(
            documents=documents,
            labels=len(self.labels),
            multi_label=labels.ndim == 2,
            split=split,
            tokenizer=self.tokenizer_hash,
            corpus=self.source_hash,
            model=model_hash,
        )
        return str(signature)


def encode_labelled(
    documents: Sequence[Document],
    tokenizer: Tokenizer,
    labels: Sequence[str],
    *,
    multi_label: bool,
    max_tokens: int | None,
) -> EncodedDocuments:
    """Encode documents and their labels, which all are in `labels`."""
    matrix = label_matrix((one.labels for one in documents), labels, multi_label=multi_label)
    return encode_documents((one.text for one in documents), matrix, tokenizer, max_tokens=max_tokens)


@dataclass(frozen=True, kw_only=True)
class SplitScores:
    """How good a classifier is on a split.

    Attributes:
        scores: its own.
        calibration_error_before: what there would be without its temperature.
        voters: of an ensemble, the scores of each member alone.
    """

    scores: ClassificationScores
    calibration_error_before: float
    voters: Mapping[str, ClassificationScores]


def score_split(
    model: Classifier,
    splits: DocumentSplits,
    split: str,
    *,
    model_hash: str | None = None,
    chosen: NDArray[np.int64] | None = None,
) -> SplitScores:
    """Score a classifier on a split, or on the `chosen` documents of it."""
    encoded = splits.encoded[split]
    labels = encoded.labels if chosen is None else encoded.labels[chosen]
    signature = splits.signature(split, len(labels), model_hash)

    def score(one: Classifier, logits: Tensor) -> ClassificationScores:
        log_probs = one.log_probs(logits.to(one.device)).detach().cpu().double().numpy()
        return score_classes(log_probs, labels, splits.labels, signature)

    voters = {}
    if isinstance(model, ClassifierEnsemble):
        each = [document_logits(voter, encoded, chosen) for voter in model.voters]
        named = zip(_voter_names(model.voters), model.voters, each, strict=True)
        voters = {name: score(voter, logits) for name, voter, logits in named}
        logits = model.combine([own.to(model.device) for own in each])
    else:
        logits = document_logits(model, encoded, chosen)
    return SplitScores(
        scores=score(model, logits),
        calibration_error_before=score(model, logits.to(model.device) * model.temperature).calibration_error,
        voters=voters,
    )


def _voter_names(voters: Sequence[SingleClassifier]) -> list[str]:
    """Return a name for each member of a vote."""
    names: list[str] = []
    for voter in voters:
        name = _NGRAMS
        if isinstance(voter, DocumentClassifier):
            encoder = voter.config.encoder
            name = way(backward=encoder.backward) if isinstance(encoder, PretrainedEncoderConfig) else encoder.name
        again = sum(other.split(" (")[0] == name for other in names)
        names.append(f"{name} ({again + 1})" if again else name)
    return names


def score_baselines(splits: DocumentSplits, vocab_size: int, ngrams: NgramClassifier) -> dict[str, Scores]:
    """Score what a classifier must beat on every held-out split: what counts, and the linear classifier of n-grams."""
    found: dict[str, Scores] = {}
    for name, baseline in BASELINES.items():
        fitted = baseline().fit(splits.encoded["train"], len(splits.labels), vocab_size)
        found[name] = {
            split: score_classes(
                fitted.log_probs(documents),
                documents.labels,
                splits.labels,
                splits.signature(split, len(documents), None),
            )
            for split, documents in splits.encoded.items()
            if split in splits.held_out
        }
    found[_NGRAMS] = {split: score_split(ngrams, splits, split).scores for split in splits.held_out}
    return found


def calibrate(model: Classifier, documents: EncodedDocuments) -> None:
    """Set the model's temperature to what suits documents it was not trained on."""
    logits = document_logits(model, documents).double().numpy()
    model.temperature.fill_(fit_temperature(logits, documents.labels))


def seconds_to_score(model: Classifier, documents: EncodedDocuments) -> float:
    """Estimate how long scoring takes, from a few short, middling and long documents, as batches have them."""
    by_length = np.argsort(documents.lengths, kind="stable")
    starts = (np.arange(1, 2 * _TIMED_GROUPS, 2) * len(documents)) // (2 * _TIMED_GROUPS)
    groups = [by_length[start : start + _TIMED] for start in starts]
    document_logits(model, documents, groups[0][:1])  # the first call warms up
    begin = time.perf_counter()
    for group in groups:
        document_logits(model, documents, group)
    seconds = time.perf_counter() - begin
    return seconds * float(documents.lengths.sum() / documents.lengths[np.concatenate(groups)].sum())


def affordable(model: Classifier, documents: EncodedDocuments, seconds: float) -> NDArray[np.int64] | None:
    """Return the documents that can be scored within `seconds`, from all parts of the split; None for all."""
    needed = seconds_to_score(model, documents)
    most = max(int(len(documents) * max(seconds, 0.0) / needed), _FEWEST)
    return None if most >= len(documents) else spread(len(documents), most)
