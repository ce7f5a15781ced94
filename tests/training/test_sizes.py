"""The formula of the one dial: its properties, and that its arithmetic counts what the models really have."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import ConfigError
from anaphora.models.registry import build_model
from anaphora.training.sizes import HUGE_VOCABULARY, shortfall, sizes, worth_of_reading

counts = st.integers(min_value=100, max_value=10**9)


@pytest.mark.parametrize("name", ["lstm", "gru", "elman", "awd-lstm", "mogrifier"])
@pytest.mark.parametrize(("vocab_size", "fixed"), [(65, {}), (2000, {}), (2000, {"tie_weights": False})])
def test_counted_weights_are_those_of_the_model(name: str, vocab_size: int, fixed: dict[str, Any]) -> None:
    for size in sizes(name, vocab_size, fixed)[:9]:
        model = build_model(size.config, vocab_size)
        shapes = {key: tuple(weight.shape) for key, weight in model.named_parameters() if weight.ndim == 2}
        recurrent = sum(rows * columns for key, (rows, columns) in shapes.items() if key.startswith("layers."))
        head = shapes.get("head.weight", shapes["embedding.weight"])
        projection = shapes.get("projection.weight", (0, 0))
        assert size.weights == recurrent
        assert size.head == head[0] * head[1] + projection[0] * projection[1]


@pytest.mark.parametrize("vocab_size", [2, 65, 300, 10_000, 50_000])
def test_sizes_grow(vocab_size: int) -> None:
    found = sizes("lstm", vocab_size, {})
    assert len(found) > 8
    assert [size.flops for size in found] == sorted({size.flops for size in found})


def test_large_vocabularies_share_one_narrow_matrix() -> None:
    assert all(size.config.tie_weights for size in sizes("gru", 10_000, {}))
    assert max(size.config.embedding_dim for size in sizes("gru", 10_000, {})) == 512
    assert not any(size.config.tie_weights for size in sizes("gru", 65, {}))


def test_huge_vocabularies_have_an_adaptive_head() -> None:
    assert {size.config.head for size in sizes("lstm", HUGE_VOCABULARY, {})} == {"adaptive"}
    assert {size.config.head for size in sizes("lstm", HUGE_VOCABULARY - 1, {})} == {"full"}
    assert {size.config.head for size in sizes("lstm", HUGE_VOCABULARY, {"head": "sampled"})} == {"sampled"}


def test_a_cheaper_head_counts_as_cheaper() -> None:
    arithmetic = {head: sizes("lstm", 30_000, {"head": head})[5].head for head in ("full", "adaptive", "sampled")}
    assert arithmetic["sampled"] < arithmetic["adaptive"] < arithmetic["full"] / 5


def test_fixed_keys_are_in_every_size() -> None:
    for size in sizes("lstm", 65, {"num_layers": 3, "dropout_hidden": 0.4, "embedding_dim": 10}):
        values = size.config.model_dump()
        assert (values["num_layers"], values["dropout_hidden"], values["embedding_dim"]) == (3, 0.4, 10)
    assert len(sizes("lstm", 65, {"hidden_size": 100, "num_layers": 1})) == 1


def test_dropout_that_some_sizes_have_no_use_for_is_no_warning() -> None:
    assert sizes("lstm", 65, {"dropout_hidden": 0.4})  # a warning would be an error here


def test_unknown_fixed_key() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'hiden_size' in \[model\]; did you mean 'hidden_size'\?"):
        sizes("lstm", 65, {"hiden_size": 3})


def test_sizes_have_names() -> None:
    labels = [size.label for size in sizes("lstm", 65, {})]
    assert "hidden 256" in labels
    assert "2 layers of hidden 1024" in labels


def test_the_first_reading_is_worth_itself_and_repeats_are_worth_less() -> None:
    assert worth_of_reading(500, 1000) == 500
    assert worth_of_reading(1000, 1000) == 1000
    assert 1900 < worth_of_reading(2000, 1000) < 2000
    assert worth_of_reading(1e9, 1000) == pytest.approx(16_000)


@given(counts, counts, st.floats(1.0, 100.0))
def test_more_reading_never_hurts(read: int, text: int, more: float) -> None:
    assert worth_of_reading(read, text) <= worth_of_reading(read * more, text) <= read * more
    size = sizes("lstm", 65, {"hidden_size": 64, "num_layers": 1})[0]
    assert shortfall(size, read * more, text) <= shortfall(size, read, text)


@given(counts, st.integers(10, 10**6), st.floats(1.0, 1000.0), st.sampled_from([30, 65, 10_000]))
def test_more_time_never_picks_a_smaller_net(text: int, seconds: int, longer: float, vocab_size: int) -> None:
    found = sizes("lstm", vocab_size, {})

    def choice(time: float) -> int:
        # A machine of 50 GFLOP/s.
        return min(range(len(found)), key=lambda i: shortfall(found[i], 50e9 / found[i].flops * time, text))

    assert choice(seconds) <= choice(seconds * longer)


def test_a_net_far_larger_than_its_text_is_worse_for_it() -> None:
    small, large = sizes("lstm", 65, {"num_layers": 1})[1], sizes("lstm", 65, {"num_layers": 1})[-1]
    assert shortfall(small, 1e6, 2000) < shortfall(large, 1e6, 2000)
    assert shortfall(small, 1e12, 10**9) > shortfall(large, 1e12, 10**9)
