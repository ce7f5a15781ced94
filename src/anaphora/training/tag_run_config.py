"""The configuration of a tagger's run: [sentences], [tokenizer], [tagger], [encoder], [spelling] and [training]."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field

from anaphora.errors import ConfigError
from anaphora.models.encoders.pretrained import PretrainedEncoderConfig
from anaphora.models.encoders.stack import StackEncoderConfig
from anaphora.models.tagger import TaggerConfig
from anaphora.settings import Settings
from anaphora.text.sentences import SentenceSettings
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.config import TrainingConfig
from anaphora.training.sections import Layout, Sections

# The spelling keeps what lower case takes away; words that occur once teach the tagger what an unknown one is like.
_WORDS = {"kind": "words", "lower": True, "learn_unknown": True, "line_breaks": "space"}
_TRAINING = {"batch_size": 16, "learning_rate": 5e-3}
_EPOCHS = 20


class TaggerSettings(Settings):
    """The [tagger] section: what a user decides of `TaggerConfig`; the rest comes from the sentences.

    Attributes:
        spelling: whether the characters of words are read, see [spelling].
        language_model: the folder of a model whose layers go below; its tokenizer is the tagger's then.
        dropout_output: see `TaggerConfig`.
    """

    section: ClassVar[str] = "tagger"

    spelling: bool = True
    language_model: str | None = None
    dropout_output: float = Field(default=0.3, ge=0.0, lt=1.0)


class SpellingConfig(StackEncoderConfig):
    """The [spelling] section: a small encoder of characters."""

    section: ClassVar[str] = "spelling"

    embedding_dim: int = Field(default=32, ge=1, le=1 << 16)
    hidden_size: int = Field(default=32, ge=1, le=1 << 16)
    dropout_input: float = Field(default=0.0, ge=0.0, lt=1.0)


_CLASSES: dict[str, type[Settings]] = {
    "sentences": SentenceSettings,
    "tokenizer": TokenizerSettings,
    "tagger": TaggerSettings,
    "encoder": StackEncoderConfig,
    "spelling": SpellingConfig,
    "training": TrainingConfig,
}
TAGGER = Layout(tuple(_CLASSES), lambda section, sections: _CLASSES[section])


class TagRunConfig(Settings):
    """All that is needed to make a tagger's run again."""

    section: ClassVar[str] = "run"

    sentences: SentenceSettings
    tokenizer: TokenizerSettings
    tagger: TaggerSettings
    encoder: StackEncoderConfig
    spelling: SpellingConfig
    training: TrainingConfig

    def to_json(self) -> Sections:
        """Return the sections as JSON values."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, values: Mapping[str, Mapping[str, Any]]) -> Self:
        """Make the configuration from `{section: {key: value}}`, with what suits a tagger where nothing is said.

        Raises:
            ConfigError: an unknown section or key, a bad value, or no file of sentences.
        """
        sections = TAGGER.checked(values)
        if not sections["sentences"].get("source"):
            raise ConfigError("no sentences were named; give a file with a token and its tag in each line")
        suits = _WORDS if sections["tokenizer"].get("kind", "words") == "words" else {}
        training = {**_TRAINING, **sections["training"]}
        if all(training.get(stop) is None for stop in ("minutes", "epochs", "steps")):
            training["epochs"] = _EPOCHS
        return cls(
            sentences=SentenceSettings(**sections["sentences"]),
            tokenizer=TokenizerSettings(**{**suits, **sections["tokenizer"]}),
            tagger=TaggerSettings(**sections["tagger"]),
            encoder=StackEncoderConfig(**sections["encoder"]),
            spelling=SpellingConfig(**sections["spelling"]),
            training=TrainingConfig(**training),
        )

    def model(self, tags: tuple[str, ...], characters: str, net: Mapping[str, Any] | None) -> TaggerConfig:
        """Return what the tagger is made of.

        Args:
            tags: those of the training sentences.
            characters: likewise.
            net: the [model] section of the language model, where there is one.
        """
        return TaggerConfig(
            tags=tags,
            encoder=self.encoder,
            spelling=StackEncoderConfig(**dict(self.spelling)) if self.tagger.spelling else None,
            characters=characters if self.tagger.spelling else "",
            language_model=None if net is None else PretrainedEncoderConfig(net=dict(net)),
            dropout_output=self.tagger.dropout_output,
        )
