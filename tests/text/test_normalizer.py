"""Normalising a stream gives what normalising the whole text gives, wherever the stream was cut."""

import tracemalloc
import unicodedata
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import ConfigError
from anaphora.text.normalizer import LineBreaks, Normalizer, UnicodeForm

# Letters that combine, decompose, or change their lower case with their neighbours: combining marks, Hangul jamo, a
# halfwidth one, Indic vowel signs, a ligature, sigma in several dresses, what a search for a word's end looks through.
TRICKY = (
    "ae\u0301\u0323\u0308\u1100\u1161\u11a8\uffc2\uff9e\u09c7\u09be\ufb01\u0130ΣσάΣ\u03f9\U0001d6bae"
    ".'\u00b7\u02b0 \n中ا1\ud800\U0001f468\u200d"
)

tricky_text = st.text(alphabet=st.one_of(st.sampled_from(TRICKY), st.characters()), max_size=40)
forms = st.sampled_from(["NFC", "NFD", "NFKC", "NFKD", "none"])


def cut(text: str, places: list[int]) -> list[str]:
    bounds = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[begin:end] for begin, end in pairwise(bounds)]


@given(
    tricky_text, st.lists(st.integers(0, 1000), max_size=8), forms, st.booleans(), st.sampled_from(["keep", "space"])
)
def test_a_stream_equals_the_whole(
    text: str, places: list[int], form: UnicodeForm, lower: bool, breaks: LineBreaks
) -> None:
    normalizer = Normalizer(unicode=form, lower=lower, line_breaks=breaks)
    assert "".join(normalizer.stream(cut(text, places))) == normalizer(text)


@pytest.mark.parametrize("lower", [False, True])
def test_every_cut_of_a_tricky_text(lower: bool) -> None:
    text = "ΟΔΟΣ' ΑΣ.Β ΑΣ\u0301 e\u0301\u0323 \u1100\u1161\u11a8 \u09c7\u09be ｶﾞ ΣΣ"
    for form in ("NFC", "NFKC", "NFD"):
        normalizer = Normalizer(unicode=form, lower=lower)
        assert "".join(normalizer.stream(text)) == normalizer(text), "one character at a time"
        for place in range(len(text)):
            assert "".join(normalizer.stream([text[:place], text[place:]])) == normalizer(text)


def test_it_does_what_it_says() -> None:
    assert Normalizer()("e\u0301") == "\u00e9"
    assert Normalizer(unicode="none")("e\u0301") == "e\u0301"
    assert Normalizer(unicode="NFKC")("\ufb01") == "fi"
    assert Normalizer(lower=True)("ΟΔΟΣ Σ") == "οδος σ"
    assert Normalizer(line_breaks="space")("a\nb") == "a b"
    assert Normalizer(line_breaks="eos")("a\nb") == "a\nb", "the tokenizer sees to it"


def test_marks_without_end_are_not_held_without_end() -> None:
    """A text of nothing but combining marks streams through in bounded memory."""
    tracemalloc.start()
    count = sum(len(piece) for piece in Normalizer().stream("\u0301" * 5000 for _ in range(40)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 200_000
    assert peak < 200_000


def test_lone_surrogates_pass() -> None:
    assert "".join(Normalizer(lower=True).stream(["A\ud800", "\udc00B"])) == "a\ud800\udc00b"


def test_unknown_settings_are_refused() -> None:
    wrong: dict[str, Any] = {"unicode": "NFX"}
    unknown: dict[str, Any] = {"lowr": True}
    with pytest.raises(ConfigError, match=r"unicode = 'NFX' in \[tokenizer.normalizer\]"):
        Normalizer(**wrong)
    with pytest.raises(ConfigError, match="did you mean 'lower'"):
        Normalizer(**unknown)


def test_normalised_text_is_normalised() -> None:
    text = "Ça va Å ﬁ 각"
    assert Normalizer()(text) == unicodedata.normalize("NFC", text)
