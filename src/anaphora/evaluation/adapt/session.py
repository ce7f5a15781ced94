"""A model and the place where it stands in a text: what a server keeps for each of those it talks with.

The caller feeds tokens and asks what comes next. Nothing is read twice, the memory taken does not grow with the text,
and an adapting model adapts as it goes. Works with every model. Shapes: B batch, T time, V vocabulary.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from anaphora.evaluation.adapt.build import afresh
from anaphora.evaluation.adapt.dynamic import DynamicLanguageModel, Snapshot
from anaphora.models.language_model import LanguageModel, State
from anaphora.models.stepping import inference


@dataclass(frozen=True)
class Moment:
    """All that a session knows; it stays as it is, whatever the session reads afterwards.

    Attributes:
        last: (B, 1), int64, the last token, which is read when the one after it is wanted.
        state: before that token.
        weights: of a model under dynamic evaluation, once they have left the trained ones.
    """

    last: Tensor
    state: State
    weights: Snapshot | None = None


class Session:
    """Texts that a model follows as they come.

    >>> session = Session(model, start_id=tokenizer.start_id)  # doctest: +SKIP
    >>> session.read(torch.tensor([tokenizer.encode("Once upon")])).sum()  # nats  # doctest: +SKIP
    >>> session.next_log_probs()  # doctest: +SKIP
    """

    def __init__(self, model: LanguageModel, *, start_id: int, batch_size: int = 1) -> None:
        """Begin a text, or `batch_size` texts side by side.

        Args:
            model: any; one under dynamic evaluation is not used itself, a fresh one takes its place.
            start_id: the token before the text, `Tokenizer.start_id`.
            batch_size: B. Under dynamic evaluation the rows share the weights, and so learn from each other.
        """
        self.model = afresh(model)
        with inference(self.model):
            last = torch.full((batch_size, 1), start_id, dtype=torch.int64, device=model.device)
            self._now = Moment(last, self.model.initial_state(batch_size))

    def read(self, tokens: Tensor) -> Tensor:
        """Read tokens (B, T), int64, T at least 1; return their log-probabilities (B, T), in nats, given all before."""
        tokens = tokens.to(self._now.last.device)
        with inference(self.model):
            inputs = torch.cat((self._now.last, tokens[:, :-1]), 1)
            log_probs, state = self.model.target_log_probs(inputs, tokens, self._now.state)
            self._now = Moment(tokens[:, -1:].clone(), state)
            return log_probs

    def next_log_probs(self) -> Tensor:
        """Return the log-probabilities (B, V) of the next token. The session stays where it is."""
        with inference(self.model):
            return self.model.next_log_probs(self._now.last, self._now.state)[0]

    def snapshot(self) -> Moment:
        """Return the present moment, to come back to."""
        weights = self.model.snapshot() if isinstance(self.model, DynamicLanguageModel) else None
        return Moment(self._now.last, self._now.state, weights)

    def restore(self, moment: Moment) -> None:
        """Go back to a moment, of this session or of another with the same model."""
        if isinstance(self.model, DynamicLanguageModel):
            self.model.restore(moment.weights)
        self._now = Moment(moment.last, moment.state)
