"""Labelled documents: each layout on disk, the splits cut from them, and what is said about bad input."""

import gzip
import json
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from anaphora.errors import AnaphoraWarning, ConfigError, CorpusError
from anaphora.text.document_files import Document
from anaphora.text.documents import DocumentSettings, LabelledDocuments, open_documents
from anaphora.text.imdb import INDEX, TABLE


def write_table(path: Path, count: int = 40, header: str = "text,label") -> Path:
    rows = "".join(f"film number {i},{'good' if i % 4 else 'bad'}\n" for i in range(count))
    path.write_text(f"{header}\n{rows}", encoding="utf-8")
    return path


def opened(source: Path | str, **settings: Any) -> LabelledDocuments:
    with warnings.catch_warnings():
        warnings.simplefilter("error", AnaphoraWarning)
        return open_documents(DocumentSettings(source=str(source), **settings))


def sizes(found: LabelledDocuments) -> dict[str, int]:
    return {split: len(documents) for split, documents in found.splits.items()}


def shares(documents: tuple[Document, ...]) -> Counter[str]:
    return Counter(label for one in documents for label in one.labels)


def test_a_table_is_cut_in_three_with_the_same_share_of_each_label(tmp_path: Path) -> None:
    table = write_table(tmp_path / "films.csv")
    found = opened(table)
    assert found.name == "films"
    assert found.labels == ("bad", "good")
    assert sizes(found) == {"train": 32, "valid": 4, "test": 4}
    assert shares(found.splits["valid"]) == {"good": 3, "bad": 1}
    first = found.splits["train"][0]
    assert first == Document("film number 0", ("bad",), f"{table}, line 2")
    assert len({one.text for split in found.splits.values() for one in split}) == 40
    assert found.splits == opened(table).splits
    assert found.splits["valid"] != opened(table, seed=2).splits["valid"]
    assert found.source_hash == opened(table).source_hash != opened(table, seed=2).source_hash


def test_the_shares_may_be_others(tmp_path: Path) -> None:
    table = write_table(tmp_path / "films.csv")
    assert sizes(opened(table, fractions=(0.5, 0.5, 0.0))) == {"train": 20, "valid": 20}
    assert sizes(opened(table, fractions=(1.0, 0.0, 0.0))) == {"train": 40}
    with pytest.raises(ConfigError, match="must add up to 1"):
        DocumentSettings(source="x", fractions=(0.5, 0.1, 0.1))


@pytest.mark.parametrize(
    "header", ["review,sentiment", "Sentence,Class", "words in it,label", "text,what it is", "comment, Labels"]
)
def test_columns_are_found_by_their_usual_names(tmp_path: Path, header: str) -> None:
    assert sizes(opened(write_table(tmp_path / "films.csv", header=header)))["train"] == 32


def test_rows_of_one_group_never_meet_across_splits(tmp_path: Path) -> None:
    table = tmp_path / "films.csv"
    table.write_text("text,label,film\n" + "".join(f"words {i},{i % 2},film {i // 5 % 20}\n" for i in range(200)))
    found = opened(table, group_column="film")
    films = {split: {one.group for one in part} for split, part in found.splits.items()}
    assert sum(map(len, films.values())) == len(set.union(*films.values())) == 20
    assert sizes(found) == {"train": 160, "valid": 20, "test": 20}
    with pytest.raises(CorpusError, match=r"no column 'flim'.*did you mean 'film'\?; see --group-column"):
        opened(table, group_column="flim")
    table.write_text("text,label,film\n" + "".join(f"words {i},{i % 2},the only one\n" for i in range(40)))
    with pytest.raises(CorpusError, match="too few, or their groups too large, to hold some back"):
        opened(table, group_column="film")


