"""Several models as one: their probabilities mixed, or their logarithms added up. The parts may be of any kind.

A net that reads a stream and an n-gram model that starts anew at every line go together: each has its own state, and
the state of the mixture is all of them, one after the other. How weights are found is in `training/mixing.py`.

Shapes: B batch, T time, V vocabulary, M components, C context classes.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from anaphora.models.language_model import LanguageModel, ModelConfig, State

Combination = Literal["linear", "log-linear"]
ContextClasses = Literal["one", "rank"]

LEAST_LOG_PROB = -100.0  # nats; keeps an impossible token finite where its logarithm is multiplied by a weight of 0
_MAX_LOG_PROBS = 1 << 22  # of all components that exist at a time


class MixtureConfig(ModelConfig):
    """What a mixture is made of; `anaphora mix` fills this in.

    Attributes:
        components: the [model] section of each part.
        combination: "linear", p = sum of w_i p_i (Jelinek and Mercer 1980); or "log-linear", p proportional to the
            product of p_i ** w_i (Klakow 1998), which costs a pass over the vocabulary for each token.
        context_classes: "one" weight for each component; or weights by the "rank" of the token just read, in octaves:
            ids count down the frequencies, so that id 0, 1, 2-3, 4-7, 8-15 ... have weights of their own.
    """

    name: Literal["mixture"] = "mixture"
    components: tuple[dict[str, Any], ...] = Field(min_length=2)
    combination: Combination = "linear"
    context_classes: ContextClasses = "one"

    @model_validator(mode="after")
    def _log_linear_has_one_class(self) -> Self:
        if self.combination == "log-linear" and self.context_classes != "one":
            raise ValueError("a log-linear mixture has weights of one context class only; use linear, or one")
        return self


class MixtureLanguageModel(LanguageModel):
    """A weighted combination of models over one vocabulary.

    Attributes:
        components: the models.
        weights: (C, M), float64; rows sum to one in a linear mixture.
    """

    config_class: ClassVar[type[ModelConfig]] = MixtureConfig
    trained_by: ClassVar[str] = "mixing"
    config: MixtureConfig
    weights: Tensor

    def __init__(self, config: MixtureConfig, vocab_size: int, components: Sequence[LanguageModel] = ()) -> None:
        super().__init__(config, vocab_size)
        self.components = nn.ModuleList(components or _build(config, vocab_size))
        classes = 1 if config.context_classes == "one" else (vocab_size - 1).bit_length() + 1
        weights = torch.full((classes, len(config.components)), 1 / len(config.components), dtype=torch.float64)
        self.register_buffer("weights", weights)

    @classmethod
    def of(
        cls,
        components: Sequence[LanguageModel],
        *,
        combination: Combination = "linear",
        context_classes: ContextClasses = "one",
    ) -> "MixtureLanguageModel":
        """Return the mixture of some models with equal weights."""
        config = MixtureConfig(
            components=tuple(part.config.model_dump(mode="json") for part in components),
            combination=combination,
            context_classes=context_classes,
        )
        return cls(config, components[0].vocab_size, components)

    @property
    def context(self) -> str:
        return "sentence" if all(part.context == "sentence" for part in self.parts) else "stream"

    @property
    def normalized(self) -> bool:
        return self.config.combination == "log-linear" or all(part.normalized for part in self.parts)

    @property
    def parts(self) -> list[LanguageModel]:
        """The components, as what they are."""
        return [part for part in self.components if isinstance(part, LanguageModel)]

    def initial_state(self, batch_size: int) -> State:
        return tuple(tensor for part in self.parts for tensor in part.initial_state(batch_size))

    def classes(self, tokens: Tensor) -> Tensor:
        """Return the context class of each place by the token that was read there; shape as `tokens`."""
        if self.config.context_classes == "one":
            return torch.zeros_like(tokens)
        return torch.frexp(tokens.double()).exponent.long()  # the binary digits of an id; none for 0

    def target_log_probs(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        if self.config.combination == "linear":
            scores, state = self._ask(state, lambda part, own: part.target_log_probs(tokens, targets, own))
            return self._mix(torch.stack(scores, -1), tokens), state
        log_probs, _, state = self.score_targets(tokens, targets, state)
        return log_probs, state

    def score_targets(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        log_probs, hits = [], []
        begin = state
        width = max(1, _MAX_LOG_PROBS // (len(tokens) * self.vocab_size * len(self.components)))
        for part, wanted in zip(tokens.split(width, 1), targets.split(width, 1), strict=True):
            all_log_probs, state = self.all_log_probs(part, state)
            log_probs.append(all_log_probs.gather(-1, wanted.unsqueeze(-1)).squeeze(-1))
            hits.append(all_log_probs.argmax(-1) == wanted)
        found = torch.cat(log_probs, 1)
        if self.config.combination == "linear":  # what its parts say of the targets, to the last bit
            found, state = self.target_log_probs(tokens, targets, begin)
        return found, torch.cat(hits, 1), state

    def all_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        scores, state = self._ask(state, lambda part, own: part.all_log_probs(tokens, own))
        return self._mix(torch.stack(scores, -1), tokens.unsqueeze(-1)), state

    def next_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        scores, state = self._ask(state, lambda part, own: part.next_log_probs(tokens, own))
        return self._mix(torch.stack(scores, -1), tokens[:, -1:]), state

    def _ask(
        self, state: State, question: Callable[[LanguageModel, State], tuple[Tensor, State]]
    ) -> tuple[list[Tensor], State]:
        """Put a question to each component with its share of the state; return the answers and the state after."""
        answers, after = list[Tensor](), list[Tensor]()
        for part, own in self._shares(state):
            answer, new = question(part, own)
            answers.append(answer)
            after += new
        return answers, tuple(after)

    def _shares(self, state: State) -> Iterator[tuple[LanguageModel, State]]:
        begin = 0
        for part in self.parts:
            end = begin + len(part.initial_state(1))
            yield part, state[begin:end]
            begin = end

    def _mix(self, log_probs: Tensor, last_tokens: Tensor) -> Tensor:
        """Combine log-probabilities (..., M) after tokens whose shape broadcasts against (...)."""
        weights = self.weights[self.classes(last_tokens)].to(log_probs.dtype)
        if self.config.combination == "linear":
            return torch.logsumexp(log_probs + weights.log(), -1)
        return (log_probs.clamp(min=LEAST_LOG_PROB) * weights).sum(-1).log_softmax(-1)


def _build(config: MixtureConfig, vocab_size: int) -> list[LanguageModel]:
    # Imported here: the registry lists this very file.
    from anaphora.models.registry import build_model, model_config

    return [build_model(model_config(values.get("name", ""), values), vocab_size) for values in config.components]
