"""The presets: complete, valid, and as large as their papers say."""

import pytest
import torch

from anaphora.errors import ConfigError
from anaphora.models.registry import build_model, model_config
from anaphora.training.config import TrainingConfig
from anaphora.training.presets import PRESETS, preset
from anaphora.training.run_config import RunConfig

# Million weights: from the papers' tables.
WEIGHTS = {
    "awd-lstm-ptb": (10_000, 24),
    "awd-lstm-wt2": (33_278, 33),
    "mos-ptb": (10_000, 22),
    "mogrifier-ptb": (10_000, 24),
    "char-lstm": (50, 13.8),
}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_valid_configuration_without_a_warning(name: str, recwarn: pytest.WarningsRecorder) -> None:
    config = RunConfig.from_json({**preset(name).sections, "corpus": {"source": ["ptb"]}})
    assert (config.training.minutes == 30) if name.endswith("-short") else (config.training.epochs is not None)
    assert not list(recwarn)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_what_it_needs_and_no_more(name: str) -> None:
    """A value equal to the default would be noise, except where the paper's own value happens to be it."""
    sections = preset(name).sections
    assert set(sections) <= {"tokenizer", "model", "training"}
    assert {"name", "hidden_size", "num_layers"} <= set(sections["model"])
    assert {"learning_rate", "batch_size", "bptt"} <= set(sections["training"])
    assert TrainingConfig(**sections["training"]).model_fields_set == set(sections["training"])


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_models_are_as_large_as_published(name: str) -> None:
    vocab_size, millions = WEIGHTS[name]
    values = dict(preset(name).sections["model"])
    with torch.device("meta"):
        model = build_model(model_config(values.pop("name"), values), vocab_size)
    assert model.num_parameters / 1e6 == pytest.approx(millions, rel=0.05)


def test_every_published_preset_has_a_short_form_of_the_same_method() -> None:
    published = {name for name in PRESETS if not name.endswith("-short")}
    assert set(PRESETS) == published | {f"{name}-short" for name in published}
    for name in published:
        full, short = (preset(variant).sections["model"] for variant in (name, f"{name}-short"))
        assert short["name"] == full["name"]
        assert short["hidden_size"] < full["hidden_size"]


def test_an_unknown_preset() -> None:
    with pytest.raises(
        ConfigError, match=r"no preset is called 'awd-lstm'; did you mean 'awd-lstm-.*known: awd-lstm-ptb"
    ):
        preset("awd-lstm")
