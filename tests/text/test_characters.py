"""The chars tokenizer: its vocabulary, what it does with unknown characters, and the textbooks' vocabulary sizes."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import TokenizerError
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import TokenizerSettings


def trained(*chunks: str, **settings: Any) -> CharacterTokenizer:
    return CharacterTokenizer.train(chunks, TokenizerSettings(kind="chars", **settings))


def test_frequent_characters_have_small_ids() -> None:
    tokenizer = trained("abca", "b\nb")
    assert tokenizer.vocabulary.tokens == ("<unk>", "b", "a", "c", "\n")
    assert tokenizer.encode("cab\n") == [3, 2, 1, 4]
    assert (tokenizer.unk_id, tokenizer.pad_id, tokenizer.eos_id, tokenizer.bos_id) == (0, None, None, None)
    assert tokenizer.vocab_size == 5


def test_ties_go_by_first_appearance_over_all_pieces() -> None:
    assert trained("zy", "xa", "zyxa").vocabulary.ordinary == ("z", "y", "x", "a")
    assert trained("é", "a中", "\U0001f600").vocabulary.ordinary == ("é", "a", "中", "\U0001f600")


def test_unknown_characters_are_unk() -> None:
    tokenizer = trained("aab")
    assert tokenizer.encode("abXé\U0001f600") == [1, 2, 0, 0, 0]
    assert tokenizer.decode([1, 0, 2]) == "a<unk>b"
    assert tokenizer.token(0) == "<unk>"


def test_cut_offs() -> None:
    assert trained("aaabbc", max_size=2).vocabulary.tokens == ("<unk>", "a", "b")
    assert trained("aaabbc", min_count=3).vocabulary.tokens == ("<unk>", "a")
    assert trained("ab", pad=True).vocabulary.specials == ("<unk>", "<pad>")


def test_line_breaks() -> None:
    keep, eos, space = (trained("a b\na\n", line_breaks=breaks) for breaks in ("keep", "eos", "space"))
    assert keep.token(keep.start_id) == "\n"
    assert eos.vocabulary.tokens == ("<unk>", "<eos>", "a", " ", "b")
    assert eos.start_id == eos.eos_id == 1
    assert eos.decode(eos.encode("b\na")) == "b\na"
    assert space.token(space.start_id) == " "
    assert space.decode(space.encode("a\nb")) == "a b"


def test_specials_cannot_be_spelt() -> None:
    tokenizer = trained("<unk>pade\n", pad=True, line_breaks="eos")
    assert not {0, 1, 2} & set(tokenizer.encode("<unk><pad>"))


@given(st.text(min_size=1))
def test_any_text_survives(text: str) -> None:
    """Code points of every kind, lone surrogates among them."""
    tokenizer = trained(text, unicode="none")
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(TokenizerError, match="no token to learn from"):
        trained("", "")


def test_saved_characters_are_single() -> None:
    saved = trained("ab").to_dict()
    with pytest.raises(TokenizerError, match="'ab' among the saved characters is not a single character"):
        CharacterTokenizer.from_dict({**saved, "tokens": ["a", "ab"]})
    with pytest.raises(TokenizerError, match="has no tokens"):
        CharacterTokenizer.from_dict({**saved, "tokens": []})
    with pytest.raises(TokenizerError, match="<eos> exactly when line_breaks is eos"):
        CharacterTokenizer.from_dict({**saved, "specials": ["<unk>", "<eos>"]})
    with pytest.raises(TokenizerError, match="<unk> is needed"):
        CharacterTokenizer.from_dict({**saved, "specials": []})


def test_vocabulary_sizes_of_the_textbooks(shared_data: Path) -> None:
    """Ordinary characters: 65 in tiny Shakespeare, 1,027 in the first 10,000 of the lyrics, 80 in the novel."""
    shakespeare = (shared_data / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    assert len(trained(shakespeare).vocabulary.ordinary) == 65
    with zipfile.ZipFile(shared_data / "jaychou" / "jaychou_lyrics.txt.zip") as archive:
        lyrics = archive.read("jaychou_lyrics.txt").decode("utf-8")[:10_000]
    assert len(trained(lyrics, line_breaks="space").vocabulary.ordinary) == 1027
    novel = (shared_data / "mysterious-island" / "1268-0.txt").read_text(encoding="utf-8-sig")
    novel = novel[novel.index("THE MYSTERIOUS ISLAND") : novel.index("End of the Project Gutenberg")]
    assert len(trained(novel).vocabulary.ordinary) == 80
