"""The data folder: which files of a known corpus lie in it, whether they are the published ones, and adding to it.

A corpus has a folder of its own; its files may also lie directly in the data folder, unpacked, or inside the archive
they are published in. `download.py` fills the gaps.
"""

import shutil
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from anaphora.errors import DownloadError
from anaphora.files import atomic_write, sha256_file
from anaphora.text.catalog import CatalogArchive, CatalogEntry, CatalogFile
from anaphora.text.imdb import build_table


@dataclass(frozen=True)
class Located:
    """A verified file on disk, or one member of a verified zip archive."""

    path: Path
    member: str | None = None


def locate(entry: CatalogEntry, root: Path) -> dict[CatalogFile, Located]:
    """Return where each file of a corpus lies in the data folder `root`, verified; what is not there is left out.

    A file may lie in the corpus' folder or directly in the data folder, unpacked or inside its archive.

    Raises:
        DownloadError: a file is there, but its checksum is wrong.
    """
    found: dict[CatalogFile, Located] = {}
    for file in entry.files:
        for path, sha256 in _candidates(file, root / entry.folder):
            if path.is_file():
                _verify(path, sha256, entry, file.name)
                found[file] = Located(path)
                break
        else:
            for path, sha256 in _candidates(file, root):
                if path.is_file() and sha256_file(path) == sha256:  # else some other file of that name
                    found[file] = Located(path)
                    break
    missing = [file for file in entry.files if file not in found and not file.optional]
    if missing and entry.archive is not None:
        for path in (root / entry.folder / entry.archive.name, root / entry.archive.name):
            if path.is_file():
                return found | _open_archive(entry, entry.archive, path, missing, root)
    return found


def _candidates(file: CatalogFile, folder: Path) -> list[tuple[Path, str]]:
    """Return the paths under which a file is accepted, each with the checksum it must have."""
    names = [(file.name, file.sha256), (str(Path(file.name).with_suffix("")), file.unpacked_sha256)]
    if file.member:
        names.append((Path(file.member).name, file.sha256))
    return [(folder / name, sha256) for name, sha256 in names if sha256 is not None]


def _open_archive(
    entry: CatalogEntry, archive: CatalogArchive, path: Path, missing: list[CatalogFile], root: Path
) -> dict[CatalogFile, Located]:
    """Find the missing files in an archive: a zip is read in place, a tar is unpacked."""
    if archive.sha256 is not None:
        _verify(path, archive.sha256, entry, archive.name)
    if zipfile.is_zipfile(path):
        return {file: Located(path, file.member) for file in missing}
    folder = root / entry.folder
    try:
        if entry.name == "imdb":
            build_table(path, folder)
        else:
            _unpack(entry, path, missing, folder)
    except (tarfile.TarError, EOFError) as fault:
        raise DownloadError(f"{entry.name}: {path} is corrupt ({fault}); delete it and fetch it again") from None
    found = {}
    for file in missing:
        for candidate, sha256 in _candidates(file, folder):
            if candidate.is_file():
                _verify(candidate, sha256, entry, candidate.name)
                found[file] = Located(candidate)
    return found


def _unpack(entry: CatalogEntry, path: Path, wanted: list[CatalogFile], folder: Path) -> None:
    """Copy the wanted members of a tar archive, under our own names: no path of the archive reaches the disk."""
    names = {file.member: file.name for file in wanted}
    with tarfile.open(path, "r|*") as tar:
        for member in tar:
            source = tar.extractfile(member) if member.isfile() and member.name in names else None
            if source is not None:
                with atomic_write(folder / names.pop(member.name)) as target:
                    shutil.copyfileobj(source, target)
    if names:
        raise DownloadError(
            f"{entry.name}: {path} has no {', '.join(map(str, names))}; it is not the archive that {entry.origin} "
            "publishes"
        )


def _verify(path: Path, sha256: str, entry: CatalogEntry, name: str) -> None:
    actual = sha256_file(path)
    if actual != sha256:
        raise DownloadError(
            f"{entry.name}: {path} is not the published {name}: its sha256 is {actual}, not {sha256}; "
            "delete it and fetch it again, or open it as an ordinary file by its path"
        )


def install(entry: CatalogEntry, source: Path, root: Path) -> None:
    """Copy into the data folder `root` what a file, an archive or a folder holds of the corpus, after its checksum.

    Raises:
        DownloadError: there is nothing of the corpus in it.
    """
    if not source.exists():
        raise DownloadError(f"{entry.name}: --from {source} does not exist")
    folder = root / entry.folder
    if source.is_dir():
        known = {path.name: (path, sha256) for file in entry.files for path, sha256 in _candidates(file, source)}
        if entry.archive is not None and entry.archive.sha256 is not None:
            known[entry.archive.name] = (source / entry.archive.name, entry.archive.sha256)
        present = [(path, sha256) for path, sha256 in known.values() if path.is_file()]
        if not present:
            raise DownloadError(f"{entry.name}: --from {source} holds none of {', '.join(sorted(known))}")
        for path, sha256 in present:
            _verify(path, sha256, entry, path.name)
            _copy(path, folder / path.name)
        return
    actual = sha256_file(source)
    for file in entry.files:
        for target, sha256 in _candidates(file, folder):
            if sha256 == actual:
                _copy(source, target)
                return
    archive = entry.archive
    if archive is not None and (archive.sha256 == actual or (archive.sha256 is None and tarfile.is_tarfile(source))):
        _copy(source, folder / archive.name)
        return
    raise DownloadError(
        f"{entry.name}: --from {source} is none of its files: its sha256 is {actual}, expected is "
        f"{' or '.join(_checksums(entry))}"
    )


def _checksums(entry: CatalogEntry) -> list[str]:
    sums = [f"{file.sha256} ({file.name})" for file in entry.files if file.sha256]
    if entry.archive is not None and entry.archive.sha256:
        sums.append(f"{entry.archive.sha256} ({entry.archive.name})")
    return sums


def _copy(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    with source.open("rb") as file, atomic_write(target) as copy:
        shutil.copyfileobj(file, copy)
