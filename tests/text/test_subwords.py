"""bpe and unigram: exact round trips, no spelling of specials, repeatable training, and files that cannot harm."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import CorpusError, TokenizerError
from anaphora.text import lines
from anaphora.text.subwords import BytePairTokenizer, SubwordTokenizer, UnigramTokenizer
from anaphora.text.tokenizer import TokenizerSettings

TEXT = "the cat sat on the mat and the other cat sat there too\nthe end of the cats\n" * 20
KINDS: dict[str, type[SubwordTokenizer]] = {"bpe": BytePairTokenizer, "unigram": UnigramTokenizer}


def trained(kind: str, text: str = TEXT, **settings: Any) -> SubwordTokenizer:
    chosen = {"max_size": 300, "kind": kind, **settings}
    return KINDS[kind].train([text], TokenizerSettings(**chosen))


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request: pytest.FixtureRequest) -> SubwordTokenizer:
    return trained(request.param)


def test_words_become_pieces(tokenizer: SubwordTokenizer) -> None:
    assert 256 <= tokenizer.vocab_size <= 300
    ids = tokenizer.encode("the cat sat\n")
    assert len(ids) <= len("the cat sat\n") / 2
    assert "".join(map(tokenizer.token, ids)) == "the cat sat\n"
    assert tokenizer.token(tokenizer.start_id) == "\n"


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_survives(tokenizer: SubwordTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == tokenizer.normalizer(text)


@given(chunks=st.lists(st.text(alphabet="the cat\n\u0301é  ", max_size=9), max_size=8))
def test_ids_do_not_depend_on_the_cuts(tokenizer: SubwordTokenizer, chunks: list[str]) -> None:
    cut = [token_id for piece in tokenizer.encode_chunks(chunks) for token_id in piece.tolist()]
    assert cut == tokenizer.encode("".join(chunks))


def test_long_lines_are_taken_in_parts(tokenizer: SubwordTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tokenizer.encode(TEXT)
    monkeypatch.setattr(lines, "LONGEST", 20)
    assert tokenizer.encode(TEXT) == whole, "cut before spaces, where no piece goes across"
    assert tokenizer.decode(tokenizer.encode("x" * 1000)) == "x" * 1000


@pytest.mark.parametrize("kind", KINDS)
def test_specials_have_the_first_ids_and_cannot_be_spelt(kind: str) -> None:
    tokenizer = trained(kind, line_breaks="eos", pad=True)
    assert (tokenizer.pad_id, tokenizer.eos_id, tokenizer.unk_id) == (0, 1, None)
    assert tokenizer.start_id == 1
    ids = tokenizer.encode("the <pad> <eos>\n\ncat")
    assert ids.count(1) == 2
    assert 0 not in ids
    assert tokenizer.decode(ids) == "the <pad> <eos>\n\ncat"
    assert tokenizer.decode([0]) == tokenizer.token(0) == "<pad>"
    assert KINDS[kind].from_dict(tokenizer.to_dict()).encode("the end\n") == tokenizer.encode("the end\n")


def test_line_breaks_as_spaces() -> None:
    tokenizer = trained("bpe", line_breaks="space")
    assert tokenizer.decode(tokenizer.encode("the\ncat")) == "the cat"
    assert tokenizer.token(tokenizer.start_id) == " "


@pytest.mark.parametrize("kind", KINDS)
def test_training_is_repeatable(kind: str, shared_data: Path) -> None:
    text = (shared_data / "timemachine" / "timemachine.txt").read_text(encoding="utf-8")
    assert trained(kind, text, max_size=600).hash == trained(kind, text, max_size=600).hash


def test_lone_surrogates_are_refused(tokenizer: SubwordTokenizer) -> None:
    with pytest.raises(
        TokenizerError, match=r"lone surrogate U\+D800 after 'the cat '.*use the tokenizer chars or bytes"
    ):
        tokenizer.encode("the cat \ud800")
    with pytest.raises(TokenizerError, match=r"lone surrogate U\+DC00"):
        trained(tokenizer.kind, "a\udc00")


def test_a_piece_of_a_character_is_shown_by_its_bytes(tokenizer: SubwordTokenizer) -> None:
    first, *_ = tokenizer.encode("中")
    assert tokenizer.token(first) == "<0xE4>"
    assert tokenizer.decode([first]) == "\ufffd"


@pytest.mark.parametrize("kind", KINDS)
def test_too_little_to_learn_from(kind: str) -> None:
    with pytest.raises(TokenizerError, match="the training text is empty"):
        trained(kind, "")
    with pytest.raises(TokenizerError, match=f"max_size = 255: {kind} needs 256 at least"):
        trained(kind, max_size=255)
    assert trained(kind, "a").vocab_size == 256


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_the_corpus_comes_through(kind: str) -> None:
    def broken() -> Iterator[str]:
        yield "some text\n" * 1000
        raise CorpusError("the disk is gone")

    settings = TokenizerSettings.model_validate({"kind": kind})
    with pytest.raises(CorpusError, match="the disk is gone"):
        KINDS[kind].train(broken(), settings)


def without(pieces: list[str], letter: str) -> list[str]:
    return [piece for piece in pieces if piece != letter]


@pytest.mark.parametrize(
    ("kind", "key", "change", "message"),
    [
        ("bpe", "pieces", lambda old: "abc", "'pieces' is a str, not a list"),
        ("bpe", "pieces", lambda old: [*old, old[0]], "stands twice"),
        ("bpe", "pieces", lambda old: [*old, "a b"], "'a b' in the saved tokenizer's 'pieces' is not written in byte"),
        ("bpe", "pieces", lambda old: without(old, "!"), "lack the byte letter '!'"),
        ("bpe", "merges", lambda old: None, "'merges' is a NoneType, not a list"),
        ("bpe", "merges", lambda old: [["q", "z"]], r"\['q', 'z'\] .* does not join two known pieces"),
        ("bpe", "merges", lambda old: [["a", "b", "c"]], "does not join two known pieces"),
        ("bpe", "merges", lambda old: [[1, {}]], "does not join two known pieces"),
        ("bpe", "merges", lambda old: ["a b"], "does not join two known pieces"),
        ("bpe", "pad", lambda old: "no", "pad = 'no' in the saved tokenizer is neither true nor false"),
        ("unigram", "scores", lambda old: old[:-1], "not a list with one score for each piece"),
        ("unigram", "scores", lambda old: 3, "not a list with one score for each piece"),
        ("unigram", "scores", lambda old: [*old[:-1], float("nan")], "nan in the saved .* is not a finite number"),
        ("unigram", "scores", lambda old: [*old[:-1], 10**400], "is not a finite number"),
        ("unigram", "scores", lambda old: [*old[:-1], "1"], "'1' in the saved .* is not a finite number"),
    ],
)
def test_hostile_files_are_refused(kind: str, key: str, change: Any, message: str) -> None:
    saved = trained(kind).to_dict()
    with pytest.raises(TokenizerError, match=message):
        KINDS[kind].from_dict({**saved, key: change(saved[key])})
