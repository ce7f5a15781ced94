"""The english tokenizer: tags, case, emoticons, and nothing else but words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.text.english import EnglishTokenizer, english_words
from anaphora.text.tokenizer import TokenizerSettings


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("</a>This :) is :( a test :-)!", "this is a test :) :( :)"),
        ("GREAT;-) film :D, really =P", "great film really ;) :D =P"),
        ("one<br /><br />two", "one two"),
        ("<!-- no --> yes <p class='x'>YES</p>", "yes yes"),
        ("2 < 3 and 5 > 4", "2 3 and 5 4"),
        ("don't re-run it_all", "don t re run it_all"),
        ("at 10:Doors, see :Plot", "at 10 doors see plot"),
        ("... !!! ---", ""),
        ("", ""),
    ],
)
def test_words_of_a_line(line: str, words: str) -> None:
    assert english_words(line) == words.split()


def trained(*chunks: str, **settings: Any) -> EnglishTokenizer:
    return EnglishTokenizer.train(chunks, TokenizerSettings(kind="english", **settings))


def test_emoticons_go_to_the_end_of_their_own_line() -> None:
    tokenizer = trained("A :-) b.\nC :( d.\n")
    assert tokenizer.decode(tokenizer.encode("A :-) b.\nC :( d.\n")) == "a b :)\nc d :(\n"


@pytest.mark.parametrize("breaks", ["keep", "space"])
def test_lines_count_even_when_their_ends_do_not(breaks: str) -> None:
    tokenizer = trained("a :) b\nc\n", line_breaks=breaks)
    assert tokenizer.eos_id is None
    assert tokenizer.decode(tokenizer.encode("a :) b\nc")) == "a b :) c"


def test_an_unknown_special_is_a_tag() -> None:
    tokenizer = trained("good <unk> <pad> bad\n", pad=True)
    assert tokenizer.vocabulary.ordinary == ("good", "bad")
    assert tokenizer.encode("<unk> good awful") == [3, 0]


@given(st.lists(st.text(alphabet="aB :;-)(D<>/\n", max_size=7), max_size=8))
def test_ids_do_not_depend_on_the_cuts(chunks: list[str]) -> None:
    tokenizer = trained("a b ab ba :) :( ;) :D\n")
    cut = [token_id for piece in tokenizer.encode_chunks(chunks) for token_id in piece.tolist()]
    assert cut == tokenizer.encode("".join(chunks))
