"""One transfer, without a server: what is asked for, kept and reported. Whole downloads are in test_download.py."""

import http.client
import urllib.request
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from anaphora.progress import Event
from anaphora.text.transfer import BrokenOffError, ResumingDownloader


class Response:
    """An HTTP response that hands out blocks and may break off with an exception."""

    def __init__(self, status: int, blocks: list[bytes | Exception], length: int | None) -> None:
        self.status = status
        self.blocks = blocks
        self.headers = Message()
        if length is not None:
            self.headers["Content-Length"] = str(length)

    def read(self, _: int) -> bytes:
        block = self.blocks.pop(0) if self.blocks else b""
        if isinstance(block, Exception):
            raise block
        return block

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        pass


def transfer(
    response: Response, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Event], list[urllib.request.Request]]:
    events: list[Event] = []
    asked: list[urllib.request.Request] = []

    def urlopen(request: urllib.request.Request, **_: object) -> Response:
        asked.append(request)
        return response

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    ResumingDownloader(folder / "x.partial", events.append)("http://host/x", str(folder / "x"))
    return events, asked


def test_blocks_arrive_and_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events, asked = transfer(Response(200, [b"abc", b"de"], 5), tmp_path, monkeypatch)
    assert (tmp_path / "x").read_bytes() == b"abcde"
    assert [(event.done, event.total) for event in events] == [(3, 5), (5, 5)]
    assert not asked[0].has_header("Range")
    assert not (tmp_path / "x.partial").exists()


def test_the_rest_is_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.partial").write_bytes(b"abc")
    events, asked = transfer(Response(206, [b"de"], 2), tmp_path, monkeypatch)
    assert asked[0].get_header("Range") == "bytes=3-"
    assert (tmp_path / "x").read_bytes() == b"abcde"
    assert (events[-1].done, events[-1].total) == (5, 5)


def test_a_server_that_starts_again_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.partial").write_bytes(b"stale")
    transfer(Response(200, [b"abc"], 3), tmp_path, monkeypatch)
    assert (tmp_path / "x").read_bytes() == b"abc"


@pytest.mark.parametrize(
    "fault", [ConnectionResetError(), TimeoutError(), http.client.IncompleteRead(b"", 3), b""], ids=repr
)
def test_what_arrived_before_a_break_is_kept(
    fault: Exception | bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BrokenOffError) as caught:
        transfer(Response(200, [b"abc", fault], 6), tmp_path, monkeypatch)
    assert (caught.value.received, caught.value.expected) == (3, 6)
    assert (tmp_path / "x.partial").read_bytes() == b"abc"


def test_a_break_without_a_known_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrokenOffError) as caught:
        transfer(Response(200, [b"abc", ConnectionResetError()], None), tmp_path, monkeypatch)
    assert (caught.value.received, caught.value.expected) == (3, None)
