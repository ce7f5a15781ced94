"""The unrolled pictures: well-formed, with the equations of the cell and the shapes that were asked for."""

from xml.etree import ElementTree

import pytest

from anaphora.errors import ConfigError
from anaphora.lab.unroll import unroll

NAMESPACE = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(text.itertext()) for text in root.iter(f"{NAMESPACE}text")]


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("elman", {"Whh", "Wxh", "tanh", "+"}),
        ("gru", {"r", "z", "n", "1−z", "×"}),
        ("lstm", {"f", "i", "g", "o", "tanh", "ct", "ct−1"}),
    ],
)
def test_each_cell_shows_its_parts_and_the_state_at_three_tokens(cell: str, parts: set[str]) -> None:
    shown = texts(unroll(cell))
    assert parts | {"ht−2", "ht−1", "ht", "ht+1"} <= set(shown)
    assert {"(B, H)"} <= set(shown)
    assert any("(B, E)" in text for text in shown)


def test_given_sizes_take_the_place_of_letters() -> None:
    shown = texts(unroll("lstm", batch_size=32, input_dim=100, hidden_size=256))
    assert "(32, 256)" in shown
    assert any("side by side (100, 1024), (256, 1024), (1024)" in text for text in shown)
    assert not any("B, H" in text for text in shown)


def test_an_unknown_cell_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"no cell 'ltsm': it is one of elman, gru, lstm; did you mean 'lstm'\?"):
        unroll("ltsm")
