"""Files on disk: written whole or not at all, read with errors that speak to the user, named by their content.

Lowest floor: knows nothing of texts or models. Every file that anaphora writes goes through `atomic_write` or
`atomic_folder`, so that a full disk, Ctrl-C or kill -9 leaves what was there before.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from anaphora.errors import AnaphoraError

_HASH_BLOCK = 1 << 20
_MAX_JSON_BYTES = 256 << 20  # a tokenizer with a million tokens takes about 30 MB


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that takes the place of `path` only when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Make a new folder that takes the place of `path` only when the block ends without an error.

    The old folder is moved aside before the new one moves in and deleted after; a process killed between the two
    moves leaves both complete on disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
    try:
        yield partial
        partial.chmod(0o777 & ~_umask())
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".old", dir=path.parent))
            path.replace(old / path.name)
            partial.replace(path)
            shutil.rmtree(old)
        else:
            partial.replace(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def remove_partials(folder: Path) -> None:
    """Delete what writers that were killed left behind in `folder`; call only where nobody else is writing."""
    for leftover in folder.glob(".*.partial"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write `value` as indented UTF-8 JSON, atomically."""
    with atomic_write(path) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False).encode("utf-8", "surrogatepass"))
        file.write(b"\n")


def read_json(path: Path, error: type[AnaphoraError], what: str) -> dict[str, Any]:
    """Read one JSON object; `what` names it in the message of the `error` raised when that fails."""
    try:
        if path.stat().st_size > _MAX_JSON_BYTES:
            raise error(f"{what} {path} is larger than {_MAX_JSON_BYTES >> 20} MB; this is no file of ours")
        value = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
    except FileNotFoundError:
        raise error(f"{what} {path} does not exist") from None
    except OSError as fault:
        raise error(f"{what} {path} cannot be read: {fault.strerror}") from None
    except (ValueError, RecursionError) as fault:
        raise error(f"{what} {path} is not valid JSON: {fault}; restore it or make it again") from None
    if not isinstance(value, dict):
        raise error(f"{what} {path} holds a JSON {type(value).__name__}, not an object")
    return value


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sha256_json(value: Mapping[str, Any]) -> str:
    """Return the sha256 of a JSON object, independent of the order of its keys."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def cache_folder() -> Path:
    """Return a folder for what can be made again: ANAPHORA_CACHE, else the user's cache, else a temporary one."""
    chosen = os.environ.get("ANAPHORA_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    home = Path(base) if base else Path(os.path.expanduser("~")) / ".cache"  # noqa: PTH111 - must not raise
    folder = home / "anaphora"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.gettempdir()) / f"anaphora-cache-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
