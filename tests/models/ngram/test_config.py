"""The memory that counting may take: how it is written, and that it is heeded."""

import numpy as np
import pytest

from anaphora.errors import ConfigError
from anaphora.files import cache_folder
from anaphora.models.ngram.config import NGramConfig
from anaphora.models.ngram.model import NGramLanguageModel


@pytest.mark.parametrize(
    ("memory", "number"),
    [(None, None), ("2G", 2 << 30), ("1.5M", 3 << 19), ("64K", 1 << 16), ("12345", 12345), ("0", 0)],
)
def test_amounts_of_memory(memory: str | None, number: int | None) -> None:
    assert NGramConfig(memory=memory).memory_bytes == number


@pytest.mark.parametrize("memory", ["", "much", "2GB", "-1G", "G", "1e9"])
def test_amounts_that_are_none(memory: str) -> None:
    with pytest.raises(ConfigError, match=f"memory = {memory!r} in .*: not an amount of memory; write it as 2G, 500M"):
        NGramConfig(memory=memory)


def test_a_model_is_counted_within_its_memory() -> None:
    token_ids = (np.random.default_rng(3).random(400) ** 2 * 9).astype(np.uint8)
    models = [
        NGramLanguageModel(NGramConfig(name="wb3", context="stream", memory=memory), 9).fit(token_ids)
        for memory in (None, "2K")
    ]
    assert (cache_folder() / "ngram").is_dir()  # runs went to disk
    weights, same = (model.state_dict() for model in models)
    assert all(weights[name].equal(same[name]) for name in weights)
