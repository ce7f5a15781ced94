"""Beam search: the most probable continuations that can be found while following a few at a time.

Works for any model of the contract: the beams are the rows of a batch, and a state follows its beam by `select_rows`.
Shapes: K beams, V vocabulary.
"""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from anaphora.errors import GenerationError
from anaphora.generation.sampling import forbid
from anaphora.generation.text_reader import TextReader
from anaphora.models.language_model import State, select_rows
from anaphora.models.stepping import Stepper


@dataclass(frozen=True)
class Hypothesis:
    """A continuation: its tokens, their log-probability in nats, and its text so far."""

    token_ids: tuple[int, ...]
    log_prob: float
    text: str
    reader: TextReader

    def score(self, length_penalty: float) -> float:
        """Return log_prob / length ** length_penalty: 0 ranks by the sum, 1 by the mean (Wu et al. 2016, section 7)."""
        return self.log_prob / math.pow(max(1, len(self.token_ids)), length_penalty)

    def extended(self, token_id: int, log_prob: float) -> "Hypothesis":
        """Return this continuation with one more token; `log_prob` is the new sum."""
        reader = copy.copy(self.reader)
        return Hypothesis((*self.token_ids, token_id), log_prob, self.text + reader.push([token_id]), reader)


@dataclass(frozen=True, kw_only=True)
class BeamSearch:
    """The rules of a search.

    Attributes:
        beam: K, continuations followed at a time.
        num: how many to return, at most K.
        max_new_tokens: where a continuation ends, unless a stop string of its reader ends it before.
        length_penalty: how finished continuations of different length are ranked, see `Hypothesis.score`.
        forbidden: tokens that no continuation may hold, (N,), int64.
    """

    beam: int
    num: int
    max_new_tokens: int
    length_penalty: float
    forbidden: Tensor

    def run(self, stepper: Stepper, log_probs: Tensor, state: State, reader: TextReader) -> list[Hypothesis]:
        """Search on from a prompt that the model has read; return the best continuations, best first.

        Args:
            stepper: of the model that read it.
            log_probs: (1, V), of the first new token.
            state: after the prompt, one row.
            reader: a fresh reader for the text after the prompt.

        Raises:
            GenerationError: the model's probabilities are not numbers.
        """
        live, finished = [Hypothesis((), 0.0, "", reader)], list[Hypothesis]()
        for _ in range(self.max_new_tokens):
            live, ended, parents = self._extend(live, log_probs)
            finished += ended
            if not live or self._is_decided(live, finished):
                break
            tokens = torch.tensor([hypothesis.token_ids[-1] for hypothesis in live], device=log_probs.device)
            state = select_rows(state, torch.tensor(parents, device=log_probs.device))
            log_probs, state = stepper.step(tokens, state)
        else:
            finished += live
        return self._ranked(finished)[: self.num]

    def _extend(
        self, live: list[Hypothesis], log_probs: Tensor
    ) -> tuple[list[Hypothesis], list[Hypothesis], list[int]]:
        """Return the best K continuations one token longer, those that ended on the way, and the K parents' rows."""
        sums = torch.tensor([hypothesis.log_prob for hypothesis in live], dtype=torch.float64)
        totals = forbid(log_probs.double() + sums.to(log_probs.device).unsqueeze(1), self.forbidden)
        # Twice K, so that K can live on even when K of them end here.
        values, places = totals.flatten().topk(min(2 * self.beam, totals.numel()))
        longer, ended, parents = list[Hypothesis](), list[Hypothesis](), list[int]()
        for total, place in zip(values.tolist(), places.tolist(), strict=True):
            if math.isnan(total):
                raise GenerationError("the model's probabilities are not numbers (nan): its weights are damaged")
            if total == -math.inf or len(longer) == self.beam:
                break
            row, token_id = divmod(place, totals.shape[1])
            hypothesis = live[row].extended(token_id, total)
            if hypothesis.reader.stopped:
                ended.append(hypothesis)
            else:
                longer.append(hypothesis)
                parents.append(row)
        return longer, ended, parents

    def _is_decided(self, live: list[Hypothesis], finished: list[Hypothesis]) -> bool:
        """Tell whether no live continuation can still overtake: its sum only falls, its length is bounded."""
        if len(finished) < self.num:
            return False
        best_possible = live[0].log_prob / math.pow(self.max_new_tokens, self.length_penalty)
        return self._ranked(finished)[self.num - 1].score(self.length_penalty) >= best_possible

    def _ranked(self, hypotheses: list[Hypothesis]) -> list[Hypothesis]:
        return sorted(hypotheses, key=lambda hypothesis: -hypothesis.score(self.length_penalty))
