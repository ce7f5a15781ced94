"""`corpora`, `corpus_info` and `fetch`: the known corpora, described and brought here."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from anaphora.progress import Progress, silent
from anaphora.text import download
from anaphora.text.catalog import CATALOG
from anaphora.text.download import known_corpus


def corpora() -> dict[str, dict[str, Any]]:
    """Return what is known of every corpus, by name, as JSON values."""
    return {name: corpus_info(name) for name in CATALOG}


def corpus_info(name: str) -> dict[str, Any]:
    """Say what a corpus is: origin, licence, splits, default tokenizer, files with their checksums.

    Raises:
        CorpusError: no corpus has that name.
    """
    entry = known_corpus(name)
    return {**asdict(entry), "built_in": entry.built_in, "splits": list(entry.splits)}


def fetch(
    name: str, *, data_dir: Path | None = None, from_path: Path | None = None, progress: Progress = silent
) -> Path:
    """Download a corpus into the data folder, or take the copy at `from_path`; return where it lies.

    Raises:
        CorpusError: no corpus has that name.
        DownloadError: it cannot be had, or what came is not what was published.
    """
    return download.fetch(name, data_dir=data_dir, from_path=from_path, progress=progress)
