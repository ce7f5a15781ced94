"""Writes docs/reference: every command with its options, and every source file with what it is for.

    python docs/make_reference.py     (or: make docs)

`tests/test_reference.py` compares the pages with what this script would write, so they cannot drift.
"""

import ast
from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from anaphora.cli import app

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"


def command_page() -> str:
    """Return the command line's help as Markdown."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="anaphora", title="Commands")
    return "<!-- Made by docs/make_reference.py; don't edit. -->\n\n" + text.strip() + "\n"


def files_page() -> str:
    """Return the list of source files, each with the first sentence of its docstring."""
    lines = ["<!-- Made by docs/make_reference.py; don't edit. -->", "", "# Source files", ""]
    source = ROOT / "src"
    for path in sorted((source / "anaphora").rglob("*.py"), key=lambda path: (len(path.parts), path)):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        lines.append(f"- `{path.relative_to(source).as_posix()}`: {docstring.splitlines()[0]}")
    return "\n".join(lines) + "\n"


PAGES = {"cli.md": command_page, "files.md": files_page}


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
