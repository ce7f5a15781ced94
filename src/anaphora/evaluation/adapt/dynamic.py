"""Dynamic evaluation (Krause et al. 2018, "Dynamic Evaluation of Neural Sequence Models", arXiv 1709.07432).

The weights follow the text. A segment is scored; then, with g the gradient of its mean loss, w the weights and w_0 the
trained ones, each weight moves by

    - learning_rate * g / (RMS + floor * M + epsilon)  +  min(1, decay * RMS / mean RMS) * (w_0 - w)

(section 5 there: RMS with a global prior); RMS are `statistics` of the training text, M is their mean over the weight's
tensor. `floor` is ours: the vector of a rare word has hardly any gradient in the text of the statistics, and would take
steps without bound where the word occurs.

A LanguageModel like any other, but for one thing: its weights belong to the object and not to the state; `snapshot` and
`restore` make them a value.

Shapes: B batch, T time, S segment.
"""

import copy
from collections.abc import Iterator
from typing import ClassVar, Self

import torch
from torch import Tensor

from anaphora.evaluation.adapt.settings import DynamicSettings
from anaphora.evaluation.adapt.statistics import GradientStatistics, adapting_weights, with_gradients
from anaphora.models.language_model import LanguageModel, ModelConfig, State, detach, map_state

Snapshot = tuple[Tensor, ...]


class Update:
    """The rule for one model, one set of statistics and settings: constants, which all who adapt that model share."""

    def __init__(self, trained: LanguageModel, statistics: GradientStatistics, settings: DynamicSettings) -> None:
        self.trained = trained
        self.settings = settings
        self.source = statistics.source
        with torch.inference_mode(False), torch.no_grad():
            self._anchors = [weight.detach() for weight in adapting_weights(trained)]
            self._pulls = [(rms * (settings.decay / statistics.mean)).clamp_(max=1.0) for rms in statistics.rms]
            self._steps = [
                settings.learning_rate / (rms + settings.floor * rms.mean() + settings.epsilon)
                for rms in statistics.rms
            ]

    @torch.no_grad()
    def apply(self, weights: list[Tensor], gradients: tuple[Tensor, ...]) -> None:
        """Move weights, in place, by the gradients of a segment's mean loss: two passes over memory, fused."""
        torch._foreach_lerp_(weights, self._anchors, self._pulls)
        torch._foreach_addcmul_(weights, gradients, self._steps, value=-1.0)


class DynamicLanguageModel(LanguageModel):
    """A trained model whose weights follow what it scores.

    They are shared with the trained model until the first update and copied then; the trained model never changes.
    What is scored (`score_targets`, `target_log_probs`) is learnt from, segment by segment, each after its own scores
    are fixed, and a text in pieces gives what it gives whole. What `next_log_probs` reads, as in generation, moves no
    weight: a model should not learn from what it wrote itself.

    The state is that of the model and, for the segment that is being read: the model's state before it; its tokens and
    targets so far, (B, S), int64; and how many those are, (B,), int64, the same number in each row.
    """

    config_class = ModelConfig
    trained_by: ClassVar[str] = "gradient"

    def __init__(self, update: Update) -> None:
        super().__init__(update.trained.config, update.trained.vocab_size)
        self.model = update.trained
        self.update = update
        self.training = update.trained.training

    def fresh(self) -> Self:
        """Return another one that has read nothing. The two share the trained weights and the update's constants."""
        return type(self)(self.update)

    def snapshot(self) -> Snapshot | None:
        """Return a copy of the weights as they are now; None while they are still the trained ones."""
        if self.model is self.update.trained:
            return None
        return tuple(weight.detach().clone() for weight in adapting_weights(self.model))

    def restore(self, snapshot: Snapshot | None) -> None:
        """Take weights that `snapshot` returned; None stands for the trained ones."""
        if snapshot is None:
            self.model = self.update.trained
        else:
            with torch.no_grad():
                torch._foreach_copy_(self._own_weights(), snapshot)

    def initial_state(self, batch_size: int) -> State:
        return self._between_segments(self.model.initial_state(batch_size))

    def target_log_probs(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        log_probs, _, state = self.score_targets(tokens, targets, state)
        return log_probs, state

    def score_targets(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        scores, correct = [], []
        with with_gradients(self.device):
            # Tensors that were made in inference mode cannot take part in a graph; their clones can.
            tokens, targets, state = tokens.clone(), targets.clone(), map_state(state, Tensor.clone)
            for part, wanted in self._pieces(tokens, targets, int(state[-1][0])):
                log_probs, hits, state = self._score(part, wanted, state)
                scores.append(log_probs)
                correct.append(hits)
            return torch.cat(scores, 1), torch.cat(correct, 1), state

    def next_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        log_probs, inner = self.model.next_log_probs(tokens, self._parts(state)[0])
        return log_probs, self._between_segments(inner)

    def _score(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Score a piece that lies within one segment, and learn from the segment if the piece completes it."""
        inner, start, read_tokens, read_targets, read = self._parts(state)
        begin, whole = int(read[0]), tokens.shape[1] == self.update.settings.segment
        end = begin + tokens.shape[1]
        with torch.set_grad_enabled(whole):
            log_probs, hits, inner = self.model.score_targets(tokens, targets, inner)
        inner = detach(inner)
        if not whole:
            read_tokens, read_targets = read_tokens.clone(), read_targets.clone()
            read_tokens[:, begin:end], read_targets[:, begin:end] = tokens, targets
        if end < self.update.settings.segment:
            return log_probs, hits, (*inner, *start, read_tokens, read_targets, read + tokens.shape[1])
        if whole:
            self._learn(log_probs)
        else:  # the segment came in pieces: its gradient takes a reading in one go
            self._learn(self.model.target_log_probs(read_tokens, read_targets, start)[0])
        return log_probs.detach(), hits, self._between_segments(inner)

    def _learn(self, log_probs: Tensor) -> None:
        weights = adapting_weights(self.model)
        gradients = torch.autograd.grad(-log_probs.mean(), weights, materialize_grads=True)
        self.update.apply(self._own_weights(), gradients)

    def _own_weights(self) -> list[Tensor]:
        """Return weights that may be written to: the first call copies the model."""
        if self.model is self.update.trained:
            with torch.inference_mode(False):
                self.model = copy.deepcopy(self.model)
        return adapting_weights(self.model)

    def _between_segments(self, inner: State) -> State:
        """Return the state in which the next token begins a segment."""
        tokens = torch.zeros(len(inner[0]), self.update.settings.segment, dtype=torch.int64, device=self.device)
        return (*inner, *inner, tokens, tokens, tokens.new_zeros(len(tokens)))

    def _parts(self, state: State) -> tuple[State, State, Tensor, Tensor, Tensor]:
        """Take a state apart: the model's, the same before the segment, its tokens and targets, how many were read."""
        *states, tokens, targets, read = state
        half = len(states) // 2
        return tuple(states[:half]), tuple(states[half:]), tokens, targets, read

    def _pieces(self, tokens: Tensor, targets: Tensor, begin: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Cut tokens and targets where segments end, when `begin` tokens of the first one were read before."""
        segment = self.update.settings.segment
        lengths = [min(segment - begin, tokens.shape[1])]
        lengths += [segment] * ((tokens.shape[1] - lengths[0]) // segment)
        lengths += [rest] if (rest := tokens.shape[1] - sum(lengths)) else []
        yield from zip(tokens.split(lengths, 1), targets.split(lengths, 1), strict=True)
