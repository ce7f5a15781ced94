"""One HTTP transfer that can be taken up again: the downloader that `download.py` hands to pooch."""

import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

from anaphora.progress import Event, Progress

_BLOCK_BYTES = 1 << 18
_TIMEOUT_SECONDS = 30


class BrokenOffError(Exception):
    """A transfer ended early; what arrived is kept. `expected` is None when the server did not tell."""

    def __init__(self, received: int, expected: int | None) -> None:
        super().__init__(received, expected)
        self.received, self.expected = received, expected


class ResumingDownloader:
    """A downloader for pooch that keeps what arrived in a .partial file and asks only for the rest next time."""

    def __init__(self, partial: Path, progress: Progress) -> None:
        self.partial = partial
        self.progress = progress

    def __call__(self, url: str, output_file: str | IO[bytes], _: Any = None) -> None:
        """Fetch `url` into `output_file`; called by pooch, which checks the hash after."""
        assert isinstance(output_file, (str, os.PathLike))
        have = self.partial.stat().st_size if self.partial.exists() else 0
        request = urllib.request.Request(url, headers={"User-Agent": "anaphora", "Accept-Encoding": "identity"})
        if have:
            request.add_header("Range", f"bytes={have}-")
        try:
            response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
        except urllib.error.HTTPError as fault:
            if fault.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
                raise
            self.partial.unlink()  # longer than the file on the server: from another version of it
            return self(url, output_file)
        with response:
            resumed = response.status == http.client.PARTIAL_CONTENT
            self._receive(response, have if resumed else 0)
        self.partial.replace(output_file)
        return None

    def _receive(self, response: http.client.HTTPResponse, done: int) -> None:
        """Append the body to the partial file (write it anew when the server starts from the beginning)."""
        length = response.headers.get("Content-Length")
        total = done + int(length) if length and length.isdigit() else None
        with self.partial.open("ab" if done else "wb") as file:
            try:
                while block := response.read(_BLOCK_BYTES):
                    file.write(block)
                    done += len(block)
                    self.progress(Event(stage="download", done=done, total=total, unit="bytes"))
            except http.client.IncompleteRead as fault:
                file.write(fault.partial)
                done += len(fault.partial)
            except (ConnectionError, TimeoutError):
                raise BrokenOffError(done, total) from None
        if total is not None and done < total:
            raise BrokenOffError(done, total)
