"""The [pretraining] section: language models of the documents' own text, which become the encoders of classifiers."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from anaphora.settings import Settings
from anaphora.training.config import TrainingConfig

# Small enough to read a few million words several times in half an hour; vectors of half the layer's width.
_LANGUAGE_MODEL = {
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
_FEWEST_STEPS = 4  # in an epoch
_TRAINING = {
    "learning_rate": 5e-3,
    "weight_decay": 0.01,
    "batch_size": 64,
    "bptt": 70,
    "max_grad_norm": 0.5,
    "dropout_state": 0.02,
}


class PretrainingSettings(Settings):
    """How the first stage of ULMFiT goes (Howard and Ruder 2018); by default there is none.

    Attributes:
        pretrain_share: of a run by minutes, the part that goes to language models; 0 for none.
        pretrain_epochs: read the text this often for each language model instead, whatever the run is measured by.
        direction: which way to read: "both" makes two language models and a classifier on each, which then vote.
        language_model: the [model] section of a new one; without effect with `init` in [training].
        language_model_training: what differs, in its [training] section, from what is usual here.
    """

    section: ClassVar[str] = "pretraining"

    pretrain_share: float = Field(default=0.0, ge=0.0, lt=1.0)
    pretrain_epochs: int | None = Field(default=None, ge=1)
    direction: Literal["forward", "backward", "both"] = "forward"
    language_model: dict[str, Any] = Field(default_factory=lambda: dict(_LANGUAGE_MODEL))
    language_model_training: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        share, epochs = self.pretrain_share, self.pretrain_epochs
        if share and epochs is not None:
            raise ValueError(f"pretrain_share = {share} and pretrain_epochs = {epochs}: set only one of them")
        return self

    @property
    def wanted(self) -> bool:
        """Whether there is a first stage at all."""
        return self.pretrain_share > 0 or self.pretrain_epochs is not None

    @property
    def ways(self) -> tuple[bool, ...]:
        """For each language model, whether it reads backward."""
        return {"forward": (False,), "backward": (True,), "both": (False, True)}[self.direction]

    def training(self, run: TrainingConfig, num_tokens: int) -> TrainingConfig:
        """Return how a language model is trained on so many tokens, in a run whose classifier is trained like `run`."""
        same = {key: getattr(run, key) for key in ("precision", "device", "threads", "seed")}
        config = TrainingConfig(**{**_TRAINING, **same, "epochs": self.pretrain_epochs, **self.language_model_training})
        rows = num_tokens // (_FEWEST_STEPS * config.bptt)
        if rows < config.batch_size:  # a small text: fewer rows, and shorter windows where that is not enough
            config = config.replace(batch_size=max(1, rows), bptt=max(1, min(config.bptt, num_tokens // _FEWEST_STEPS)))
        return config
