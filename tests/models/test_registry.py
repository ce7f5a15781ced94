"""Names to models: what an unknown name or key is answered."""

import pytest

from anaphora.errors import ConfigError
from anaphora.models.ngram.names import NAMES
from anaphora.models.registry import MODELS, build_model, model_config

# What a configuration cannot be made without.
NEEDED = {"mixture": {"components": [{"name": "uniform"}, {"name": "unigram"}]}}


def test_the_table_is_sorted() -> None:
    single = [name for name in MODELS if name not in NAMES]
    assert list(MODELS) == [*sorted(single), *NAMES]


@pytest.mark.parametrize("name", MODELS)
def test_the_name_survives_the_round_trip(name: str) -> None:
    config = model_config(name, NEEDED.get(name))
    assert model_config(name, config.model_dump()) == config
    assert build_model(config, 5).vocab_size == 5


def test_unknown_model() -> None:
    with pytest.raises(
        ConfigError, match=r"'lstmm' in \[model\]: no such model; did you mean 'lstm'\? \(known: awd-elman"
    ):
        model_config("lstmm")


def test_unknown_key() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'hidden' in \[model\]"):
        model_config("unigram", {"hidden": 3})
