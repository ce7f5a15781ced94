"""Several texts written side by side, one token each at a time.

Shapes: B samples still being written, V vocabulary.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from anaphora.errors import GenerationError
from anaphora.generation import sampling
from anaphora.generation.prompt import Start
from anaphora.generation.settings import GenerationSettings
from anaphora.generation.text_reader import TextReader
from anaphora.models.language_model import select_rows


@dataclass
class Row:
    """One text being written. Its tokens are read into text when somebody looks: each step, or once at the end."""

    reader: TextReader
    token_ids: list[int] = field(default_factory=list)
    log_prob: float = 0.0
    text: str = ""
    num_read: int = 0

    def take(self, token_id: int, log_prob: float) -> None:
        """Add a token.

        Raises:
            GenerationError: its log-probability is not a number.
        """
        if not math.isfinite(log_prob):
            raise GenerationError(
                f"the model's probabilities are not numbers (log-probability {log_prob}): its weights are damaged"
            )
        self.token_ids.append(token_id)
        self.log_prob += log_prob

    def read(self, *, last: bool = False) -> None:
        """Turn new tokens into text; `last` says that no more tokens come."""
        self.text += self.reader.push(self.token_ids[self.num_read :])
        self.num_read = len(self.token_ids)
        if last:
            self.text += self.reader.finish()


class SampleBatch:
    """Samples written side by side; those that are finished leave the batch."""

    def __init__(self, start: Start, settings: GenerationSettings) -> None:
        self._settings, self._stepper, self._forbidden = settings, start.stepper, start.forbidden
        self._uniforms = sampling.UniformStreams(settings.seed, settings.num)
        self.all_rows = [Row(start.reader()) for _ in range(settings.num)]
        self.rows = list(range(settings.num))  # the numbers of those still being written
        with torch.inference_mode():
            first = torch.zeros(settings.num, dtype=torch.int64, device=start.log_probs.device)
            self._log_probs, self._state = start.log_probs[first], select_rows(start.state, first)
            self._seen = self._seen_in(start.token_ids) if settings.repetition_penalty != 1.0 else None

    def advance(self) -> None:
        """Add one token to every text that is not finished. Call it inside `inference`."""
        tokens = self._choose()
        chosen = self._log_probs.gather(1, tokens.unsqueeze(1)).squeeze(1)
        for i, token_id, log_prob in zip(self.rows, tokens.tolist(), chosen.tolist(), strict=True):
            self.all_rows[i].take(token_id, log_prob)
        if self._seen is not None:
            self._seen.scatter_(1, tokens.unsqueeze(1), True)
        going = [place for place, i in enumerate(self.rows) if not self._is_finished(self.all_rows[i])]
        if len(going) < len(self.rows):
            tokens = self._keep(going, tokens)
        if going:
            self._log_probs, self._state = self._stepper.step(tokens, self._state)

    def _choose(self) -> Tensor:
        """Return the next token of each row, (B,), int64."""
        settings = self._settings
        scores = sampling.forbid(self._log_probs, self._forbidden)
        if self._seen is not None:
            scores = sampling.penalize_repetition(scores, self._seen, settings.repetition_penalty)
        if settings.temperature == 0.0:
            return scores.argmax(1)
        if settings.temperature != 1.0:
            scores = sampling.apply_temperature(scores, settings.temperature)
        if settings.top_k is not None:
            scores = sampling.keep_top_k(scores, settings.top_k)
        if settings.top_p is not None:
            scores = sampling.keep_top_p(scores, settings.top_p)
        if settings.min_p is not None:
            scores = sampling.keep_min_p(scores, settings.min_p)
        uniforms = self._uniforms.next(self.rows).to(scores.device)
        # Scores that are not numbers draw an id past the end; `Row.take` then finds that id's log-probability.
        return sampling.draw(scores, uniforms).clamp_(max=scores.shape[1] - 1)

    def _is_finished(self, row: Row) -> bool:
        if self._settings.stop:
            row.read()
        return row.reader.stopped or len(row.token_ids) >= self._settings.max_new_tokens

    def _keep(self, places: list[int], tokens: Tensor) -> Tensor:
        """Drop all rows but those at `places`; return their tokens."""
        self.rows = [self.rows[place] for place in places]
        kept = torch.tensor(places, dtype=torch.int64, device=tokens.device)
        self._state = select_rows(self._state, kept)
        if self._seen is not None:
            self._seen = self._seen[kept]
        return tokens[kept]

    def _seen_in(self, token_ids: list[int]) -> Tensor:
        """Return which tokens stand in the prompt, (B, V), bool."""
        seen = torch.zeros_like(self._log_probs, dtype=torch.bool)
        seen[:, token_ids] = True
        return seen
