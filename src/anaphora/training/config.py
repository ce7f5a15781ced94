"""The [training] section: how a model is trained. The whole configuration file is `run_config.py`.

One frozen object of plain values. What the machine decides ("auto" and None) is measured by `probe.py`.
"""

import warnings
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from anaphora.errors import AnaphoraWarning
from anaphora.settings import Settings


class TrainingConfig(Settings):
    """How a model is trained.

    Attributes:
        optimizer: "sgd", "nt-asgd" (see `averaging.py`), "adam" (Kingma and Ba 2015), "adamw" (Loshchilov and Hutter
            2019) or "muon" (see `muon.py`).
        learning_rate: the highest learning rate of the schedule.
        weight_decay: pull of the matrices towards zero; biases are left alone (see `optimizers.py`).
        momentum: of SGD and Muon, or Adam's beta1; None means 0 for SGD, 0.95 for Muon, 0.9 for the others. One-cycle
            sets its own.
        beta2: Adam's second decay.
        schedule: a name in `schedules.SCHEDULES`.
        average: "ema" or "swa": validate and keep an average of the weights, see `averaging.py`.
        average_decay: of "ema", for each step.
        average_start: of "swa": the share of the run after which snapshots are taken.
        average_every: of "swa": steps from one snapshot to the next.
        average_trigger: of "nt-asgd": averaging begins with the first validation that is worse than the best of those
            before the last so many; their paper takes 5 and validates each epoch.
        layer_rate_factor: each layer's learning rate is that of the layer above divided by this; see `finetune.py`.
        unfreeze_share: layers are frozen and thaw from the top, until after this share of the run all of them learn.
        max_grad_norm: gradients with a longer norm are shortened to this one; None leaves them alone.
        activation_penalty: alpha of AWD-LSTM's AR, see `regularizers.py`; 2 on the word-level Penn Treebank.
        temporal_penalty: beta of its TAR; 1 there.
        label_smoothing: share of the probability that is asked for all types alike. Reported losses are without it.
        batch_size: B, rows that are trained at once.
        bptt: T, tokens through which gradients flow back.
        windows: how the text is cut, see `data.stream.SAMPLERS`.
        random_bptt: vary the window length as AWD-LSTM does (Merity et al. 2018, section 5); consecutive windows only.
        partial_shuffle: rotate each lane of the text by a random amount, anew each epoch (Press 2019); likewise.
        dropout_state: probability, for each row of each window, that the carried state is dropped and the row begins
            again from the initial state, as every text to be scored does. Without it a net that has once left that
            state may forget how to start; Melis et al. 2020 (arXiv 1909.01792) drop one in a hundred.
        epochs, steps, minutes: when the run stops; at most one of them. `minutes` is the whole run as its user counts
            it, from command to result.
        max_epochs: of a run by minutes: when the text has been read so often, the run is over, and its schedule too;
            None lets it go on. Of 30 kB of a novel, 8 to 50 epochs left 1.70 to 1.77 nats a character, 140 left 1.84.
        eval_every_steps, eval_every_seconds: when the validation split is scored; at most one of them. By default
            every epoch or every tenth of the run, whichever is shorter; for a run by minutes see `validation.py`.
        patience: stop after this many validations without improvement.
        log_every: steps from one line of metrics.jsonl to the next.
        precision: "auto" takes bfloat16 where a probe found it faster on this machine.
        device: "auto", "cpu", "cuda" or "cuda:N".
        threads: of torch on the CPU; None lets a probe choose.
        seed: of everything drawn at random.
        init: the model folder whose weights, shape and tokenizer the run starts from; None draws new weights.

    Raises:
        ConfigError: an unknown key, a bad value, or two choices that contradict each other.
    """

    section: ClassVar[str] = "training"

    optimizer: Literal["sgd", "nt-asgd", "adam", "adamw", "muon"] = "adamw"
    learning_rate: float = Field(default=5e-3, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    momentum: float | None = Field(default=None, ge=0, lt=1)
    beta2: float = Field(default=0.99, ge=0, lt=1)
    schedule: Literal["constant", "plateau", "cosine", "one-cycle", "slanted-triangular", "warm-restarts"] = "one-cycle"
    average: Literal["none", "ema", "swa"] = "none"
    average_decay: float = Field(default=0.999, gt=0, lt=1)
    average_start: float = Field(default=0.75, ge=0, lt=1)
    average_every: int = Field(default=100, ge=1)
    average_trigger: int = Field(default=5, ge=1)
    layer_rate_factor: float = Field(default=1.0, ge=1)
    unfreeze_share: float = Field(default=0.0, ge=0, lt=1)
    max_grad_norm: float | None = Field(default=1.0, gt=0)
    activation_penalty: float = Field(default=0.0, ge=0)
    temporal_penalty: float = Field(default=0.0, ge=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    batch_size: int = Field(default=32, ge=1)
    bptt: int = Field(default=64, ge=1)
    windows: Literal["consecutive", "random", "every-position"] = "consecutive"
    random_bptt: bool = False
    partial_shuffle: bool = False
    dropout_state: float = Field(default=0.0, ge=0, lt=1)
    epochs: int | None = Field(default=None, ge=1)
    steps: int | None = Field(default=None, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    max_epochs: int | None = Field(default=50, ge=1)
    eval_every_steps: int | None = Field(default=None, ge=1)
    eval_every_seconds: float | None = Field(default=None, gt=0)
    patience: int | None = Field(default=None, ge=1)
    log_every: int = Field(default=10, ge=1)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: str = "auto"
    threads: int | None = Field(default=None, ge=1)
    seed: int = Field(default=1, ge=0, lt=1 << 63)
    init: str | None = None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        for keys in (("epochs", "steps", "minutes"), ("eval_every_steps", "eval_every_seconds")):
            given = [f"{key} = {getattr(self, key)}" for key in keys if getattr(self, key) is not None]
            if len(given) > 1:
                raise ValueError(f"{' and '.join(given)} exclude each other; set only one of {', '.join(keys)}")
        if self.optimizer == "nt-asgd" and self.schedule != "constant":
            raise ValueError(
                "optimizer = 'nt-asgd' averages around a fixed learning rate; set schedule = 'constant' too"
            )
        if self.optimizer == "nt-asgd" and self.average != "none":
            raise ValueError(f"optimizer = 'nt-asgd' and average = {self.average!r} both average; set only one of them")
        for key, (idle, where) in self._without_effect().items():
            if idle and getattr(self, key) != type(self).model_fields[key].default:
                warnings.warn(f"{key} in [training] has no effect {where}", AnaphoraWarning, stacklevel=2)
        return self

    def _without_effect(self) -> dict[str, tuple[bool, str]]:
        """Return, for settings that depend on others, whether they have no effect, and in what company."""
        windows, optimizer, average = (f"{key} = {getattr(self, key)!r}" for key in ("windows", "optimizer", "average"))
        return {
            "random_bptt": (self.windows != "consecutive", f"with {windows}"),
            "partial_shuffle": (self.windows != "consecutive", f"with {windows}"),
            "dropout_state": (self.windows != "consecutive", f"with {windows}, which carry no state"),
            "momentum": (self.schedule == "one-cycle", "with schedule = 'one-cycle', which moves it itself"),
            "beta2": (self.optimizer in ("sgd", "nt-asgd"), f"on {optimizer}"),
            "average_decay": (self.average != "ema", f"with {average}"),
            "average_start": (self.average != "swa", f"with {average}"),
            "average_every": (self.average != "swa", f"with {average}"),
            "average_trigger": (self.optimizer != "nt-asgd", f"on {optimizer}"),
            "max_epochs": (self.epochs is not None or self.steps is not None, "but on a run by minutes"),
        }
