"""The pages under docs/reference are what docs/make_reference.py writes: they cannot drift from the code."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def generator(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", root / "docs" / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["cli.md", "files.md"])
def test_page_is_up_to_date(generator: ModuleType, root: Path, name: str) -> None:
    written = (root / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == generator.PAGES[name](), "run `make docs` and commit what changes"


def test_every_command_and_file_is_there(generator: ModuleType) -> None:
    commands = generator.command_page()
    for command in ("train", "eval", "generate", "info", "data fetch", "recipe run"):
        assert f"`anaphora {command}`" in commands
    assert "anaphora/cli/__init__.py" in generator.files_page()
