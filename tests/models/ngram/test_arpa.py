"""ARPA files: what is written is read again; what others write is taken; what makes no sense is refused by its line."""

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.models.ngram.plain import random_model

from anaphora.errors import BundleError, ConfigError
from anaphora.models.ngram.arpa import write_arpa
from anaphora.models.ngram.arpa_reader import Arpa, read_arpa
from anaphora.models.ngram.query import NOTHING, NGramQuery
from anaphora.models.ngram.store import pack

SPECIALS = ("<unk>", "<pad>", "<eos>", "<bos>")
WORDS = ("<unk>", "<eos>", "the", "cat", "sat", "île")

SMALL = """\
comments may stand here

\\data\\
ngram 1=5
ngram 2=4
ngram 3=1

\\1-grams:
-1.5\t<unk>
-99\t<s>\t-0.25
-0.5\t</s>
-0.75\tb\t-0.125
-1\ta\t-0.5

\\2-grams:
-0.25\ta b\t-0.375
-0.5\t<s> a\t-0.0625
-0.75\tb </s>
-1\tb a

\\3-grams:
-0.125\t<s> a b

\\end\\
"""


def read(path: Path) -> Arpa:
    return read_arpa(path, specials=SPECIALS, unk="<unk>", eos="<eos>")


def read_text(folder: Path, text: str | bytes) -> Arpa:
    path = folder / "model.arpa"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path)


def query_of(arpa: Arpa) -> NGramQuery:
    return NGramQuery(pack(arpa.tables, sentence_end=arpa.sentence_end))


def log10(arpa: Arpa, context: str, word: str) -> float:
    ids = {name: token_id for token_id, name in enumerate(arpa.words)}
    return query_of(arpa).log_prob(ids[word], [ids[name] for name in context.split()]) / math.log(10)


def test_a_small_file(tmp_path: Path) -> None:
    arpa = read_text(tmp_path, SMALL)
    assert arpa.words == ("<unk>", "<eos>", "b", "a")
    assert arpa.sentence_end == 1
    assert not arpa.unknown_added
    assert log10(arpa, "", "a") == pytest.approx(-1)
    assert log10(arpa, "<eos> a", "b") == pytest.approx(-0.125)
    assert log10(arpa, "b a", "b") == pytest.approx(-0.25)  # the context is there without a back-off weight
    assert log10(arpa, "<eos> a", "a") == pytest.approx(-0.0625 - 0.5 - 1)
    assert log10(arpa, "<eos>", "<eos>") == pytest.approx(-0.25 - 0.5)
    assert log10(arpa, "a b", "<eos>") == pytest.approx(-0.375 - 0.75)


