"""N-gram models as models: their state, their settings, and what they keep when they are copied."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from anaphora.errors import ConfigError
from anaphora.models.language_model import SpecialIds
from anaphora.models.ngram.config import NGramConfig, TableSizes
from anaphora.models.ngram.model import NGramLanguageModel

pytestmark = pytest.mark.filterwarnings("ignore:.*no discounts can be estimated")  # the text is short

EOS = 1
TEXT = np.random.default_rng(5).integers(0, 6, 300)


def fitted(name: str = "wb3", **settings: Any) -> NGramLanguageModel:
    model = NGramLanguageModel(NGramConfig(name=name, **settings), 7)
    return model.fit(TEXT, SpecialIds(eos_id=EOS, start_id=EOS))


def test_the_state_is_the_last_tokens() -> None:
    model = fitted()
    _, state = model.next_log_probs(torch.tensor([[4]]), model.initial_state(1))
    assert state[0].tolist() == [[-1, 4]]
    _, state = model.next_log_probs(torch.tensor([[2, 3, 5]]), state)
    assert state[0].tolist() == [[3, 5]]


def test_no_sentence_looks_back_beyond_its_begin() -> None:
    model = fitted()
    assert model.context == "sentence"
    after = [model.next_log_probs(torch.tensor([[before, EOS]]), model.initial_state(1))[0] for before in range(6)]
    assert all(torch.equal(one, after[0]) for one in after)


def test_running_text_looks_back_beyond_line_ends() -> None:
    model = fitted(context="stream")
    assert model.context == "stream"
    after = [model.next_log_probs(torch.tensor([[before, EOS]]), model.initial_state(1))[0] for before in range(6)]
    assert not all(torch.equal(one, after[0]) for one in after)


def test_until_it_is_fitted_it_is_uniform() -> None:
    model = NGramLanguageModel(NGramConfig(name="kn4"), 5)
    log_probs, _ = model.next_log_probs(torch.tensor([[1, 2, 3]]), model.initial_state(1))
    assert log_probs.exp().tolist() == [pytest.approx([0.2] * 5)]


def test_tables_stay_what_they_are_wherever_the_model_is_sent() -> None:
    model = fitted()
    assert model.half().words.dtype == torch.uint16
    assert model.log_probs.dtype == torch.float32
    twin = copy.deepcopy(model)
    tokens = torch.tensor([[0, 3, 2]])
    assert torch.equal(
        twin.next_log_probs(tokens, twin.initial_state(1))[0], model.next_log_probs(tokens, model.initial_state(1))[0]
    )


def test_a_limit_of_memory_changes_nothing() -> None:
    expected, found = fitted().state_dict(), fitted(memory="1M").state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_what_the_text_lacks_is_the_unknown_words_share() -> None:
    model = fitted("additive1", k=0.5)
    log_probs, _ = model.next_log_probs(torch.tensor([[0]]), model.initial_state(1))
    assert float(log_probs[0, 6].exp()) == pytest.approx(0.5 / (300 + 7 * 0.5))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": "kn9"}, "no such n-gram model; did you mean"),
        ({"memory": "lots"}, "memory = 'lots' in .model."),
        ({"k": 0.0}, "k = 0.0 in .model."),
        ({"quantize": 4}, "quantize = 4 in .model."),
        ({"prune": [-1]}, "prune.0 = -1 in .model."),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        NGramConfig(**settings)


def test_tables_of_another_order_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"rows = \[7, 3\] in \[model.tables\]: kn3 over 7 tokens has 3 orders"):
        NGramLanguageModel(NGramConfig(name="kn3", tables=TableSizes(rows=(7, 3))), 7)
