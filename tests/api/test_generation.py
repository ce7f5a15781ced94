"""`generate` and `stream` from a folder or a loaded model."""

import pytest

from anaphora.api import TrainResult, generate, load, stream
from anaphora.errors import ConfigError


def test_folder_and_loaded_model_write_the_same(trained: TrainResult) -> None:
    from_folder = generate(trained.run, "the ", max_new_tokens=12, seed=3, num=2)
    assert from_folder == generate(load(trained.run, "cpu"), "the ", max_new_tokens=12, seed=3, num=2)
    assert [sample.tokens for sample in from_folder] == [12, 12]


def test_a_stream_is_the_first_sample(trained: TrainResult) -> None:
    [sample] = generate(trained.run, max_new_tokens=12, seed=3)
    assert "".join(stream(trained.run, max_new_tokens=12, seed=3)) == sample.text


def test_an_unknown_setting_is_named(trained: TrainResult) -> None:
    with pytest.raises(ConfigError, match="unknown key 'temprature' in \\[generation\\]; did you mean 'temperature'"):
        generate(trained.run, temprature=1.0)
