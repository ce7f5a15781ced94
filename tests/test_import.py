"""`import anaphora` is silent, light and needs nothing from the machine; the public names are what they say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import anaphora

HEAVY = {"torch", "numpy", "pydantic", "typer", "rich", "tokenizers", "pooch"}


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(anaphora.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": source, **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def test_import_prints_nothing_and_loads_nothing_heavy() -> None:
    done = run_python(f"import sys, anaphora; assert not {HEAVY!r} & set(sys.modules), {HEAVY!r} & set(sys.modules)")
    assert (done.stdout, done.stderr) == ("", "")


def test_all_modules_load_in_silence_without_a_home_that_can_be_written() -> None:
    done = run_python("import anaphora\nfor name in anaphora.__all__: getattr(anaphora, name)", HOME="/nowhere/at/all")
    assert (done.stdout, done.stderr) == ("", "")


def test_import_sets_nothing_in_the_environment() -> None:
    done = run_python("import os; before = dict(os.environ); import anaphora; assert dict(os.environ) == before")
    assert done.returncode == 0


def test_public_names_are_sorted_and_present() -> None:
    assert list(anaphora.__all__) == sorted(anaphora.__all__)
    for name in anaphora.__all__:
        assert getattr(anaphora, name) is not None
    assert set(anaphora.__all__) <= set(dir(anaphora))


def test_public_functions_explain_themselves() -> None:
    for name in set(anaphora.__all__) - {"__version__"}:
        assert getattr(anaphora, name).__doc__, f"anaphora.{name} has no docstring"


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        anaphora.tarin  # noqa: B018 - the access is the test
