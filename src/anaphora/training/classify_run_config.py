"""The configuration of a classifier's run: what is read, and how tokenizer, encoder and classifier are made of it.

What a run does where nobody says otherwise stands in the settings' own defaults and, where it differs from them or
depends on the documents, in `suited`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import SerializeAsAny

from anaphora.errors import ConfigError
from anaphora.models.classifier import ClassifierConfig, ClassifierSettings
from anaphora.models.encoders.encoder import EncoderConfig
from anaphora.models.encoders.registry import encoder_config, encoder_config_class
from anaphora.settings import Settings
from anaphora.text.document_files import Document
from anaphora.text.documents import DocumentSettings
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.config import TrainingConfig
from anaphora.training.ngram_classification import NgramSettings
from anaphora.training.pretraining import PretrainingSettings
from anaphora.training.sections import Layout, Sections
from anaphora.training.self_training import SelfTrainingSettings

# A word that occurs once teaches nothing about labels; it teaches what an unknown word is like.
_WORDS = {"min_count": 2, "max_size": 30_000, "line_breaks": "space"}
_TRAINING = {"batch_size": 32, "learning_rate": 2e-3}
# An encoder that knows the language already: Howard and Ruder 2018, section 3.3.
_FINE_TUNING = {
    "schedule": "slanted-triangular",
    "layer_rate_factor": 2.6,
    "unfreeze_share": 0.2,
    "learning_rate": 4e-3,
    "average": "ema",
    "average_decay": 0.998,
}
_STOPS = ("minutes", "epochs", "steps")
# Text and time from which a language model pays, and its share of the time.
_ENOUGH_CHARS, _ENOUGH_MINUTES, _SHARE = 1_000_000, 5.0, 0.5
_DOCUMENTS_READ, _LEAST_EPOCHS, _MOST_EPOCHS = 60_000, 4, 50
_LONG_NGRAMS = 5  # of characters, what two or three words are in Chinese
# Less white space than this is no text in words, as Chinese or Japanese.
_LEAST_SPACES, _LOOKED_AT = 0.04, 100_000


def _class_of(section: str, sections: Sections) -> type[Settings]:
    """Return what a section holds; the keys of [encoder] depend on the encoder's name."""
    classes: dict[str, type[Settings]] = {
        "documents": DocumentSettings,
        "tokenizer": TokenizerSettings,
        "pretraining": PretrainingSettings,
        "encoder": encoder_config_class(sections["encoder"].get("name")),
        "classifier": ClassifierSettings,
        "ngrams": NgramSettings,
        "self_training": SelfTrainingSettings,
        "training": TrainingConfig,
    }
    return classes[section]


CLASSIFIER = Layout(
    ("documents", "tokenizer", "pretraining", "encoder", "classifier", "ngrams", "self_training", "training"),
    _class_of,
    first=("encoder.name", "name"),
)


class ClassifyRunConfig(Settings):
    """All that is needed to make a classifier's run again."""

    section: ClassVar[str] = "run"

    documents: DocumentSettings
    tokenizer: TokenizerSettings
    pretraining: PretrainingSettings
    encoder: SerializeAsAny[EncoderConfig]
    classifier: ClassifierSettings
    ngrams: NgramSettings
    self_training: SelfTrainingSettings
    training: TrainingConfig

    def to_json(self) -> Sections:
        """Return the sections as JSON values."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, values: Mapping[str, Mapping[str, Any]]) -> Self:
        """Make the configuration from `{section: {key: value}}`; a section left out takes its defaults.

        Raises:
            ConfigError: an unknown section or key, a bad value, or no [documents] source.
        """
        sections = CLASSIFIER.checked(values)
        return cls(
            documents=document_settings(sections),
            tokenizer=TokenizerSettings(**sections["tokenizer"]),
            pretraining=PretrainingSettings(**sections["pretraining"]),
            encoder=encoder_config(sections["encoder"]),
            classifier=ClassifierSettings(**sections["classifier"]),
            ngrams=NgramSettings(**sections["ngrams"]),
            self_training=SelfTrainingSettings(**sections["self_training"]),
            training=TrainingConfig(**sections["training"]),
        )

    def model(self, labels: tuple[str, ...]) -> ClassifierConfig:
        """Return what a classifier of these labels is made of."""
        return ClassifierConfig(
            **dict(self.classifier), encoder=self.encoder, labels=labels, multi_label=self.documents.multi_label
        )


def document_settings(sections: Sections) -> DocumentSettings:
    """Return the [documents] section.

    Raises:
        ConfigError: a bad value, or no source.
    """
    if not sections["documents"].get("source"):
        raise ConfigError(
            "no documents were named; give a table (.csv .tsv .jsonl), a folder with one folder for each label, or imdb"
        )
    return DocumentSettings(**sections["documents"])


def suited(sections: Sections, documents: Sequence[Document], unlabelled: Sequence[Document] = ()) -> Sections:
    """Fill in what suits the training documents where the user left it open.

    Without a rule to stop by, about 60,000 documents are read, each 4 to 50 times. Of enough minutes, with enough text,
    half go to a language model. Where minutes are given, a linear classifier of n-grams, made in a share of them,
    votes too.
    """
    sections = _with_pretraining(sections, [*documents, *unlabelled])
    pretraining = PretrainingSettings(**sections["pretraining"])
    tokenizer, encoder, training = sections["tokenizer"], sections["encoder"], {**_TRAINING, **sections["training"]}
    if pretraining.wanted or training.get("init") is not None:
        training = {**training, **_FINE_TUNING, **sections["training"]}
    if pretraining.wanted and training.get("init") is None:
        encoder = {"name": "language-model", "net": pretraining.language_model, **encoder}
    if training.get("init") is None:
        kind = tokenizer.get("kind", _kind(documents))
        tokenizer = {"kind": kind, **(_WORDS if kind in ("words", "english") else {}), **tokenizer}
    if all(training.get(stop) is None for stop in _STOPS):
        epochs = math.ceil(_DOCUMENTS_READ / len(documents))
        training["epochs"] = min(max(epochs, _LEAST_EPOCHS), _MOST_EPOCHS)
    ngrams = {
        "vote": training.get("minutes") is not None,
        "order": _LONG_NGRAMS if tokenizer.get("kind") in ("chars", "bytes") else NgramSettings().order,
        **sections["ngrams"],
    }
    return {**sections, "tokenizer": tokenizer, "encoder": encoder, "ngrams": ngrams, "training": training}


def _with_pretraining(sections: Sections, documents: Sequence[Document]) -> Sections:
    """Let a language model come first where nobody chose an encoder and there is time and text for it."""
    given, training = sections["pretraining"], sections["training"]
    chosen = {"pretrain_share", "pretrain_epochs"} & given.keys() or sections["encoder"] or training.get("init")
    minutes = float(training.get("minutes") or 0)
    if chosen or minutes < _ENOUGH_MINUTES or sum(len(one.text) for one in documents) < _ENOUGH_CHARS:
        return sections
    return {**sections, "pretraining": {"pretrain_share": _SHARE, **given}}


def _kind(documents: Sequence[Document]) -> str:
    """Return the tokenizer that suits a text: words where it puts spaces between them."""
    spaces = characters = 0
    for document in documents:
        spaces += sum(map(str.isspace, document.text))
        characters += len(document.text)
        if characters > _LOOKED_AT:
            break
    return "english" if spaces >= _LEAST_SPACES * characters else "chars"
