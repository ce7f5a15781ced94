"""[training] is checked as a whole."""

from typing import Any

import pytest

from anaphora.errors import AnaphoraWarning, ConfigError
from anaphora.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 1, "steps": 5}, "epochs = 1 and steps = 5 exclude each other; set only one of"),
        ({"steps": 5, "minutes": 1}, "steps = 5 and minutes = 1.0 exclude each other"),
        ({"eval_every_steps": 5, "eval_every_seconds": 1}, "exclude each other"),
        ({"learning_rte": 0.1}, r"unknown key 'learning_rte' in \[training\]; did you mean 'learning_rate'"),
        ({"learning_rate": 0}, r"learning_rate = 0 in \[training\]: should be greater than 0"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"optimizer": "adamv"}, r"optimizer = 'adamv' in \[training\]: should be 'sgd', .* 'adamw' or 'muon'"),
        ({"optimizer": "nt-asgd"}, "averages around a fixed learning rate; set schedule = 'constant' too"),
        ({"optimizer": "nt-asgd", "schedule": "constant", "average": "swa"}, "'nt-asgd' and average = 'swa' both"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"epochs": 0}, "epochs = 0"),
    ],
)
def test_bad_values_are_explained(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainingConfig(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"random_bptt": True, "windows": "random"}, "random_bptt in .* no effect with windows = 'random'"),
        ({"momentum": 0.5, "schedule": "one-cycle"}, "momentum in .* no effect with schedule = 'one-cycle'"),
        ({"partial_shuffle": True, "windows": "random"}, "partial_shuffle in .* no effect with windows = 'random'"),
        ({"average_decay": 0.9}, "average_decay in .* no effect with average = 'none'"),
        ({"average_every": 9, "average": "ema"}, "average_every in .* no effect with average = 'ema'"),
        ({"average_trigger": 9}, "average_trigger in .* no effect on optimizer = 'adamw'"),
        ({"max_epochs": 9, "epochs": 3}, "max_epochs in .* no effect but on a run by minutes"),
        ({"beta2": 0.9, "optimizer": "sgd"}, "beta2 in .* no effect on optimizer = 'sgd'"),
    ],
)
def test_a_setting_without_effect_warns(values: dict[str, Any], message: str) -> None:
    with pytest.warns(AnaphoraWarning, match=message):
        TrainingConfig(**values)


def test_settings_that_have_their_effect_do_not_warn() -> None:
    TrainingConfig(random_bptt=True, momentum=0.5, schedule="constant", beta2=0.9)
    TrainingConfig(windows="random", optimizer="sgd").replace(learning_rate=1.0)
