"""A tagger: a tag at every word of a sentence, with all of the sentence in sight (many-to-many, synchronous).

    the word           -> embedding -+
    its characters     -> a small encoder, and what both directions say at their ends -+-> encoder -> linear -> tags
    the words up to it -> a language model's layers, where there is one -+

The three are added up. How a word is spelt tells much about one that training never saw (Ling et al. 2015, arXiv
1508.02096); a language model knows words from texts that nobody has tagged (Peters et al. 2017, arXiv 1705.00108).

Shapes: B batch, P tokens, T words, U different spellings, K characters, E embedding, C tags.
"""

from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field, field_validator
from torch import Tensor, nn

from anaphora.models.encoders.pretrained import PretrainedEncoder, PretrainedEncoderConfig
from anaphora.models.encoders.stack import StackEncoder, StackEncoderConfig
from anaphora.models.language_model import at_least_float32
from anaphora.models.net import Net
from anaphora.settings import Settings


class Words(NamedTuple):
    """A batch of sentences as a tagger reads them; all int64, all rows padded on their right.

    Attributes:
        tokens: (B, P), the start id and the tokens of the sentences.
        ends: (B, T), where in `tokens` the last token of each word stands.
        lengths: (B,), words, at least 1.
        spellings: (U, K), the characters of the different words.
        spelling_lengths: (U,), at least 1.
        spelling_of: (B, T), the row of `spellings` of each word.
    """

    tokens: Tensor
    ends: Tensor
    lengths: Tensor
    spellings: Tensor
    spelling_lengths: Tensor
    spelling_of: Tensor


class TaggerConfig(Settings):
    """What a tagger is made of: the [tagger] section.

    Attributes:
        tags: the names of what it predicts, C of them; at least two.
        encoder: what reads the words; by default a bidirectional LSTM.
        spelling: what reads their characters; None for a tagger of whole words alone.
        characters: those that it tells apart, as one string; all others are one unknown character.
        language_model: the encoder of a language model below the others; None for none.
        dropout_output: on what the tags are made from.
    """

    section: ClassVar[str] = "tagger"

    name: Literal["tagger"] = "tagger"
    tags: tuple[str, ...] = Field(min_length=2)
    encoder: StackEncoderConfig = Field(default_factory=StackEncoderConfig)
    spelling: StackEncoderConfig | None = Field(
        default_factory=lambda: StackEncoderConfig(embedding_dim=32, hidden_size=32, dropout_input=0.0)
    )
    characters: str = ""
    language_model: PretrainedEncoderConfig | None = None
    dropout_output: float = Field(default=0.3, ge=0.0, lt=1.0)

    @field_validator("tags", "characters")
    @classmethod
    def _each_once(cls, names: Any) -> Any:
        if len(set(names)) < len(names):
            raise ValueError("each of them once")
        return names


class Tagger(Net):
    """Says of each word of a sentence which tag it has.

    Args:
        config: what it is made of.
        vocab_size: of the tokens.
    """

    config_class: ClassVar[type[TaggerConfig]] = TaggerConfig
    config: TaggerConfig

    def __init__(self, config: TaggerConfig, vocab_size: int) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.encoder = StackEncoder(config.encoder, vocab_size)
        self.spelling = None if config.spelling is None else StackEncoder(config.spelling, 1 + len(config.characters))
        below = config.language_model
        self.language_model = None if below is None else PretrainedEncoder(below, vocab_size)
        self.from_spelling = self._adapter(self.spelling)
        self.from_language_model = self._adapter(self.language_model)
        self.dropout_output = nn.Dropout(config.dropout_output)
        self.output = nn.Linear(self.encoder.width, len(config.tags))

    def forward(self, words: Words) -> Tensor:
        """Return the logits (B, T, C), float32, of the tags of all words; those at padding mean nothing."""
        vectors = self.encoder.embed(words.tokens.gather(1, words.ends))
        if self.spelling is not None and self.from_spelling is not None:
            spelt = self.spelling(words.spellings, words.spelling_lengths).last
            vectors = vectors + self.from_spelling(spelt)[words.spelling_of]
        if self.language_model is not None and self.from_language_model is not None:
            lengths = 1 + words.ends.gather(1, words.lengths.unsqueeze(1) - 1).squeeze(1)
            read = self.from_language_model(self.language_model(words.tokens, lengths).features)
            vectors = vectors + read.gather(1, words.ends.unsqueeze(-1).expand(-1, -1, read.shape[-1]))
        features = self.encoder.encode(vectors, words.lengths).features
        return at_least_float32(self.output(self.dropout_output(features)))

    def tag_log_probs(self, words: Words) -> Tensor:
        """Return the log-probabilities (B, T, C) of the tags, in nats."""
        log_probs: Tensor = self(words).log_softmax(-1)
        return log_probs

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return the language model's layers, then spelling, embedding and layers of the encoder, and the tags'."""
        lowest = [] if self.language_model is None else self.language_model.layer_groups()
        beside = [] if self.spelling is None else [list(self.spelling.parameters())]
        lower = [*lowest, *beside, *self.encoder.layer_groups()]
        known = {weight for group in lower for weight in group}
        return [*lower, [weight for weight in self.parameters() if weight not in known]]

    def hidden_matrices(self) -> list[tuple[nn.Parameter, int]]:
        parts = (self.language_model, self.spelling, self.encoder)
        return [matrix for part in parts if part is not None for matrix in part.hidden_matrices()]

    def _adapter(self, part: StackEncoder | PretrainedEncoder | None) -> nn.Linear | None:
        """Return what brings the features of a part to the width E of the words' embedding."""
        return None if part is None else nn.Linear(part.width, self.config.encoder.embedding_dim, bias=False)
