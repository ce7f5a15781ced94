"""What all tests share: the corpora beside the checkout, folders of their own, one thread each.

Set before anything imports torch, which reads OMP_NUM_THREADS once: the tests run in several processes, and their work
is too small for threads.
"""

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# A deadline is a time assertion in disguise, and this machine may be busy.
settings.register_profile("anaphora", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anaphora")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the pages of the docs first: the longest takes minutes, and should not begin when all else is done."""
    items.sort(key=lambda item: item.path.name != "test_readme.py")


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real corpora, ANAPHORA_SHARED or ../shared/data beside the checkout; skip without it."""
    chosen = os.environ.get("ANAPHORA_SHARED")
    folder = Path(chosen) if chosen else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared corpora at {folder}; set ANAPHORA_SHARED to the folder that holds ptb/, jaychou/ ...")
    return folder


@pytest.fixture(scope="session")
def _new_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    base, number = tmp_path_factory.mktemp("own"), count()
    return lambda: base / str(next(number))


@pytest.fixture(autouse=True)
def own_folders(_new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a cache folder and a data folder of its own, which nobody has made yet."""
    folder = _new_folder()
    monkeypatch.setenv("ANAPHORA_CACHE", str(folder / "cache"))
    monkeypatch.setenv("ANAPHORA_DATA", str(folder / "data"))


@pytest.fixture(scope="session")
def write_book() -> Callable[[Path], None]:
    """Return a function that writes a text of about 60,000 characters, the same each time, to a path."""
    subjects = ("the engineer", "a sailor", "the boy", "every bird", "the old reporter", "his dog")
    verbs = ("watched", "followed", "had lost", "remembered", "built", "could not find")
    objects = ("the island", "a raft", "the smoke", "two barrels", "the mouth of the river", "another fire")

    def write(path: Path) -> None:
        chance = Random(1268)
        sentences = [
            f"{chance.choice(subjects)} {chance.choice(verbs)} {chance.choice(objects)}.".capitalize()
            for _ in range(1_600)
        ]
        lines = (" ".join(sentences[start : start + 4]) for start in range(0, len(sentences), 4))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    return write
