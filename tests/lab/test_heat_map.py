"""The page shows the text, coloured, and nothing that can run; the picture is drawn; shades follow contributions."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from anaphora.errors import ConfigError
from anaphora.evaluation.explanation import Explanation
from anaphora.lab.heat_map import curves, plot_heat_map, shades_of, write_heat_map

EXPLANATION = Explanation(
    model="<i>reviews</i>",
    model_hash="0f",
    labels=("neg & co", "<script>alert(1)</script>"),
    multi_label=False,
    label="<script>alert(1)</script>",
    method="integrated-gradients",
    pieces=("not", " <b>bad</b>", " 先\x00\ud800", " $x_1$\n"),
    contributions=(0.5, -1.0, 0.0, 0.25),
    gap=0.001,
    probabilities=((0.8, 0.2), (0.4, 0.6), (0.3, 0.7), (0.1, 0.9)),
    num_tokens=40,
)


class Reader(HTMLParser):
    """Collects tags, the text of the page, and the titles of its tokens with their classes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.tokens: list[tuple[str | None, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "span" and "title" in dict(attrs):
            self.tokens.append((dict(attrs)["class"], dict(attrs)["title"]))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_the_text_and_nothing_runs(tmp_path: Path) -> None:
    write_heat_map(EXPLANATION, tmp_path / "why.html")
    source = (tmp_path / "why.html").read_text(encoding="utf-8")
    page = Reader(source)
    assert "not <b>bad</b> 先␀\ufffd $x_1$\n" in page.text
    assert page.tokens == [("u12", "+0.50"), ("u0", "−1.00"), ("u8", "+0.00"), ("u10", "+0.25")]
    assert {"script", "b", "img"}.isdisjoint(page.tags)
    assert "default-src 'none'" in source
    assert "prefers-color-scheme: dark" in source
    for said in ("<script>alert(1)</script>", "90.0%", "<i>reviews</i>", "From token 2 of 4", "first 4 of 40 tokens"):
        assert said in page.text


def test_the_page_draws_the_running_answer(tmp_path: Path) -> None:
    write_heat_map(EXPLANATION, tmp_path / "why.html")
    source = (tmp_path / "why.html").read_text(encoding="utf-8")
    assert source.count("<polyline") == 2
    assert 'points="44.0,' in source


@pytest.mark.parametrize("name", ["why.png", "why.svg"])
def test_the_picture_is_drawn(tmp_path: Path, name: str) -> None:
    plot_heat_map(EXPLANATION, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG" if name.endswith("png") else b"<?xml")


def test_one_token_is_enough(tmp_path: Path) -> None:
    one = replace(EXPLANATION, pieces=("a",), contributions=(0.0,), probabilities=((0.5, 0.5),), num_tokens=1)
    write_heat_map(one, tmp_path / "why.html")
    plot_heat_map(one, tmp_path / "why.png")
    assert "tokens alone" not in (tmp_path / "why.html").read_text(encoding="utf-8")


def test_shades_are_in_proportion_to_the_strongest() -> None:
    assert shades_of([2.0, -2.0, 0.0, 1.0, -0.5]) == [16, 0, 8, 12, 6]
    assert shades_of([0.0, 0.0]) == [8, 8]


def test_of_many_labels_the_likeliest_get_a_curve() -> None:
    labels = tuple(f"l{number}" for number in range(9))
    shares = (tuple(0.01 * number for number in range(9)),)
    many = replace(EXPLANATION, labels=labels, label="l2", probabilities=shares, pieces=("a",), contributions=(1.0,))
    assert [name for name, _, _ in curves(many)] == ["l2", "l8", "l7", "l6", "l5", "l4"]


def test_only_known_formats(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot draw a picture as 'why\.gif'"):
        plot_heat_map(EXPLANATION, tmp_path / "why.gif")
