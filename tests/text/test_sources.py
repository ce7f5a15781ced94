"""Names to files: paths, folders, several files, stdin, pipes, and what is said when a name leads nowhere."""

import io
import os
import sys
import threading
from pathlib import Path

import pytest

from anaphora.errors import AnaphoraWarning, CorpusError
from anaphora.text.readers import ReadOptions, TextFile
from anaphora.text.sources import Spool, resolve, split_by_name, text_files

NO_OPTIONS = ReadOptions()


def read(file: TextFile) -> str:
    return "".join("".join(document) for document in file.documents())


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_files_keep_their_order_and_folders_are_sorted(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt.gz", "sub/c.jsonl", ".hidden.txt", ".git/x.txt", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = [str(path.relative_to(tmp_path)) for path in text_files(tmp_path)]
    assert found == ["a.txt.gz", "b.txt", "sub/c.jsonl"]
    named = [str(tmp_path / "b.txt"), str(tmp_path / "notes.md"), str(tmp_path / "sub")]
    files = resolve(named, NO_OPTIONS, Spool())
    assert [file.path.name for file in files] == ["b.txt", "notes.md", "c.jsonl"]


def test_a_folder_without_texts(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_text("x")
    with pytest.raises(CorpusError, match=r"holds no text \(\.txt .*name the files themselves"):
        resolve([str(tmp_path)], NO_OPTIONS, Spool())


@pytest.mark.parametrize(
    ("options", "data", "text"),
    [
        (NO_OPTIONS, b"from\r\nstdin", "from\nstdin"),
        (ReadOptions(field="body"), b'{"body": "from json"}\n', "from json"),
        (ReadOptions(column="body"), b"id,body\n1,from csv\n", "from csv"),
    ],
)
def test_stdin_can_be_read_again(options: ReadOptions, data: bytes, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(data))
    spool = Spool()
    (file,) = resolve(["-"], options, spool)
    assert file.name == "stdin"
    assert [read(file), read(file)] == [text, text]
    del spool
    assert not file.path.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_can_be_read_again(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"through a pipe"))
    writer.start()
    spool = Spool()
    (file,) = resolve([str(pipe)], NO_OPTIONS, spool)
    writer.join()
    assert [read(file), read(file)] == ["through a pipe"] * 2
    assert file.name == str(pipe)


def test_a_name_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "story.txt").write_text("x")
    with pytest.raises(CorpusError, match=r"'.*stroy\.txt' is neither .*; did you mean '.*story\.txt'\?"):
        resolve([str(tmp_path / "stroy.txt")], NO_OPTIONS, Spool())
    with pytest.raises(CorpusError, match=r"did you mean the known corpus 'tinyshakespeare'\? \(`anaphora data list`"):
        resolve(["tinyshakespear"], NO_OPTIONS, Spool())
    with pytest.raises(CorpusError, match=r"x\.txt does not exist, nor does the folder .*nowhere"):
        resolve([str(tmp_path / "nowhere" / "x.txt")], NO_OPTIONS, Spool())


def test_options_without_effect_warn(tmp_path: Path) -> None:
    (tmp_path / "story.txt").write_text("x")
    for options, message in (
        (ReadOptions(field="body"), "--field has no effect: no .jsonl file is read"),
        (ReadOptions(column="body"), "--column has no effect: no .csv or .tsv file is read"),
    ):
        with pytest.warns(AnaphoraWarning, match=message):
            resolve([str(tmp_path / "story.txt")], options, Spool())


def test_a_folder_may_tell_its_splits_by_name(tmp_path: Path) -> None:
    for name in ("ptb.train.txt", "ptb.valid.txt.gz", "wiki-test.txt"):
        (tmp_path / name).write_text("x")
    splits = split_by_name(tmp_path)
    assert splits is not None
    assert {split: [path.name for path in paths] for split, paths in splits.items()} == {
        "train": ["ptb.train.txt"],
        "valid": ["ptb.valid.txt.gz"],
        "test": ["wiki-test.txt"],
    }
    (tmp_path / "README.txt").write_text("x")
    with pytest.warns(AnaphoraWarning, match=r"has its own splits \(test, train, valid\); left out: README\.txt"):
        split_by_name(tmp_path)


def test_a_folder_of_stories_has_no_splits_of_its_own(tmp_path: Path) -> None:
    for name in ("train.txt", "plane.txt", "strain.txt"):
        (tmp_path / name).write_text("x")
    assert split_by_name(tmp_path) is None
