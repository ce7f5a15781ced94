"""The [pretraining] section: language models of the documents' own text, which become the encoders of classifiers."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from anaphora.settings import Settings
from anaphora.training.config import TrainingConfig

# Small enough to read a few million words several times in half an hour; vectors of half the layer's width.
_NET = {
    "name": "awd-lstm",
    "embedding_dim": 128,
    "hidden_size": 256,
    "num_layers": 1,
    "last_hidden_size": 256,
    "tie_weights": True,
    "head": "adaptive",
    "dropout_embedding": 0.02,
    "dropout_input": 0.1,
    "dropout_output": 0.1,
    "dropout_weight": 0.1,
}


class PretrainingSettings(Settings):
    """How the first stage of ULMFiT goes (Howard and Ruder 2018); by default there is none.

    Attributes:
        share: of a run by minutes, the part that goes to language models; 0 for none.
        epochs: read the text this often for each language model instead, whatever the run is measured by.
        direction: which way to read: "both" makes two language models and a classifier on each, which then vote.
        net: the [model] section of a new language model; without effect with `init` in [training].
        learning_rate, weight_decay, batch_size, bptt: as in [training], for the language models.
    """

    section: ClassVar[str] = "pretraining"

    share: float = Field(default=0.0, ge=0.0, lt=1.0)
    epochs: int | None = Field(default=None, ge=1)
    direction: Literal["forward", "backward", "both"] = "forward"
    net: dict[str, Any] = Field(default_factory=lambda: dict(_NET))
    learning_rate: float = Field(default=5e-3, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    batch_size: int = Field(default=32, ge=1)
    bptt: int = Field(default=70, ge=1)

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if self.share and self.epochs is not None:
            raise ValueError(
                f"share = {self.share} and epochs = {self.epochs} exclude each other; set only one of them"
            )
        return self

    @property
    def wanted(self) -> bool:
        """Whether there is a first stage at all."""
        return self.share > 0 or self.epochs is not None

    @property
    def ways(self) -> tuple[bool, ...]:
        """For each language model, whether it reads backward."""
        return {"forward": (False,), "backward": (True,), "both": (False, True)}[self.direction]

    def training(self, run: TrainingConfig) -> TrainingConfig:
        """Return how a language model is trained in a run whose classifier is trained like `run`."""
        return TrainingConfig(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            bptt=self.bptt,
            max_grad_norm=0.5,
            dropout_state=0.02,
            precision=run.precision,
            device=run.device,
            threads=run.threads,
            seed=run.seed,
        )