@pytest.mark.parametrize(
    "text",
    [
        SMALL.replace("\n", "\r\n"),
        SMALL.replace("\t", " "),
        SMALL.replace("\n\n", "\n"),
        SMALL.replace("\\end\\\n", "\\end\\"),
        SMALL.replace("-0.75\tb </s>\n-1\tb a\n", "-1\tb a\n\n-0.75\tb </s>\n"),
    ],
    ids=["Windows line ends", "spaces", "no empty lines", "no last line end", "another order"],
)
def test_what_is_harmless_is_taken(tmp_path: Path, text: str) -> None:
    found, expected = (query_of(read_text(tmp_path, content)).tables for content in (text, SMALL))
    for name in ("words", "first_child", "log_probs", "backoffs"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\\data\\", "data", r"line 24: there is no \\data\\ line"),
        ("ngram 2=4", "ngram 2=5", r"line 15: \\2-grams: has 4 n-grams, the header says 5"),
        ("ngram 2=4", "ngram 2=3", r"\\2-grams: has 4 n-grams, the header says 3"),
        ("ngram 2=4\n", "", "line 5: 'ngram 2=COUNT' was expected, not 'ngram 3=1'"),
        ("ngram 2=4", "ngram 2=many", "line 5: 'ngram 2=COUNT' was expected, not 'ngram 2=many'"),
        ("ngram 2=4", "ngram 2=99999999999999999", "the header says 99,999,999,999,999,999"),
        ("\\2-grams:", "\\4-grams:", r"line 15: \\2-grams: was expected, not '\\\\4-grams:'"),
        ("\\1-grams:", "\\2-grams:", r"line 8: \\1-grams: was expected"),
        ("-0.25\ta b", "nan\ta b", "line 16: a logarithm of at most 0 was expected, not 'nan'"),
        ("-0.25\ta b", "x\ta b", "line 16: a logarithm of at most 0 was expected, not 'x'"),
        ("-0.25\ta b", "0.25\ta b", "line 16: a logarithm of at most 0 was expected, not '0.25'"),
        ("b\t-0.375", "b\tnan", "line 16: a number was expected, not 'nan'"),
        ("-0.25\ta b\t-0.375", "-0.25\ta", r"line 16: a log-probability, 2 words and a back-off weight were expected"),
        ("a b\t-0.375", "a b\t1\t2", "line 16: a log-probability, 2 words"),
        ("<s> a b\n", "<s> a b\t-1\n", "line 22: a log-probability, 3 words were expected"),
        ("-1\tb a", "-1\tb c", "line 19: the word 'c' is not among the unigrams"),
        ("-1\tb a", "-1\ta b", "line 19: the n-gram stands there for the second time"),
        ("-1\tb a", "-1\tb <s>", "line 19: <s> may only be the first word of an n-gram, and </s> the last"),
        ("-1\tb a", "-1\t</s> a", "line 19: <s> may only be the first word"),
        ("-1\ta\t", "-1\tb\t", "line 13: the word 'b' stands among the unigrams twice"),
        ("-1.5\t<unk>", "-1.5\t<eos>", "both </s> and <eos> stand among the unigrams"),
        ("\\end\\\n", "", r"line 23: \\end\\ was expected, but the file ends"),
        ("\n\\3-grams:\n-0.125\t<s> a b\n\n\\end\\\n", "", r"\\3-grams: was expected, but the file ends"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in SMALL
    with pytest.raises(BundleError, match=said):
        read_text(tmp_path, SMALL.replace(old, new, 1))


def test_words_that_are_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"line 12: the word 'b\\\\xff' is not UTF-8"):
        read_text(tmp_path, SMALL.encode().replace(b"\tb\t", b"\tb\xff\t"))


def test_a_file_cut_short_in_its_compression(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        read_text(tmp_path, gzip.compress(SMALL.encode())[:-20])


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be read: No such file"):
        read(tmp_path / "absent.arpa")


def test_an_endless_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anaphora.models.ngram.arpa_reader._BLOCK", 16)
    monkeypatch.setattr("anaphora.models.ngram.arpa_reader._LONGEST_LINE", 64)
    with pytest.raises(BundleError, match="line 1: is longer than 64 bytes"):
        read_text(tmp_path, "x" * 1000)


@pytest.mark.parametrize("size", [1, 7, 40])
def test_blocks_of_any_size_read_the_same(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read_text(tmp_path, SMALL).tables
    monkeypatch.setattr("anaphora.models.ngram.arpa_reader._BLOCK", size)
    found = read_text(tmp_path, SMALL).tables
    for k in range(3):
        np.testing.assert_array_equal(found.log_probs[k], expected.log_probs[k])


def test_a_pruned_beginning_is_put_back(tmp_path: Path) -> None:
    """Without `<s> a` and `a b`, as SRILM prunes: their places are filled with what backing off says."""
    text = SMALL.replace("-0.5\t<s> a\t-0.0625\n", "").replace("ngram 2=4", "ngram 2=3")
    arpa = read_text(tmp_path, text)
    assert [len(words) for words in arpa.tables.words] == [4, 4, 1]
    assert log10(arpa, "<eos> a", "b") == pytest.approx(-0.125)
    assert log10(arpa, "<eos>", "a") == pytest.approx(-0.25 - 1)
    assert log10(arpa, "<eos> a", "a") == pytest.approx(-0.5 - 1)


def test_two_orders_of_beginnings_are_put_back(tmp_path: Path) -> None:
    text = SMALL.replace("ngram 3=1", "ngram 3=1\nngram 4=2").replace(
        "a b\n\n\\end", "a b\t-0.5\n\n\\4-grams:\n-0.25\tb b a a\n-0.5\tb b b </s>\n\n\\end"
    )
    arpa = read_text(tmp_path, text)
    assert [len(words) for words in arpa.tables.words] == [4, 5, 3, 2]
    assert log10(arpa, "b b a", "a") == pytest.approx(-0.25)
    assert log10(arpa, "b", "b") == pytest.approx(-0.125 - 0.75)
    assert log10(arpa, "b b", "b") == pytest.approx(-0.125 - 0.75)
    assert log10(arpa, "b b", "a") == pytest.approx(-1)


def test_a_file_without_unknown_words_gets_kenlms_probability_for_them(tmp_path: Path) -> None:
    arpa = read_text(tmp_path, SMALL.replace("-1.5\t<unk>\n", "").replace("ngram 1=5", "ngram 1=4"))
    assert arpa.unknown_added
    assert arpa.words[:2] == ("<unk>", "<eos>")
    assert log10(arpa, "", "<unk>") == pytest.approx(-100)


def test_another_spelling_of_unknown(tmp_path: Path) -> None:
    arpa = read_text(tmp_path, SMALL.replace("<unk>", "<UNK>"))
    assert arpa.words == ("<unk>", "<eos>", "b", "a")


@given(
    text=st.lists(st.integers(0, 5), max_size=40),
    order=st.integers(1, 4),
    sentence_end=st.sampled_from([None, 1]),
    name=st.sampled_from(["m.arpa", "m.arpa.gz"]),
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, text: list[int], order: int, sentence_end: int | None, name: str
) -> None:
    path = tmp_path_factory.mktemp("arpa") / name
    query = NGramQuery(
        pack(random_model(text, 6, order, sentence_end=sentence_end).tables(), sentence_end=sentence_end)
    )
    write_arpa(path, query, WORDS)
    arpa = read(path)
    assert arpa.words == WORDS
    assert arpa.sentence_end == sentence_end
    states = np.random.default_rng(1).integers(NOTHING, 6, (30, order - 1))
    np.testing.assert_allclose(query_of(arpa).next_log_probs(states), query.next_log_probs(states), rtol=1e-6)


@pytest.mark.parametrize("word", ["a b", "", "</s>", "\n", "a\u0000"])
def test_words_that_such_a_file_cannot_hold(tmp_path: Path, word: str) -> None:
    query = NGramQuery(pack(random_model([0, 1], 3, 2).tables()))
    with pytest.raises(ConfigError, match="cannot be written"):
        write_arpa(tmp_path / "m.arpa", query, ["<unk>", "a", word])
    assert not list(tmp_path.iterdir())
