"""Fetching known corpora: good, resumed, truncated, wrong, refused and unreachable, against a local server."""

import contextlib
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from anaphora.errors import CorpusError, DownloadError
from anaphora.progress import Event
from anaphora.text.catalog import CATALOG, CatalogArchive, CatalogEntry, CatalogFile
from anaphora.text.download import data_folder, fetch, files_of

DATA = b"".join(b"line %d of a small corpus\n" % number for number in range(40_000))
SHA256 = hashlib.sha256(DATA).hexdigest()


@dataclass
class Server:
    """What the local server sends, and the Range headers it was asked with."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: int | None = None
    ranges: bool = True
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            data = state.files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and state.ranges else 0
            if start and start >= len(data):
                self.send_error(416)
                return
            body = data[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body[: state.cut_after])

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def entry_for(url: str, **changes: object) -> CatalogEntry:
    entry = CatalogEntry(
        name="small",
        description="a corpus for tests",
        origin="https://example.org/small",
        licence="none needed",
        redistributable=True,
        default_tokenizer="chars",
        folder="small",
        files=(CatalogFile(split="all", name="small.txt", sha256=SHA256, url=f"{url}/small.txt"),),
    )
    return replace(entry, **changes)  # type: ignore[arg-type]


@pytest.fixture
def small(server: Server, monkeypatch: pytest.MonkeyPatch) -> CatalogEntry:
    entry = entry_for(server.url)
    monkeypatch.setitem(CATALOG, "small", entry)
    server.files["/small.txt"] = DATA
    return entry


def test_a_good_download_is_verified_kept_and_reported(small: CatalogEntry, server: Server, tmp_path: Path) -> None:
    events: list[Event] = []
    folder = fetch("small", data_dir=tmp_path, progress=events.append)
    assert folder == tmp_path / "small"
    assert [path.name for path in folder.iterdir()] == ["small.txt"]
    assert (folder / "small.txt").read_bytes() == DATA
    assert {event.stage for event in events} == {"download"}
    assert (events[-1].done, events[-1].total, events[-1].unit) == (len(DATA), len(DATA), "bytes")
    fetch("small", data_dir=tmp_path)
    assert server.asked == [None]


def test_nothing_is_printed(small: CatalogEntry, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fetch("small", data_dir=tmp_path)
    assert capfd.readouterr() == ("", "")


def test_a_truncated_download_is_resumed(small: CatalogEntry, server: Server, tmp_path: Path) -> None:
    server.cut_after = 300_000
    with pytest.raises(DownloadError, match=r"broke off after 300,000 of [\d,]+ bytes\. Run the command again") as e:
        fetch("small", data_dir=tmp_path)
    assert "from https://example.org/small yourself and put it in" in str(e.value)
    assert [path.name for path in (tmp_path / "small").iterdir()] == ["small.txt.partial"]
    server.cut_after = None
    fetch("small", data_dir=tmp_path)
    assert server.asked == [None, "bytes=300000-"]
    assert [path.name for path in (tmp_path / "small").iterdir()] == ["small.txt"]


def test_a_server_without_ranges_starts_again(small: CatalogEntry, server: Server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "small.txt.partial").write_bytes(DATA[:1000])
    fetch("small", data_dir=tmp_path)
    assert server.asked == ["bytes=1000-"]
    assert (tmp_path / "small" / "small.txt").read_bytes() == DATA


def test_a_partial_file_that_is_too_long_is_thrown_away(small: CatalogEntry, server: Server, tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "small.txt.partial").write_bytes(DATA + b"!")
    fetch("small", data_dir=tmp_path)
    assert server.asked == [f"bytes={len(DATA) + 1}-", None]


def test_a_wrong_checksum_leaves_nothing_behind(small: CatalogEntry, server: Server, tmp_path: Path) -> None:
    server.files["/small.txt"] = b"<html>Sign in to this network</html>"
    with pytest.raises(DownloadError, match=rf"is not the published file: its sha256 is not {SHA256}\. It was thrown"):
        fetch("small", data_dir=tmp_path)
    assert list((tmp_path / "small").iterdir()) == []


def test_a_missing_file_on_the_server(small: CatalogEntry, server: Server, tmp_path: Path) -> None:
    server.files.clear()
    with pytest.raises(DownloadError, match=r"small\.txt answers 404 Not Found\. You can get small\.txt from") as e:
        fetch("small", data_dir=tmp_path)
    assert f"put it in {tmp_path / 'small'}, or name it with --from" in str(e.value)


def test_an_unreachable_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(CATALOG, "small", entry_for("http://127.0.0.1:9"))  # discard: nobody listens
    with pytest.raises(DownloadError, match=r"small\.txt cannot be reached \(.*\)\. You can get"):
        fetch("small", data_dir=tmp_path)


def test_a_data_folder_that_cannot_be_made(small: CatalogEntry, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match="choose a folder that can be written with --data-dir or ANAPHORA_DATA"):
        fetch("small", data_dir=tmp_path / "file")


def test_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_folder(tmp_path) == tmp_path
    monkeypatch.setenv("ANAPHORA_DATA", str(tmp_path / "env"))
    assert data_folder() == tmp_path / "env"
    monkeypatch.delenv("ANAPHORA_DATA")
    monkeypatch.setenv("ANAPHORA_CACHE", str(tmp_path / "cache"))
    assert data_folder() == tmp_path / "cache" / "data"


@pytest.mark.parametrize("place", ["small.txt", "small/small.txt"])
def test_a_file_that_the_user_put_there_is_used(
    place: str, small: CatalogEntry, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / place).write_bytes(DATA)
    fetch("small", data_dir=tmp_path)
    assert server.asked == []
    assert files_of(small, tmp_path)[small.files[0]].path == tmp_path / place


def test_another_file_of_that_name_in_the_data_folder_is_passed_over(
    small: CatalogEntry, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "small.txt").write_bytes(b"other")
    fetch("small", data_dir=tmp_path)
    assert (tmp_path / "small" / "small.txt").read_bytes() == DATA


@pytest.mark.parametrize("given", ["any-name.bin", "."])
def test_from_a_path(given: str, small: CatalogEntry, server: Server, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ("any-name.bin" if given != "." else "small.txt")).write_bytes(DATA)
    folder = fetch("small", data_dir=tmp_path / "data", from_path=elsewhere / given)
    assert (folder / "small.txt").read_bytes() == DATA
    assert server.asked == []


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tar_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def archived(server: Server, name: str, packed: bytes, member: str, sha256: str | None) -> CatalogEntry:
    server.files[f"/{name}"] = packed
    return entry_for(
        server.url,
        files=(CatalogFile(split="all", name="small.txt", sha256=SHA256, member=member),),
        archive=CatalogArchive(name=name, url=f"{server.url}/{name}", sha256=sha256),
    )


def test_a_zip_archive_is_read_in_place(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packed = zip_of({"../evil.txt": b"!", "inner/text": DATA})
    entry = archived(server, "small.zip", packed, "inner/text", hashlib.sha256(packed).hexdigest())
    monkeypatch.setitem(CATALOG, "small", entry)
    folder = fetch("small", data_dir=tmp_path)
    assert [path.name for path in folder.iterdir()] == ["small.zip"]
    located = files_of(entry, tmp_path)[entry.files[0]]
    assert (located.path.name, located.member) == ("small.zip", "inner/text")


def test_only_the_wanted_members_of_a_tar_reach_the_disk(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packed = tar_of({"../../evil.txt": b"!", "/small.txt": b"!", "./a/../small.txt": DATA})
    monkeypatch.setitem(CATALOG, "small", archived(server, "small.tgz", packed, "./a/../small.txt", None))
    fetch("small", data_dir=tmp_path / "data")
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["data/small/small.tgz", "data/small/small.txt"]
    assert (tmp_path / "data/small/small.txt").read_bytes() == DATA


def test_a_member_of_a_tar_is_verified(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packed = tar_of({"small.txt": b"other"})
    monkeypatch.setitem(CATALOG, "small", archived(server, "small.tgz", packed, "small.txt", None))
    with pytest.raises(DownloadError, match=r"small\.txt is not the published small\.txt"):
        fetch("small", data_dir=tmp_path)


def test_a_tar_without_the_member_or_corrupt(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packed = tar_of({"other.txt": DATA})
    monkeypatch.setitem(CATALOG, "small", archived(server, "small.tgz", packed, "small.txt", None))
    with pytest.raises(DownloadError, match=r"has no small\.txt; it is not the archive that https://example\.org"):
        fetch("small", data_dir=tmp_path / "a")
    server.files["/small.tgz"] = packed[: len(packed) // 2]
    with pytest.raises(DownloadError, match=r"small\.tgz is corrupt \(.*\); delete it and fetch it again"):
        fetch("small", data_dir=tmp_path / "b")


def test_an_archive_named_by_from(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packed = zip_of({"text": DATA})
    monkeypatch.setitem(
        CATALOG, "small", archived(server, "small.zip", packed, "text", hashlib.sha256(packed).hexdigest())
    )
    (tmp_path / "mine.zip").write_bytes(packed)
    fetch("small", data_dir=tmp_path / "data", from_path=tmp_path / "mine.zip")
    assert server.asked == []


def test_an_unknown_name() -> None:
    with pytest.raises(CorpusError, match=r"'wikitext2' is no known corpus; did you mean 'wikitext-2'\?"):
        fetch("wikitext2")


def test_a_built_in_corpus_is_written_out(tmp_path: Path) -> None:
    folder = fetch("human-numbers", data_dir=tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["train.txt", "valid.txt"]
