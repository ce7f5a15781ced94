"""Which tokens a vocabulary keeps, in which order, and what a file must hold to become one."""

from typing import Any

import pytest

from anaphora.errors import TokenizerError
from anaphora.text import vocabulary as module
from anaphora.text.tokenizer import SPECIALS
from anaphora.text.vocabulary import Vocabulary


def test_frequent_first_then_first_seen() -> None:
    vocabulary = Vocabulary.from_counts({"c": 2, "a": 3, "b": 2, "d": 3}, ["<unk>"])
    assert vocabulary.tokens == ("<unk>", "a", "d", "c", "b")
    assert vocabulary.ids == {"<unk>": 0, "a": 1, "d": 2, "c": 3, "b": 4}
    assert len(vocabulary) == 5
    assert vocabulary.ordinary == ("a", "d", "c", "b")


def test_specials_stand_first_in_their_own_order_and_come_on_top_of_max_size() -> None:
    vocabulary = Vocabulary.from_counts({"a": 1, "b": 1, "c": 1}, ["<eos>", "<pad>", "<unk>"], max_size=2)
    assert vocabulary.tokens == ("<unk>", "<pad>", "<eos>", "a", "b")


def test_rare_tokens_go() -> None:
    assert Vocabulary.from_counts({"a": 1, "b": 2}, [], min_count=2).tokens == ("b",)


def test_names_of_specials_are_never_ordinary() -> None:
    counts = {"<pad>": 9, "<bos>": 9, "<eos>": 9, "<unk>": 9, "a": 1}
    assert Vocabulary.from_counts(counts, ["<unk>"]).tokens == ("<unk>", "a")


def test_nothing_to_learn_from() -> None:
    with pytest.raises(TokenizerError, match="no token to learn from; is it empty"):
        Vocabulary.from_counts({}, ["<unk>"])
    with pytest.raises(TokenizerError, match="no token to learn from"):
        Vocabulary.from_counts({"<unk>": 5}, ["<unk>"])
    with pytest.raises(TokenizerError, match="min_count = 4 leaves no token: the most frequent occurs 3 times"):
        Vocabulary.from_counts({"a": 3, "b": 1}, [], min_count=4)


def test_lists_make_the_same_vocabulary() -> None:
    vocabulary = Vocabulary.from_lists(["<unk>", "<eos>"], ["b", "a"])
    assert vocabulary.specials == ("<unk>", "<eos>")
    assert vocabulary.ids["a"] == 3


@pytest.mark.parametrize(
    ("specials", "ordinary", "message"),
    [
        ("<unk>", ["a"], "'specials' is a str, not a list"),
        (["<unk>"], {"a": 1}, "'tokens' is a dict, not a list"),
        (["<unk>"], None, "'tokens' is a NoneType, not a list"),
        (["<unk>"], ["a", 7], "7 in the saved tokenizer's 'tokens' is not a token"),
        (["<unk>"], ["a", ["b"]], r"\['b'\] in the saved tokenizer's 'tokens' is not a token"),
        (["<unk>"], [""], "'' in the saved tokenizer's 'tokens' is not a token"),
        (["<unk>"], ["a", "b", "a"], "'a' stands twice"),
        (["<eos>", "<unk>"], ["a"], "in this order"),
        (["<sos>"], ["a"], f"expected some of {' '.join(SPECIALS)}"),
        (["<unk>", "<unk>"], ["a"], "'<unk>' stands twice"),
        (["<unk>"], ["a", "<pad>"], "<pad> stands among the saved tokenizer's ordinary tokens"),
    ],
)
def test_hostile_lists_are_refused(specials: Any, ordinary: Any, message: str) -> None:
    with pytest.raises(TokenizerError, match=message):
        Vocabulary.from_lists(specials, ordinary)


def test_a_huge_list_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_TOKENS", 3)
    with pytest.raises(TokenizerError, match="'tokens' has 4 entries; 3 at most"):
        Vocabulary.from_lists(["<unk>"], ["a", "b", "c", "d"])
