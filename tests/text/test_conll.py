"""Column files: CoNLL-2003's blanks, tabs, CoNLL-U with its extras, and what is said about lines that do not fit."""

from pathlib import Path

import pytest

from anaphora.errors import ConfigError, CorpusError
from anaphora.text.conll import read_conll

CONLL_2003 = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O

Peter NNP B-NP B-PER
"""

CONLL_U = """# sent_id = 1
# text = Vámonos al mar
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_
3\ta\ta\tADP\t_\t_\t5\tcase\t_\t_
4\tel\tel\tDET\t_\t_\t5\tdet\t_\t_
5\tmar\tmar\tNOUN\t_\t_\t1\tobl\t_\t_
5.1\tido\tir\tVERB\t_\t_\t_\t_\t_\t_

# text = 10 000 !
1\t10 000\t10000\tNUM\tX\t_\t0\troot\t_\t_
2\t!\t!\tPUNCT\tY\t_\t1\tpunct\t_\t_
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tags.conll"


def test_the_first_column_is_the_token_and_the_last_the_tag(file: Path) -> None:
    file.write_text(CONLL_2003)
    first, second = read_conll(file)
    assert first.tokens == ("EU", "rejects")
    assert first.tags == ("B-ORG", "O")
    assert first.where == f"{file}, line 3"
    assert (second.tokens, second.tags, second.where) == (("Peter",), ("B-PER",), f"{file}, line 6")


@pytest.mark.parametrize(("tag", "expected"), [("2", "NNP"), ("-1", "B-ORG"), ("-3", "NNP"), ("4", "B-ORG")])
def test_columns_have_numbers(tag: str, expected: str, file: Path) -> None:
    file.write_text(CONLL_2003)
    assert read_conll(file, tag=tag)[0].tags[0] == expected


def test_conll_u_gives_its_words_and_their_parts_of_speech(file: Path) -> None:
    file.write_text(CONLL_U, encoding="utf-8")
    first, second = read_conll(file)
    assert first.tokens == ("Vamos", "nos", "a", "el", "mar")
    assert first.tags == ("VERB", "PRON", "ADP", "DET", "NOUN")
    assert first.where == f"{file}, line 4"
    assert second.tokens == ("10 000", "!")


def test_conll_u_has_names_for_its_columns(file: Path) -> None:
    file.write_text(CONLL_U, encoding="utf-8")
    assert read_conll(file, token="lemma", tag="deprel")[0].tokens[0] == "ir"
    assert read_conll(file, token="lemma", tag="deprel")[1].tags == ("root", "punct")


def test_conll_u_plus_names_them_itself(file: Path) -> None:
    file.write_text("# global.columns = ID FORM UPOS MY:NER\n1\tEU\tPROPN\tB-ORG\n2\t.\tPUNCT\tO\n")
    assert read_conll(file)[0].tags == ("PROPN", "PUNCT")
    assert read_conll(file, tag="my:ner")[0].tags == ("B-ORG", "O")


def test_tokens_alone(file: Path) -> None:
    file.write_text("one\ntwo\n\n\nthree")
    sentences = read_conll(file, tagged=False)
    assert [sentence.tokens for sentence in sentences] == [("one", "two"), ("three",)]
    assert sentences[0].tags == ()


def test_a_number_sign_with_a_tag_is_a_token(file: Path) -> None:
    file.write_text("# a remark of some words\nNo. NN\n# #\n# 1\n")
    assert read_conll(file)[0].tokens == ("No.", "#", "#")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("EU B-ORG\nrejects\n", "line 2: no tag: the line 'rejects' has 1 column, and the tag is number 2"),
        ("EU\tB-ORG\n\tO\n", "line 2: no token: the line ' O' has 2 columns, and the token is number 1"),
        ("EU\nrejects\n", "has one column only: the tokens have no tags; write `token TAB tag`"),
        ("# nothing\n\n", "holds no sentence; write one token a line"),
        ("", "is empty"),
        (CONLL_U.replace("VERB", "_"), "line 4: the tag of 'Vamos' is left open"),
    ],
)
def test_a_file_that_cannot_be_read(text: str, message: str, file: Path) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        read_conll(file)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        (CONLL_2003, "5", "has no column 5 for the tag: there are 4, counted from 1"),
        (CONLL_2003, "0", "has no column 0 for the tag"),
        (CONLL_2003, "-5", "has no column -5 for the tag"),
        (CONLL_2003, "UPOS", "has no column 'UPOS' for the tag; its columns have numbers"),
        (CONLL_U, "upso", "has no column 'upso' for the tag .*did you mean 'UPOS'?"),
    ],
)
def test_a_column_that_is_not_there(text: str, column: str, message: str, file: Path) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_conll(file, tag=column)