def test_named_columns_and_packed_tables(tmp_path: Path) -> None:
    table = tmp_path / "films.tsv.gz"
    with gzip.open(table, "wt", encoding="utf-8") as file:
        file.write("id\ttext\tbody\tverdict\n" + "".join(f"{i}\tx\ttext {i}\t{i % 2}\n" for i in range(20)))
    found = opened(table, text_column="body", label_column="verdict")
    assert found.labels == ("0", "1")
    assert found.splits["train"][0].text == "text 0"


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "films.jsonl"
    rows = [{"review": f"text {i}\r\nmore", "sentiment": bool(i % 2), "stars": i % 5} for i in range(20)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = opened(path)
    assert found.labels == ("false", "true")
    assert found.splits["train"][0].text.endswith("\nmore")
    assert opened(path, label_column="stars").labels == ("0", "1", "2", "3", "4")


def test_several_labels(tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    cells = ["war|love", "love", "", "war | sea"]
    path.write_text("text,genres\n" + "".join(f"film {i},{cells[i % 4]}\n" for i in range(40)), encoding="utf-8")
    found = opened(path, multi_label=True)
    assert found.labels == ("love", "sea", "war")
    assert {one.labels for one in found.splits["train"]} == {("love", "war"), ("love",), (), ("sea", "war")}
    lines = tmp_path / "films.jsonl"
    lines.write_text("\n".join(json.dumps({"text": "x", "labels": ["b", "a"][: i % 3]}) for i in range(30)))
    assert {one.labels for one in opened(lines, multi_label=True).splits["train"]} == {("a", "b"), ("b",), ()}
    with pytest.raises(CorpusError, match=r"line 1: 'labels' holds a list.*--multi-label"):
        opened(lines)


def write_folders(folder: Path, count: int = 10) -> None:
    for label in ("pos", "neg"):
        (folder / label).mkdir(parents=True)
        for i in range(count):
            (folder / label / f"{i}_7.txt").write_text(f"{label} text {i}\n", encoding="utf-8")


def test_a_folder_for_each_label_of_each_split_as_in_aclimdb(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_folders(tmp_path / split)
        (tmp_path / split / "urls_pos.txt").write_text("not a document")
    (tmp_path / "train" / "unsup").mkdir()
    (tmp_path / "train" / "unsup" / "0_0.txt").write_text("who knows")
    (tmp_path / "README").write_text("see there")
    found = opened(tmp_path)
    assert found.labels == ("neg", "pos")
    assert sizes(found) == {"train": 18, "valid": 2, "test": 20}
    assert [one.text for one in found.unlabelled] == ["who knows"]
    assert found.splits["test"][0] == Document("neg text 0\n", ("neg",), str(tmp_path / "test" / "neg" / "0_7.txt"))
    assert sizes(opened(tmp_path / "train")) == {"train": 16, "valid": 2, "test": 2}


def test_a_label_may_be_called_train(tmp_path: Path) -> None:
    for label in ("train", "bus"):
        (tmp_path / label).mkdir()
        for i in range(10):
            (tmp_path / label / f"{i}.txt").write_text(f"the {label} is late {i}")
    assert opened(tmp_path).labels == ("bus", "train")


def test_text_without_labels_alone(tmp_path: Path) -> None:
    (tmp_path / "unsup.csv").write_text("text\nwho knows\n")
    with pytest.raises(CorpusError, match="holds text without labels, and none with"):
        opened(tmp_path)


def test_a_folder_of_tables(tmp_path: Path) -> None:
    write_table(tmp_path / "train.csv")
    write_table(tmp_path / "test.csv", 8)
    (tmp_path / "unsup.csv").write_text("text\nwho knows\n\n")
    found = opened(tmp_path)
    assert sizes(found) == {"train": 36, "valid": 4, "test": 8}
    assert [one.text for one in found.unlabelled] == ["who knows"]
    both = tmp_path / "both"
    both.mkdir()
    write_table(both / "a.csv")
    write_table(both / "b.csv")
    assert sizes(opened(both)) == {"train": 64, "valid": 8, "test": 8}


def test_files_for_the_held_out_splits(tmp_path: Path) -> None:
    table, held_out = write_table(tmp_path / "films.csv"), write_table(tmp_path / "held-out.csv", 12)
    assert sizes(opened(table, test=str(held_out))) == {"train": 36, "valid": 4, "test": 12}
    assert sizes(opened(table, valid=str(held_out), test=str(held_out)))["train"] == 40


def test_some_keep_their_labels_and_the_others_are_text(tmp_path: Path) -> None:
    found = opened(write_table(tmp_path / "films.csv", 100), labelled=20)
    assert sizes(found) == {"train": 18, "valid": 2, "test": 10}
    assert shares(found.splits["train"] + found.splits["valid"]) == {"good": 15, "bad": 5}
    assert len(found.unlabelled) == 70
    assert {one.labels for one in found.unlabelled} == {()}
    for count, message in ((3, "2 labels need twice as many"), (91, "there are 90 documents to learn from")):
        with pytest.raises(CorpusError, match=message):
            opened(tmp_path / "films.csv", labelled=count)


def test_more_text_without_labels(tmp_path: Path) -> None:
    table = write_table(tmp_path / "films.csv")
    (tmp_path / "more.txt").write_text("one\n\ntwo\n")
    (tmp_path / "more.csv").write_text("id,review\n1,three\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.txt").write_text("four\nlines")
    sources = tuple(str(tmp_path / name) for name in ("more.txt", "more.csv", "more"))
    found = opened(table, unlabelled=sources).unlabelled
    assert [one.text for one in found] == ["one", "two", "three", "four\nlines"]
    assert found[1].where.endswith("more.txt, line 3")


def test_the_known_corpus_has_its_official_split_and_named_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anaphora.text import documents
    from anaphora.text.shelf import Located

    (tmp_path / TABLE).write_text("review,sentiment\n" + "".join(f"text {i},{i % 2}\n" for i in range(40)))
    official = [f"{('train', 'test')[i // 2 % 2]},x,{100 * i}\n" for i in range(40)]
    (tmp_path / INDEX).write_text("split,label,id\n" + "".join(official))
    monkeypatch.setattr(documents, "fetch", lambda *_, **__: tmp_path)
    monkeypatch.setattr(
        documents,
        "files_of",
        lambda entry, _: {
            file: Located(tmp_path / (TABLE if file.split == "all" else INDEX), None) for file in entry.files
        },
    )
    found = opened("imdb")
    assert found.labels == ("neg", "pos")
    assert sizes(found) == {"train": 18, "valid": 2, "test": 20}
    assert shares(found.splits["test"]) == {"neg": 10, "pos": 10}


def test_empty_texts_are_left_out_of_the_training_and_only_of_it(tmp_path: Path) -> None:
    table = write_table(tmp_path / "films.csv")
    with table.open("a") as file:
        file.write(" ,good\n" * 7)
    with pytest.warns(AnaphoraWarning, match=r"7 documents without text left out.*line 42; .*line 46 and 2 more"):
        found = open_documents(DocumentSettings(source=str(table), test=str(table)))
    assert sizes(found) == {"train": 36, "valid": 4, "test": 47}


def test_rows_without_a_label_are_text(tmp_path: Path) -> None:
    table = write_table(tmp_path / "films.csv")
    with table.open("a") as file:
        file.write("who knows,\n")
    with pytest.warns(AnaphoraWarning, match=r"1 document without a label .*films\.csv, line 42"):
        found = open_documents(DocumentSettings(source=str(table)))
    assert [one.text for one in found.unlabelled] == ["who knows"]


def test_labels_that_look_alike(tmp_path: Path) -> None:
    table = tmp_path / "films.csv"
    labels = ["caf\u00e9", "cafe\u0301 ", " bar"]
    table.write_text("text,label\n" + "".join(f"x{i},{labels[i % 3]}\n" for i in range(30)), encoding="utf-8")
    assert opened(table).labels == ("bar", "caf\u00e9")
    table.write_text("text,label\n" + "".join(f"x{i},{('Bar', 'bar')[i % 2]}\n" for i in range(30)), encoding="utf-8")
    with pytest.warns(AnaphoraWarning, match="'Bar' and 'bar' differ in capitals only"):
        open_documents(DocumentSettings(source=str(table)))


def test_a_document_of_a_megabyte(tmp_path: Path) -> None:
    table = write_table(tmp_path / "films.csv")
    with table.open("a") as file:
        file.write('"' + "long text\n" * 110_000 + '",good\n')
    assert max(len(one.text) for split in opened(table).splits.values() for one in split) == 1_100_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"id,txet,label\n1,x,y\n", r"a\.csv, line 2: .*hold the text \(there are: .*'txet'.*--text-column"),
        ("a.csv", b"text,id,lable\nx,1,y\n", r"hold the label .*did you mean 'lable'.*--label-column"),
        ("a.csv", b"text,label\nx,y\nx\n", r"a\.csv, line 3: 1 columns, but 'label' is number 2; repair the row"),
        ("a.csv", b"text,label\n", r"a\.csv holds no documents"),
        ("a.csv", b"text,label\nx,y\nz,y\n", r"a\.csv: there is nothing to tell apart, all 2 have the label 'y'"),
        ("a.csv", b"text,label\nx,caf\xe9\n", r"a\.csv, line 2, byte offset 16: byte 0xe9 is not valid utf-8"),
        ("a.csv", b"text,label\nx,y\0\0\0\x01\n", r"a\.csv, line 2: holds NUL characters, so it is a binary file"),
        ("a.csv", b'text,label\nx,"y\n', r"a\.csv, line 2: unexpected end of data; check the quotes"),
        ("a.jsonl", b'{"text": "x", "label": 1.5}\n', r"a\.jsonl, line 1: 'label' holds a float; a label is"),
        ("a.jsonl", b'{"text": "x", "label": "y"}\n{"text": "z"}', r"line 2: no field 'label'.*every object needs"),
        ("a.jsonl", b'{"text": 3, "label": "y"}', r"line 1: field 'text' holds a int, not a string"),
        ("a.txt", b"text\n", r"a\.txt has no columns: name a table \(\.jsonl \.csv \.tsv\)"),
        ("a.csv", b"text,label\nx,y\nx,z\n", r"2 documents are too few to hold some back as 'test'.*--test"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        opened(tmp_path / name)


def test_bad_names(tmp_path: Path) -> None:
    write_table(tmp_path / "films.csv")
    (tmp_path / "nothing").mkdir()
    for source, message in [
        (str(tmp_path / "film.csv"), r"did you mean '.*films\.csv'\?"),
        (str(tmp_path / "nothing"), "holds neither tables .* nor a folder for each label"),
        ("ptb", "ptb is a running text without labels"),
    ]:
        with pytest.raises(CorpusError, match=message):
            opened(source)
    with pytest.raises(CorpusError, match=r"no column 'txt'.*did you mean 'text'\?; see --text-column"):
        opened(tmp_path / "films.csv", text_column="txt")
    with pytest.raises(ConfigError, match="a run reads it more than once"):
        DocumentSettings(source="-")


def test_a_label_that_training_never_shows(tmp_path: Path) -> None:
    table, test = write_table(tmp_path / "films.csv"), tmp_path / "test.csv"
    test.write_text("text,label\nx,good\ny,godo\n")
    with pytest.raises(CorpusError, match=r"test\.csv, line 3: label 'godo' stands in the test documents only; known"):
        opened(table, test=str(test))


def test_a_folder_name_in_another_encoding(tmp_path: Path) -> None:
    write_folders(tmp_path)
    try:
        folder = tmp_path / b"caf\xe9".decode("utf-8", "surrogateescape")
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (folder / "a.txt").write_text("x")
    with pytest.raises(CorpusError, match="is a label in another encoding than UTF-8; rename the folder"):
        opened(tmp_path)
