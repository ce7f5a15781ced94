"""What training differentiates beside the reported loss: label smoothing and the activation penalties of AWD-LSTM.

    objective = smoothed loss + alpha * AR + beta * TAR

Losses in logs, validations and results are plain nats whatever is added here, so that runs can be compared.
"""

from dataclasses import dataclass

from torch import Tensor

from anaphora.models.language_model import Losses, NeuralLanguageModel, State, in_rows
from anaphora.training.config import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What a training step goes down.

    Attributes:
        activation: alpha, the weight of `activation_penalty`.
        temporal: beta, the weight of `temporal_penalty`.
        label_smoothing: see `NeuralLanguageModel.losses`.
    """

    activation: float = 0.0
    temporal: float = 0.0
    label_smoothing: float = 0.0

    @classmethod
    def of(cls, config: TrainingConfig) -> "Objective":
        """Return the objective that a configuration asks for."""
        return cls(
            activation=config.activation_penalty,
            temporal=config.temporal_penalty,
            label_smoothing=config.label_smoothing,
        )

    def __call__(
        self,
        model: NeuralLanguageModel,
        tokens: Tensor,
        targets: Tensor,
        state: State,
        *,
        inside: Tensor | None = None,
    ) -> tuple[Losses, State]:
        """Read tokens (B, T); return the losses over targets (B, T), penalties in the objective, and the last state.

        With `inside` (B, T), bool, only the targets that it marks count, of which there must be one at least.
        """
        reading, state = model.read(tokens, state)
        features = reading.features
        rows = in_rows(features, targets) if inside is None else (features[inside], targets[inside])
        nats, objective = model.losses(*rows, self.label_smoothing)
        if self.activation:
            dropped = reading.dropped if inside is None else reading.dropped[inside]
            objective = objective + self.activation * activation_penalty(dropped)
        if self.temporal and tokens.shape[1] > 1:
            objective = objective + self.temporal * temporal_penalty(reading.raw, inside)
        return Losses(nats, objective), state


def activation_penalty(dropped: Tensor) -> Tensor:
    """Return the mean square of the last layer's output after dropout, (B, T, H): "AR".

    It keeps activations small (Merity, McCann and Socher 2017, arXiv 1708.01009, section 3.1).
    """
    return dropped.float().square().mean()


def temporal_penalty(raw: Tensor, inside: Tensor | None = None) -> Tensor:
    """Return the mean square of the step from h_t to h_{t+1}, of outputs before dropout (B, T, H), T > 1: "TAR".

    It makes the output change slowly (the same paper, section 3.2); steps from window to window are left out, and steps
    that do not lead to a place that `inside` (B, T), bool, marks.
    """
    steps = (raw[:, 1:] - raw[:, :-1]).float().square()
    if inside is None:
        return steps.mean()
    counted = inside[:, 1:].unsqueeze(-1)
    return (steps * counted).sum() / (counted.sum() * steps.shape[-1]).clamp(min=1)
