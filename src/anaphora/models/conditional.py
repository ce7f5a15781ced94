"""A language model of texts of several kinds: what it writes depends on a label or a vector (one-to-many).

The condition is a vector and the first part of the state, so sampling, beams, scores and sessions know nothing of it: a
text begins with the state of its condition, and keeps it. A label is a row of a learnt table. At every token

    what the layers read = embedding of the token + projection of the condition

(the static context of Mikolov and Zweig 2012; for whole texts, of Ficler and Goldberg 2017). Shapes: B batch, T time,
V vocabulary, E embedding, D condition, C labels.
"""

import copy
import math
from collections.abc import Sequence
from typing import Any, Literal, Self

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from anaphora.errors import ConfigError
from anaphora.files import sha256_json
from anaphora.models.headed import HeadedLanguageModel
from anaphora.models.language_model import LanguageModel, Losses, ModelConfig, NeuralLanguageModel, Reading, State
from anaphora.settings import did_you_mean

Conditions = Sequence[str | None] | Tensor


class ConditionalConfig(ModelConfig):
    """What a conditional model is made of.

    Attributes:
        net: the [model] section of the net that reads and writes; any that has an embedding and a head.
        labels: names of the conditions that have a row in the table; none for a model of vectors alone.
        condition_dim: D, numbers that stand for one condition.
        dropout_condition: the share of the documents that training takes without their label. It teaches the condition
            "none", so that the model can also write and score a text of which nothing is known.
    """

    name: Literal["conditional"] = "conditional"
    net: dict[str, Any] = Field(default_factory=lambda: {"name": "lstm"})
    labels: tuple[str, ...] = ()
    condition_dim: int = Field(default=64, ge=1, le=1 << 16)
    dropout_condition: float = Field(default=0.1, ge=0.0, lt=1.0)

    @field_validator("labels")
    @classmethod
    def _labels_differ(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(labels)) < len(labels):
            raise ValueError("each label once")
        return labels


class ConditionalLanguageModel(NeuralLanguageModel):
    """A net whose every input carries a condition.

    Attributes:
        net: the net.
        table: (C + 1, D): the condition "none", then those of the labels.
        projection: D -> E, without bias.
        condition: what `given` was told: a label, or the name of a vector by its hash; else empty.
    """

    config_class = ConditionalConfig
    config: ConditionalConfig

    def __init__(self, config: ConditionalConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.net = _build(config, vocab_size)
        self.table = nn.Embedding(1 + len(config.labels), config.condition_dim)
        self.projection = nn.Linear(config.condition_dim, self.net.config.embedding_dim, bias=False)
        self.condition = ""
        self._vector: Tensor | None = None  # (1, D)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew from torch's generator; "none" starts as a condition that adds nothing."""
        self.net.reset_parameters()
        nn.init.normal_(self.table.weight)
        nn.init.zeros_(self.table.weight.data[0])
        spread = self.net.config.embedding_range / math.sqrt(self.config.condition_dim)  # as wide as the embedding
        nn.init.normal_(self.projection.weight, std=spread)

    # Conditions ------------------------------------------------------------------------------------------------

    def initial_state(self, batch_size: int) -> State:
        """Return the state before any token; its condition is "none", or what `given` was told."""
        condition = self.table.weight[:1] if self._vector is None else self._vector.to(self.device)
        return (condition.expand(batch_size, -1), *self.net.initial_state(batch_size))

    def initial_state_for(self, conditions: Conditions) -> State:
        """Return the state before any token of texts with these conditions.

        Args:
            conditions: B labels, None for "none"; or (B,), int64, their numbers in `config.labels`, -1 for "none"; or
                vectors (B, D).

        Raises:
            ConfigError: no such label, or vectors of another width.
        """
        return self.with_condition(self.initial_state(len(conditions)), conditions)

    def with_condition(self, state: State, conditions: Conditions) -> State:
        """Return a state under other conditions; these and the errors as for `initial_state_for`."""
        return (self._vectors(conditions), *state[1:])

    def given(self, condition: str | Sequence[float]) -> Self:
        """Return this model, with the same weights, for texts of one condition: its `initial_state` is theirs.

        Args:
            condition: a label, or a vector of D numbers.

        Raises:
            ConfigError: no such label, or a vector of another width.
        """
        one = [condition] if isinstance(condition, str) else torch.tensor([list(condition)], dtype=torch.float32)
        told = copy.copy(self)
        told._vector = self._vectors(one).detach()
        told.condition = condition if isinstance(condition, str) else f"vector-{_short_hash(condition)}"
        return told

    def _vectors(self, conditions: Conditions) -> Tensor:
        """Return conditions as vectors (B, D)."""
        if not isinstance(conditions, Tensor) or not conditions.is_floating_point():
            vectors: Tensor = self.table(1 + self._label_ids(conditions))
            return vectors
        if conditions.ndim != 2 or conditions.shape[1] != self.config.condition_dim:
            raise ConfigError(
                f"a condition of {conditions.shape[-1]} numbers: this model takes {self.config.condition_dim}"
            )
        return conditions.to(self.table.weight)

    def _label_ids(self, conditions: Conditions) -> Tensor:
        if isinstance(conditions, Tensor):
            return conditions.to(self.device)
        known: dict[str | None, int] = {label: number for number, label in enumerate(self.config.labels)} | {None: -1}
        for label in conditions:
            if label not in known:
                there = ", ".join(map(repr, self.config.labels)) or "none, it takes vectors"
                near = did_you_mean(str(label), list(self.config.labels))
                raise ConfigError(f"condition {label!r}: the model has no such label (it has: {there}){near}")
        return torch.tensor([known[label] for label in conditions], device=self.device)

    # The contract ----------------------------------------------------------------------------------------------

    def read(self, tokens: Tensor, state: State) -> tuple[Reading, State]:
        condition, *inner = state
        embedded = self.net.embed(tokens) + self.projection(condition).unsqueeze(1)
        reading, after = self.net.read_embedded(embedded, tuple(inner))
        return reading, (condition, *after)

    def logits(self, features: Tensor) -> Tensor:
        return self.net.logits(features)

    def losses(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Losses:
        return self.net.losses(features, targets, label_smoothing)

    def layer_groups(self) -> list[list[nn.Parameter]]:
        lowest, *others = self.net.layer_groups()
        return [[*self.table.parameters(), *self.projection.parameters(), *lowest], *others]

    def hidden_matrices(self) -> list[tuple[nn.Parameter, int]]:
        return self.net.hidden_matrices()

    def start_from_unigrams(self, log_probs: Tensor) -> None:
        self.net.start_from_unigrams(log_probs)


def condition_of(model: LanguageModel) -> str | None:
    """Return the condition that a model was given, for signatures; None for none."""
    return model.condition or None if isinstance(model, ConditionalLanguageModel) else None


def _short_hash(vector: Sequence[float]) -> str:
    return sha256_json({"vector": [float(number) for number in vector]})[:8]


def _build(config: ConditionalConfig, vocab_size: int) -> HeadedLanguageModel:
    # Imported here: the registry lists this very file.
    from anaphora.models.registry import build_model, model_config

    net = build_model(model_config(config.net.get("name", ""), config.net), vocab_size)
    if not isinstance(net, HeadedLanguageModel):
        raise ConfigError(
            f"net = {config.net.get('name')!r} in [model]: a conditional model needs a net with an embedding, as lstm"
        )
    return net
