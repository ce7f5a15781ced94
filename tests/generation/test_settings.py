"""Every setting's range, and a word about settings that do nothing."""

from typing import Any

import pytest

from anaphora.errors import AnaphoraWarning, ConfigError
from anaphora.generation.settings import GenerationSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_new_tokens": 0}, r"max_new_tokens = 0 in \[generation\]: should be greater than or equal to 1"),
        ({"temperature": -0.1}, "temperature = -0.1 .* greater than or equal to 0"),
        ({"temperature": float("nan")}, "temperature = nan .* finite"),
        ({"top_k": 0}, "top_k = 0 .* greater than or equal to 1"),
        ({"top_p": 0.0}, "top_p = 0.0 .* greater than 0"),
        ({"top_p": 1.1}, "top_p = 1.1 .* less than or equal to 1"),
        ({"min_p": -0.5}, "min_p = -0.5 .* greater than or equal to 0"),
        ({"min_p": 1.5}, "min_p = 1.5 .* less than or equal to 1"),
        ({"repetition_penalty": 0.0}, "repetition_penalty = 0.0 .* greater than 0"),
        ({"beam": 0}, "beam = 0 .* greater than or equal to 1"),
        ({"length_penalty": -1.0}, "length_penalty = -1.0 .* greater than or equal to 0"),
        ({"num": 0}, "num = 0 .* greater than or equal to 1"),
        ({"seed": -1}, "seed = -1 .* greater than or equal to 0"),
        ({"stop": ("a", "")}, "stop holds an empty string, which would end every text at once; leave it out"),
        ({"beam": 2, "num": 3}, "num = 3 texts from beam = 2 beams: use at least as many beams"),
        ({"topk": 3}, r"unknown key 'topk' in \[generation\]; did you mean 'top_k'\?"),
    ],
)
def test_out_of_range(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GenerationSettings(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"beam": 3, "temperature": 0.5}, r"temperature in \[generation\] has no effect in beam search"),
        ({"beam": 3, "top_k": 5}, r"top_k in \[generation\] has no effect in beam search"),
        ({"beam": 3, "repetition_penalty": 1.2}, "repetition_penalty .* no effect in beam search"),
        (
            {"temperature": 0.0, "top_p": 0.9},
            "top_p .* no effect at temperature 0, where the choice is always the same",
        ),
        ({"temperature": 0.0, "num": 2}, "num .* no effect at temperature 0"),
        ({"length_penalty": 0.5}, "length_penalty .* no effect without beam search"),
    ],
)
def test_settings_without_effect(values: dict[str, Any], message: str) -> None:
    with pytest.warns(AnaphoraWarning, match=message):
        GenerationSettings(**values)


def test_a_seed_never_warns() -> None:
    GenerationSettings(temperature=0.0, seed=1)
    GenerationSettings(beam=4, seed=1, length_penalty=0.5, num=4)
