"""The run folder: where it goes, who may take it, and that a run which never began leaves nothing behind.

config.json       the whole configuration, resolved: what `--resume` reads
run.json          provenance: corpus and tokenizer hashes, the command, why each choice was made
tokenizer.json   of a run that started from another model (`init`): that model's
metrics.jsonl     one line a report          (written by the Trainer)
checkpoints/      last and best              (written by the Trainer)
model/            the finished model folder
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from anaphora import bundle
from anaphora.errors import ConfigError

CONFIG, RUN, MODEL, CHECKPOINTS = "config.json", "run.json", "model", "checkpoints"
RUNS = Path("runs")


@contextmanager
def new_run(out: Path | None, name: str, *, overwrite: bool = False) -> Iterator[Path]:
    """Make the folder of a new run: `out`, or a free one called runs/NAME, runs/NAME-2, ...

    When the block fails before a checkpoint or a model was written, the folder disappears again, and a run that it
    replaced comes back.

    Raises:
        ConfigError: `out` is taken, and is no run that `overwrite` allows to replace.
    """
    folder, replaced = (_free(name), None) if out is None else _explicit(out, overwrite)
    try:
        yield folder
    except BaseException:
        if not holds_progress(folder):
            shutil.rmtree(folder, ignore_errors=True)
            if replaced:
                (replaced / folder.name).replace(folder)
                replaced.rmdir()
                replaced = None
        raise
    finally:
        if replaced:
            shutil.rmtree(replaced)


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Make sure that a model made of others may be written to a folder.

    Raises:
        ConfigError: it is a file, or holds something else, or a model that `overwrite` does not allow to replace.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--out {folder} is a file; name a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / bundle.CONFIG).is_file() or not (folder / bundle.WEIGHTS).is_file():
        raise ConfigError(f"--out {folder} is not empty and holds no model; --overwrite replaces models only")
    if not overwrite:
        raise ConfigError(f"--out {folder} holds a model already; choose another folder, or replace it (--overwrite)")


def holds_progress(folder: Path) -> bool:
    """Say whether a run folder holds something worth keeping: a checkpoint or a model."""
    in_stages = f"*/{CHECKPOINTS}/*"
    return (folder / MODEL).is_dir() or any(folder.glob(f"{CHECKPOINTS}/*")) or any(folder.glob(in_stages))


def _free(name: str) -> Path:
    for number in count(1):
        folder = RUNS / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("count() never ends")


def _explicit(out: Path, overwrite: bool) -> tuple[Path, Path | None]:
    """Make the folder the user named; return it and, when a run was moved aside for it, where that run lies now."""
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; name a folder")
    taken = out.is_dir() and any(out.iterdir())
    if taken and not overwrite:
        raise ConfigError(
            f"--out {out} is not empty; choose another folder, go on with its run (--resume {out}),"
            " or replace it (--overwrite)"
        )
    if not taken:
        out.mkdir(parents=True, exist_ok=True)
        return out, None
    if not (out / CONFIG).is_file() or not (out / RUN).is_file():
        raise ConfigError(f"--out {out} is not empty and holds no run of anaphora; --overwrite replaces runs only")
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".old", dir=out.resolve().parent))
    out.replace(aside / out.name)
    out.mkdir()
    return out, aside
