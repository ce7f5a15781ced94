"""How long a run is: the rules that end it, and how far it has come by the one that will do so first."""

from dataclasses import dataclass

from anaphora.training.config import TrainingConfig
from anaphora.training.run_state import RunState


@dataclass(frozen=True)
class RunLength:
    """What [training] says about the end, and a clock.

    Attributes:
        config: of the run.
        time_limit: seconds, over all sittings; None without a clock.
    """

    config: TrainingConfig
    time_limit: float | None

    @property
    def _most_epochs(self) -> int | None:
        """After how many epochs a run is over that nothing has ended before."""
        if self.config.epochs is None and self.time_limit is not None:
            return self.config.max_epochs
        return self.config.epochs

    def reason_to_stop(self, state: RunState, *, epochs: float, next_step: float, rest: float) -> str:
        """Return why no further step is made, as in `TrainingOutcome.stopped_by`; "" where one is.

        Args:
            state: of the run.
            epochs: how often the text was read.
            next_step: seconds that it will take.
            rest: seconds of what is to be done after the last step.
        """
        config = self.config
        rules = {
            "steps": config.steps is not None and state.step >= config.steps,
            "epochs": self._most_epochs is not None and epochs >= self._most_epochs,
            "time": self.time_limit is not None and state.seconds + next_step > self.time_limit - rest,
            "patience": config.patience is not None and state.stale_validations >= config.patience,
        }
        return next((reason for reason, applies in rules.items() if applies), "")

    def fraction(self, state: RunState, *, epochs: float, rest: float) -> float:
        """Return how much of the run is done, from 0 to 1; arguments as above."""
        shares = [self._share_read(epochs)]
        if self.time_limit is not None:
            shares.append(state.seconds / max(self.time_limit - rest, 1e-9))
        if self.config.steps is not None:
            shares.append(state.step / self.config.steps)
        return min(1.0, max(shares))

    def seconds(self, state: RunState, *, epochs: float) -> float | None:
        """Return how long a run against the clock will be, as it looks now; None for any other."""
        share = self._share_read(epochs)
        if self.time_limit is None or not share:
            return self.time_limit
        return min(self.time_limit, state.seconds / share)

    def _share_read(self, epochs: float) -> float:
        return epochs / self._most_epochs if self._most_epochs else 0.0
