"""The words tokenizer: white space, line ends, unknown words, and the counts of the standard corpora."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import TokenizerError
from anaphora.text import words as module
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.text.words import WordTokenizer


def trained(*chunks: str, **settings: Any) -> WordTokenizer:
    return WordTokenizer.train(chunks, TokenizerSettings(kind="words", **settings))


def test_words_and_line_ends() -> None:
    tokenizer = trained(" the cat \n the dog\n")
    assert tokenizer.vocabulary.tokens == ("<unk>", "<eos>", "the", "cat", "dog")
    assert tokenizer.encode("the dog\n\ncat") == [2, 4, 1, 1, 3]
    assert tokenizer.start_id == tokenizer.eos_id == 1
    assert tokenizer.decode([2, 4, 1, 1, 3, 0]) == "the dog\n\ncat <unk>"


def test_what_occurs_once_teaches_the_unknown_when_asked_to() -> None:
    assert trained("a a b c c\n", learn_unknown=True).vocabulary.tokens == ("<unk>", "<eos>", "a", "c")


@pytest.mark.parametrize(
    ("text", "settings"),
    [("a a b <unk>\n", {}), ("a a b c\n", {"max_size": 2}), ("a b c\n", {})],
    ids=["has <unk> of its own", "cut to size anyway", "everything occurs once"],
)
def test_but_not_where_it_is_taught_already_or_nothing_would_remain(text: str, settings: dict[str, Any]) -> None:
    assert trained(text, learn_unknown=True, **settings).to_dict() == trained(text, **settings).to_dict()


def test_words_that_are_cut_in_the_stream() -> None:
    tokenizer = trained("alp", "ha be", "ta ", "alpha", "\u3000beta\n")
    assert tokenizer.vocabulary.ordinary == ("alpha", "beta")


@given(st.lists(st.text(alphabet="ab \n\t\u3000é\u0301", max_size=6), max_size=8))
def test_ids_do_not_depend_on_the_cuts(chunks: list[str]) -> None:
    tokenizer = trained("a b ab ba aa é\n")
    cut = [token_id for piece in tokenizer.encode_chunks(chunks) for token_id in piece.tolist()]
    assert cut == tokenizer.encode("".join(chunks))


def test_a_literal_unk_is_the_unknown_word() -> None:
    tokenizer = trained("a <unk> <unk> <unk> b\n")
    assert tokenizer.vocabulary.tokens == ("<unk>", "<eos>", "a", "b")
    assert tokenizer.encode("a <unk> x") == [2, 0, 0]


def test_a_text_cannot_spell_the_other_specials() -> None:
    tokenizer = trained("a <pad> <pad> <eos> <eos> <bos> x<eos>y b\n", pad=True)
    assert tokenizer.vocabulary.tokens == ("<unk>", "<pad>", "<eos>", "a", "x<eos>y", "b")
    assert tokenizer.encode("<pad> <eos> <bos> x<eos>y <eos>") == [0, 0, 0, 4, 0]


def test_line_breaks_as_white_space() -> None:
    for breaks in ("keep", "space"):
        tokenizer = trained("a b a\nb\n", line_breaks=breaks)
        assert tokenizer.vocabulary.tokens == ("<unk>", "a", "b")
        assert tokenizer.encode("a\n<eos> b") == [1, 0, 2]
        assert tokenizer.start_id == 1, "the most frequent word"


def test_a_text_without_line_ends_teaches_no_eos() -> None:
    """As text8: one line. Line ends in a later text are white space then."""
    tokenizer = trained("anarchism originated as a term a", max_size=2, pad=True)
    assert tokenizer.vocabulary.tokens == ("<unk>", "<pad>", "a", "anarchism")
    assert tokenizer.eos_id is None
    assert tokenizer.encode("a\na") == [2, 2]
    assert WordTokenizer.from_dict(tokenizer.to_dict()).encode("a\na") == [2, 2]


def test_a_text_without_white_space_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_WORD", 50)
    with pytest.raises(TokenizerError, match=r"no white space in 59 characters, from '道可道.*use the tokenizer chars"):
        trained(*["道可道非常道" * 2] * 5)


def test_lone_surrogates_survive() -> None:
    tokenizer = trained("a\ud800 b\n")
    assert tokenizer.decode(tokenizer.encode("b a\ud800")) == "b a\ud800"


def test_saved_words_hold_no_white_space() -> None:
    saved = trained("a b\n").to_dict()
    with pytest.raises(TokenizerError, match="'a b' among the saved words holds white space"):
        WordTokenizer.from_dict({**saved, "tokens": ["a b"]})


@pytest.mark.parametrize(
    ("files", "tokens", "types", "unknown"),
    [
        (("ptb/ptb.train.txt", "ptb/ptb.test.txt"), (929_589, 82_430), 10_000, (45_020, 4_794)),
        (("wikitext-2/train.txt", "wikitext-2/test.txt"), (2_088_628, 245_569), 33_278, (54_625, 15_218)),
    ],
)
def test_published_counts(
    shared_data: Path, files: tuple[str, str], tokens: tuple[int, int], types: int, unknown: tuple[int, int]
) -> None:
    """Tokens and types of the training and test files, as published (types with `<unk>` and `<eos>`)."""
    texts = [(shared_data / file).read_text(encoding="utf-8") for file in files]
    tokenizer = trained(texts[0])
    assert tokenizer.vocab_size == types
    ids = [tokenizer.encode(text) for text in texts]
    assert tuple(map(len, ids)) == tokens
    assert tuple(one.count(0) for one in ids) == unknown
    assert tokenizer.decode(ids[1]).split() == texts[1].split()


def test_text8_vocabulary(shared_data: Path) -> None:
    text = (shared_data / "text8-prefix" / "text8.first-6877825-bytes").read_text(encoding="ascii")
    tokenizer = trained(text, max_size=50_000, pad=True)
    assert tokenizer.vocab_size == 50_002
    assert tokenizer.vocabulary.tokens[:4] == ("<unk>", "<pad>", "the", "of")
