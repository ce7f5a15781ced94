"""Rows: JSON lines, comma- and tab-separated tables, and what is said about a bad one."""

import json

import pytest

from anaphora.errors import CorpusError
from anaphora.text.tables import json_documents, table_documents


def test_json_lines() -> None:
    rows = [{"text": "one\r\nand \U0001f600"}, {"text": "", "id": 3}]
    source = "\n\n".join(json.dumps(row) for row in rows)
    assert list(json_documents([source], None, "f")) == ["one\nand \U0001f600", ""]
    assert list(json_documents(['{"body": "x"}\n'], "body", "f")) == ["x"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{text: 1}", r"f\.jsonl, line 2: not valid JSON \(.*one object a line"),
        ('["text"]', r"line 2: a JSON list where an object with named fields is needed"),
        ('{"txt": "a", "id": 1}', r"line 2: no field 'text' \(there are: 'txt', 'id'\); did you mean 'txt'\?"),
        ('{"text": 5}', r"line 2: field 'text' holds a int, not a string"),
        (r'{"text": "a \ud800 b"}', r"line 2: holds half of a surrogate pair \(\\ud800\); repair the line"),
    ],
)
def test_a_bad_json_line(line: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        list(json_documents(['{"text": "fine"}\n', line], None, "f.jsonl"))


def test_tables() -> None:
    source = 'id,text\n1,"a ""quoted"", cell\nof two lines"\n\n2,b\n'
    assert list(table_documents([source], ",", None, "f")) == ['a "quoted", cell\nof two lines', "b"]
    assert list(table_documents(["words\none\ntwo\n"], "\t", None, "f")) == ["one", "two"]
    assert list(table_documents(["a\tb\n1\tx, y\n"], "\t", "b", "f")) == ["x, y"]


def test_a_cell_may_be_long() -> None:
    long = "word " * 100_000
    assert list(table_documents([f'text\n"{long}"\n'], ",", None, "f")) == [long]


@pytest.mark.parametrize(
    ("source", "column", "message"),
    [
        ("id,body\n1,x\n", None, r"f\.csv: no column 'text' \(there are: 'id', 'body'\); choose one with --column"),
        ("id,review\n1,x\n", "reviews", r"no column 'reviews' .*did you mean 'review'\?"),
        ("id,text\n1,x\n2\n", None, r"f\.csv, line 3: 1 columns, but 'text' is number 2; repair the row"),
        ('id,text\n1,"x\ny\n', None, r"f\.csv, line 3: unexpected end of data; check the quotes"),
    ],
)
def test_a_bad_table(source: str, column: str | None, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        list(table_documents([source], ",", column, "f.csv"))
