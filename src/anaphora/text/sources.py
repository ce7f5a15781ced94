"""From what the user names (a file, a folder, several files, "-", a pipe) to the files that will be read.

Folders are searched in depth and in sorted order. What can be read only once (stdin, pipes) is copied to a temporary
file first, because a corpus is read several times.
"""

import shutil
import stat
import sys
import tempfile
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from anaphora.errors import AnaphoraWarning, CorpusError
from anaphora.text.catalog import CATALOG
from anaphora.text.readers import FORMATS, PACKINGS, Format, ReadOptions, TextFile, reading, split_suffixes

STDIN = "-"


def _not_stdin(name: str) -> str:
    if name == STDIN:
        raise ValueError("a run reads it more than once; write it to a file")
    return name


def _sum_to_one(fractions: tuple[float, float, float]) -> tuple[float, float, float]:
    if fractions[0] <= 0 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError("the shares of train, valid and test must add up to 1, and train needs some of it")
    return fractions


# A source among the settings of whoever cannot keep a copy of stdin; and the shares of train, valid and test in it.
NamedSource = Annotated[str, AfterValidator(_not_stdin)]
Fractions = Annotated[tuple[float, float, float], AfterValidator(_sum_to_one)]

_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
}


class Spool:
    """Keeps copies of what can be read only once; they vanish with this object."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def copy(self, source: str, options: ReadOptions) -> TextFile:
        """Copy stdin ("-") or a pipe to a temporary file.

        `field` and `column` tell the format, as there is no suffix to do so.
        """
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="anaphora-")
        self._count += 1
        path = Path(self._folder.name) / f"input-{self._count}"
        label = "stdin" if source == STDIN else source
        with reading(label), path.open("wb") as target:
            if source == STDIN:
                shutil.copyfileobj(sys.stdin.buffer, target)
            else:
                with Path(source).open("rb") as pipe:
                    shutil.copyfileobj(pipe, target)
        kind: Format = "jsonl" if options.field else "csv" if options.column else "text"
        return TextFile(path=path, options=options, format=kind, label=label)


def resolve(named: Sequence[str], options: ReadOptions, spool: Spool) -> tuple[TextFile, ...]:
    """Return the files that these names stand for, in order.

    Raises:
        CorpusError: a name leads nowhere, or to a folder without texts.
    """
    files: list[TextFile] = []
    for name in named:
        path = Path(name).expanduser()
        if name == STDIN or _is_pipe(path):
            files.append(spool.copy(name, options))
        elif path.is_dir():
            files.extend(TextFile(path=file, options=options) for file in text_files(path))
        elif path.exists():
            files.append(TextFile(path=path, options=options))
        else:
            raise CorpusError(nowhere(name, path))
    _warn_of_idle_options(files, options)
    return tuple(files)


def text_files(folder: Path) -> list[Path]:
    """Return the files below `folder` with a suffix of a text, sorted by path; hidden ones are passed over.

    Raises:
        CorpusError: there are none.
    """
    files = sorted(
        path
        for path in folder.rglob("*")
        if split_suffixes(path.name)[0] is not None
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        raise CorpusError(
            f"folder {folder} holds no text ({' '.join(FORMATS)}, plain or {' '.join(PACKINGS)}); name the files "
            "themselves if they have other suffixes"
        )
    return files


def split_by_name(folder: Path) -> dict[str, tuple[Path, ...]] | None:
    """Return the files of each split when a folder's file names tell them (train.txt, ptb.valid.txt ...), else None.

    Only a folder that has a training file and a validation or test file counts; files beside them are left out with
    a warning, since reading them together with a test split would be worse.
    """
    splits: dict[str, list[Path]] = {}
    others: list[str] = []
    for path in text_files(folder):
        word = split_word(path.name)
        if word:
            splits.setdefault(word, []).append(path)
        else:
            others.append(path.name)
    if "train" not in splits or len(splits) == 1:
        return None
    if others:
        warnings.warn(
            f"folder {folder} has its own splits ({', '.join(sorted(splits))}); left out: {', '.join(others[:5])}",
            AnaphoraWarning,
            stacklevel=2,
        )
    return {split: tuple(splits[split]) for split in ("train", "valid", "test") if split in splits}


def split_word(name: str) -> str | None:
    """Read the split from a file name: its last part before the suffixes ("ptb.train.txt" -> "train")."""
    parts = name.lower()
    for suffix in (*PACKINGS, *FORMATS):
        parts = parts.removesuffix(suffix)
    return _SPLIT_WORDS.get(parts.replace("-", ".").replace("_", ".").rpartition(".")[2])


def _is_pipe(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def nowhere(name: str, path: Path) -> str:
    """Say that a name leads nowhere and what was probably meant."""
    try:
        siblings = {sibling.name: sibling for sibling in path.parent.iterdir()}
    except OSError:
        siblings = {}
        if path.parent != Path():
            return f"{name} does not exist, nor does the folder {path.parent}"
    near = get_close_matches(path.name, list(siblings), n=1, cutoff=0.6)
    known = get_close_matches(name, list(CATALOG), n=1, cutoff=0.6)
    meant = [repr(str(siblings[match])) for match in near] + [f"the known corpus {match!r}" for match in known]
    hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
    return f"{name!r} is neither a file or folder nor a known corpus{hint} (`anaphora data list` shows those)"


def _warn_of_idle_options(files: Sequence[TextFile], options: ReadOptions) -> None:
    formats = {file.format or split_suffixes(file.path.name)[0] or "text" for file in files}
    zipped = any(file.path.name.lower().endswith(".zip") for file in files)  # the members tell, later
    if options.field and "jsonl" not in formats and not zipped:
        warnings.warn("--field has no effect: no .jsonl file is read", AnaphoraWarning, stacklevel=3)
    if options.column and not formats & {"csv", "tsv"} and not zipped:
        warnings.warn("--column has no effect: no .csv or .tsv file is read", AnaphoraWarning, stacklevel=3)
