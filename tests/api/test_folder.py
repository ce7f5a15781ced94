"""Who may take a run folder, and that a run which never began leaves nothing behind."""

from pathlib import Path

import pytest

from anaphora.api.folder import CONFIG, MODEL, RUN, holds_progress, new_run
from anaphora.errors import ConfigError


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make_run(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in (CONFIG, RUN):
        (folder / name).write_text("{}")
    (folder / MODEL).mkdir()


def test_free_names_are_counted() -> None:
    folders = []
    for _ in range(3):
        with new_run(None, "book-lstm") as folder:
            folders.append(str(folder))
    assert folders == ["runs/book-lstm", "runs/book-lstm-2", "runs/book-lstm-3"]


def fail(out: Path | None, *, with_model: bool = False, overwrite: bool = False) -> None:
    with new_run(out, "book-lstm", overwrite=overwrite) as folder:
        (folder / CONFIG).write_text("{}")
        if with_model:
            (folder / MODEL).mkdir()
        raise ZeroDivisionError


def test_a_run_that_never_began_disappears() -> None:
    with pytest.raises(ZeroDivisionError):
        fail(None)
    assert not Path("runs/book-lstm").exists()


def test_a_run_that_got_somewhere_stays() -> None:
    with pytest.raises(ZeroDivisionError):
        fail(Path("mine"), with_model=True)
    assert holds_progress(Path("mine"))


def test_a_folder_in_use_is_refused() -> None:
    make_run(Path("taken"))
    with pytest.raises(ConfigError, match=r"--out taken is not empty; .*--resume taken.*--overwrite"):
        fail(Path("taken"))


def test_an_empty_folder_may_be_used_and_a_file_may_not() -> None:
    Path("empty").mkdir()
    with new_run(Path("empty"), "x") as folder:
        assert folder == Path("empty")
    Path("file").write_text("")
    with pytest.raises(ConfigError, match="--out file is a file"):
        fail(Path("file"))


def test_overwrite_replaces_a_run_once_the_new_one_is_there() -> None:
    make_run(Path("taken"))
    (Path("taken") / "old").write_text("")
    with new_run(Path("taken"), "x", overwrite=True) as folder:
        assert list(folder.iterdir()) == []
        (folder / MODEL).mkdir()
    assert [path.name for path in Path("taken").iterdir()] == [MODEL]
    assert [path.name for path in Path().iterdir()] == ["taken"]


def test_a_failed_overwrite_brings_the_old_run_back() -> None:
    make_run(Path("taken"))
    (Path("taken") / "old").write_text("")
    with pytest.raises(ZeroDivisionError):
        fail(Path("taken"), overwrite=True)
    assert (Path("taken") / "old").exists()
    assert [path.name for path in Path().iterdir()] == ["taken"]


def test_overwrite_never_deletes_what_is_no_run() -> None:
    Path("home").mkdir()
    (Path("home") / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match="holds no run of anaphora; --overwrite replaces runs only"):
        fail(Path("home"), overwrite=True)
    assert (Path("home") / "thesis.tex").exists()
