"""Files are written whole or not at all, and what was there before is kept."""

import os
from pathlib import Path

import pytest

from anaphora.errors import BundleError
from anaphora.files import (
    atomic_folder,
    atomic_write,
    cache_folder,
    read_json,
    remove_partials,
    sha256_file,
    sha256_json,
    write_json,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_file_appears_whole(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "deep" / "file") as file:
        file.write(b"one")
        assert names(tmp_path / "deep") != ["file"]
    assert (tmp_path / "deep" / "file").read_bytes() == b"one"
    assert names(tmp_path / "deep") == ["file"]


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_keeps_the_old_file(tmp_path: Path, fault: BaseException) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(type(fault)), atomic_write(path) as file:
        file.write(b"new")
        raise fault
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_files_have_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with atomic_write(tmp_path / "ours"):
        pass
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "model"
    for content in ("old", "new"):
        with atomic_folder(path) as folder:
            (folder / content).touch()
    assert names(path) == ["new"]
    assert names(tmp_path) == ["model"]


def test_a_failed_folder_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(OSError, match="full"), atomic_folder(path) as folder:
        (folder / "new").touch()
        raise OSError("full")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["model"]


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path) -> None:
    for name in (".last.safetensors.x1.partial", "last.safetensors", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / ".model.x2.partial").mkdir()
    (tmp_path / ".model.x2.partial" / "file").touch()
    remove_partials(tmp_path)
    assert names(tmp_path) == [".hidden", "last.safetensors"]


def test_json_round_trip_with_lone_surrogates(tmp_path: Path) -> None:
    value = {"text": "é\ud800", "number": 1}
    write_json(tmp_path / "file.json", value)
    assert read_json(tmp_path / "file.json", BundleError, "the file") == value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "the file .* is not valid JSON"),
        (b"\xff\xfe", "the file .* is not valid JSON"),
        (b"[1]", "the file .* holds a JSON list, not an object"),
        (b"[" * 100_000, "the file .* is not valid JSON"),
    ],
)
def test_bad_json(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=said):
        read_json(path, BundleError, "the file")


def test_missing_json(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"the file .*absent.json does not exist"):
        read_json(tmp_path / "absent.json", BundleError, "the file")


def test_a_json_file_of_absurd_size_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    with path.open("wb") as file:
        file.truncate(257 << 20)  # sparse: takes no room
    with pytest.raises(BundleError, match="larger than 256 MB"):
        read_json(path, BundleError, "the file")


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-4, appendix B.1
    assert sha256_file(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_json({"a": 1, "b": "é"}) == sha256_json({"b": "é", "a": 1})
    assert sha256_json({"a": 1}) != sha256_json({"a": 2})


def test_the_cache_folder_is_the_chosen_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANAPHORA_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


@pytest.mark.skipif(os.name != "posix", reason="homes are found otherwise on Windows")
def test_the_cache_folder_does_without_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ANAPHORA_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    (tmp_path / "file").touch()
    assert not cache_folder().is_relative_to(tmp_path / "file")
