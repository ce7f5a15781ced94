"""The page holds the text and nothing that can run; the picture is written; shades span the scale."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from anaphora.bundle import Bundle
from anaphora.errors import ConfigError
from anaphora.lab.units.pictures import plot_units, shades_of, write_units
from anaphora.lab.units.tracking import Tracking, track

HOSTILE = '<script>alert("&amp;")</script>\x00\r\x7f\ud800</pre>\n'


class Reader(HTMLParser):
    """Collects the tags of a page, and the text of its <pre> blocks."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "pre":
            self._inside = True
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[-1] += data


def with_text(tracking: Tracking, text: str) -> Tracking:
    """Return the tracking as if another text had been read."""
    repeated = (text * len(tracking.text))[: len(tracking.text)]
    return replace(tracking, pieces=tuple(repeated), model="<b>model</b>")


def test_the_page_shows_the_text_for_every_unit(detector: Bundle, text: str, tmp_path: Path) -> None:
    tracking = track(detector, text, top=2, show=["layer1.h1"])
    write_units(tracking, tmp_path / "units.html")
    page = Reader((tmp_path / "units.html").read_text(encoding="utf-8"))
    assert len(page.texts) == 2 * 2 + 1  # line position and quotes change in this text
    assert {shown.removeprefix("\n").replace("↵", "") for shown in page.texts} == {text}
    assert "<h2>Inside quotes</h2>" in (tmp_path / "units.html").read_text(encoding="utf-8")


def test_nothing_in_the_page_can_run(detector: Bundle, text: str, tmp_path: Path) -> None:
    write_units(with_text(track(detector, text), HOSTILE), tmp_path / "units.html")
    source = (tmp_path / "units.html").read_text(encoding="utf-8")
    page = Reader(source)
    assert page.tags <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "i", "span", "details", "summary", "pre"
    }  # fmt: skip
    assert "<script" not in source
    assert "default-src 'none'" in source
    shown = "".join(page.texts)
    assert '<script>alert("&amp;")</script>␀␍\ufffd\ufffd</pre>' in shown
    assert not set("\x00\r\x7f") & set(source)


@pytest.mark.parametrize("name", ["units.png", "units.svg"])
def test_the_picture_is_drawn(detector: Bundle, text: str, tmp_path: Path, name: str) -> None:
    plot_units(with_text(track(detector, text, max_tokens=400), "$x_1$ 先走\t"), tmp_path / name)
    beginning = (tmp_path / name).read_bytes()[:5]
    assert beginning == (b"\x89PNG\r" if name.endswith("png") else b"<?xml")


def test_a_text_without_any_signal(detector: Bundle, tmp_path: Path) -> None:
    tracking = track(detector, "a")
    write_units(tracking, tmp_path / "units.html")
    plot_units(tracking, tmp_path / "units.png")
    assert (tmp_path / "units.html").read_text(encoding="utf-8").count("This never changes in the text.") == 4


def test_only_known_formats(detector: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot draw a picture as 'units\.bmp'"):
        plot_units(track(detector, "a"), tmp_path / "units.bmp")


def test_shades_span_the_scale() -> None:
    shades = shades_of(np.linspace(-3, 5, 1000, dtype=np.float32))
    assert (shades.min(), shades.max(), shades[499]) == (0, 16, 8)
    assert (np.diff(shades) >= 0).all()
    assert set(shades_of(np.zeros(5, dtype=np.float32)).tolist()) == {8}
