"""Getting the known corpora: from the data folder, from a path that the user names, or from where they are published.

pooch downloads and checks, with our own downloader that resumes and reports progress. Nothing is used before its
sha256 is right, and every error says where to get the file by hand and where to put it.
"""

import http.client
import os
import urllib.error
from pathlib import Path

import pooch

from anaphora.errors import CorpusError, DownloadError
from anaphora.files import atomic_write, cache_folder
from anaphora.progress import Progress, silent
from anaphora.settings import did_you_mean
from anaphora.text.builtin import built_in_texts
from anaphora.text.catalog import CATALOG, CatalogEntry, CatalogFile
from anaphora.text.shelf import Located, install, locate
from anaphora.text.transfer import BrokenOffError, ResumingDownloader


def data_folder(data_dir: Path | None = None) -> Path:
    """Return where corpora lie: `data_dir`, else ANAPHORA_DATA, else a folder in the user's cache."""
    if data_dir is not None:
        return data_dir.expanduser()
    chosen = os.environ.get("ANAPHORA_DATA")
    return Path(chosen).expanduser() if chosen else cache_folder() / "data"


def known_corpus(name: str) -> CatalogEntry:
    """Return the catalog entry of that name.

    Raises:
        CorpusError: there is none.
    """
    if name not in CATALOG:
        raise CorpusError(
            f"{name!r} is no known corpus{did_you_mean(name, list(CATALOG))}; they are {', '.join(CATALOG)}"
        )
    return CATALOG[name]


def fetch(
    name: str, *, data_dir: Path | None = None, from_path: Path | None = None, progress: Progress = silent
) -> Path:
    """Make sure that a known corpus lies in the data folder, verified, and return its folder.

    What is there already is only checked. Otherwise the files come from `from_path` (a file, an archive, or a folder
    that holds them), or from where they are published. A built-in corpus is written out as text.

    Raises:
        CorpusError: no such corpus.
        DownloadError: a file cannot be had, or its checksum is wrong.
    """
    entry = known_corpus(name)
    folder = data_folder(data_dir) / entry.folder
    try:
        if entry.built_in:
            for split, text in built_in_texts(name).items():
                with atomic_write(folder / f"{split}.txt") as file:
                    file.write(text.text.encode("utf-8"))
        else:
            _complete(entry, data_folder(data_dir), from_path, progress)
    except OSError as fault:
        raise DownloadError(
            f"{name}: {fault.filename or folder}: {fault.strerror or fault}; choose a folder that can be written "
            "with --data-dir or ANAPHORA_DATA"
        ) from None
    return folder


def files_of(entry: CatalogEntry, data_dir: Path | None = None) -> dict[CatalogFile, Located]:
    """Return where the files of a fetched corpus lie, verified.

    Raises:
        DownloadError: a file's checksum is wrong.
    """
    return locate(entry, data_folder(data_dir))


def _complete(entry: CatalogEntry, root: Path, from_path: Path | None, progress: Progress) -> None:
    """Get the files that are not there yet."""
    located = locate(entry, root)
    if from_path is not None and any(file not in located and not file.optional for file in entry.files):
        install(entry, from_path.expanduser(), root)
        located = locate(entry, root)
    for file in entry.files:
        if file not in located and not file.optional:
            _get(entry, file, root, progress)
            located = locate(entry, root)


def _get(entry: CatalogEntry, file: CatalogFile, root: Path, progress: Progress) -> None:
    """Download a file, or the archive that holds it."""
    folder = root / entry.folder
    if file.url is not None:
        download(file.url, folder / file.name, file.sha256, entry, progress)
    elif entry.archive is not None:
        download(entry.archive.url, folder / entry.archive.name, entry.archive.sha256, entry, progress)
    else:
        raise AssertionError(f"catalog entry {entry.name}: {file.name} has no url and no archive")


def download(url: str, path: Path, sha256: str | None, entry: CatalogEntry, progress: Progress = silent) -> None:
    """Download `url` to `path`, resuming an earlier attempt, and check it.

    Raises:
        DownloadError: the server cannot be reached or refuses, the transfer broke off, or the checksum is wrong.
    """
    pooch.get_logger().setLevel("WARNING")  # it would write to stderr; we report through `progress`
    by_hand = (
        f"You can get {path.name} from {entry.origin} yourself and put it in {path.parent}, or name it with --from"
    )
    try:
        pooch.retrieve(
            url,
            known_hash=f"sha256:{sha256}" if sha256 else None,
            fname=path.name,
            path=path.parent,
            downloader=ResumingDownloader(path.with_name(f"{path.name}.partial"), progress),
        )
    except urllib.error.HTTPError as fault:
        raise DownloadError(f"{entry.name}: {url} answers {fault.code} {fault.reason}. {by_hand}") from None
    except BrokenOffError as fault:
        expected = f" of {fault.expected:,}" if fault.expected else ""
        raise DownloadError(
            f"{entry.name}: {url} broke off after {fault.received:,}{expected} bytes. Run the command "
            f"again: it goes on from there. {by_hand}"
        ) from None
    except ValueError:  # pooch: the hash does not match
        raise DownloadError(
            f"{entry.name}: what {url} sent is not the published file: its sha256 is not {sha256}. It was thrown "
            f"away; try again later. {by_hand}"
        ) from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as fault:
        reason = getattr(fault, "reason", None) or fault
        raise DownloadError(f"{entry.name}: {url} cannot be reached ({reason}). {by_hand}") from None
