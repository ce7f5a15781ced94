"""Compiled loops are kept on disk, also where numba finds no folder of its own."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numba
import pytest

from anaphora.compiled import compiled
from anaphora.files import cache_folder


def add_one(number: int) -> int:
    return number + 1


def test_machine_code_goes_to_the_cache_folder_when_no_other_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    config: Any = numba.config
    before = config.CACHE_DIR

    def choosy(**_: bool) -> Callable[[Any], Any]:
        if before == config.CACHE_DIR:
            raise RuntimeError("cannot cache function 'add_one': no locator available for file 'test_compiled.py'")
        made: Callable[[Any], Any] = numba.njit(cache=True, nogil=True)
        return made

    monkeypatch.setattr("anaphora.compiled.numba", SimpleNamespace(njit=choosy, config=config))
    assert compiled(add_one)(41) == 42
    assert before == config.CACHE_DIR
    assert list((cache_folder() / "numba").rglob("*add_one*.nbc"))
