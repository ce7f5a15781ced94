"""n-best lists and references, and what is said about lines that are neither."""

from pathlib import Path

import pytest

from anaphora.errors import CorpusError
from anaphora.text.nbest import read_nbest, read_references


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.txt"


def test_three_fields(file: Path) -> None:
    file.write_text("0 ||| the house ||| -1.5\n0 |||  ||| 2e1\n7 ||| a|b ||| 3\n")
    found = read_nbest(file)
    assert [(one.line, one.id, one.text, one.score) for one in found] == [
        (1, "0", "the house", -1.5),
        (2, "0", "", 20.0),
        (3, "7", "a|b", 3.0),
    ]


def test_the_total_of_a_moses_list_is_its_score_and_all_fields_are_kept(file: Path) -> None:
    file.write_text("3 ||| das haus ||| LM0= -4 WP= 2 ||| -6.25 ||| 0-0 1-1\n")
    [one] = read_nbest(file)
    assert one.score == -6.25
    assert one.written("-3.1", "0.2") == "3 ||| das haus ||| LM0= -4 WP= 2 ||| -6.25 ||| 0-0 1-1 ||| -3.1 ||| 0.2"


def test_tabs(file: Path) -> None:
    file.write_text("u1\t你先走\t-1\tx y\n")
    [one] = read_nbest(file)
    assert (one.id, one.text, one.score) == ("u1", "你先走", -1.0)
    assert one.written("9") == "u1\t你先走\t-1\tx y\t9"


def test_the_score_can_stand_anywhere(file: Path) -> None:
    file.write_text("0 ||| a ||| 1 ||| 2\n")
    assert [read_nbest(file, score_field=field)[0].score for field in (None, 3, 4)] == [1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("only text", "line 2: 'only text' has no id, text and score"),
        ("", "line 2: '' has no id, text and score"),
        ("0 ||| a", "line 2: '0 .* has no id, text and score"),
        ("0 ||| a ||| best", "line 2: no score in 'best'; a finite number is needed"),
        ("0 ||| a ||| nan", "line 2: no score in 'nan'"),
        ("0 ||| a ||| -inf", "line 2: no score in '-inf'"),
    ],
)
def test_a_line_that_is_no_candidate(line: str, message: str, file: Path) -> None:
    file.write_text(f"0 ||| fine ||| 1\n{line}\n0 ||| fine ||| 1\n")
    with pytest.raises(CorpusError, match=message):
        read_nbest(file)


def test_a_score_field_that_is_not_there(file: Path) -> None:
    file.write_text("0 ||| a ||| 1\n")
    with pytest.raises(CorpusError, match=r"line 1: no score in '\(there are 3 fields\)'"):
        read_nbest(file, score_field=4)


def test_references_line_by_line_or_by_id(file: Path) -> None:
    file.write_text("the house\na tree\n")
    assert read_references(file, ["4", "2"]) == {"4": ("the house",), "2": ("a tree",)}
    file.write_text("2 ||| a tree\n4 ||| the house\n9 ||| unused\n2 ||| one tree\n")
    assert read_references(file, ["4", "2"]) == {"4": ("the house",), "2": ("a tree", "one tree")}


def test_references_that_do_not_fit(file: Path) -> None:
    for text, message in (
        ("the house\n", "has 1 references, the n-best list 2 ids"),
        ("4 ||| the house\n5 ||| a\n", "has no reference for id '2', nor for 0 others"),
        ("4 ||| the house\nloose\n", "line 2: 'loose' has no id and text"),
    ):
        file.write_text(text)
        with pytest.raises(CorpusError, match=message):
            read_references(file, ["4", "2"])
