"""What the pages tell readers to type is typed here: README.md and the pages of docs/, each in a folder of its own.

The convention (CONTRIBUTING.md repeats it for writers):
- ```console blocks: lines that begin with "$ " are run by bash; a line that ends with a backslash goes on in the next,
  after "> "; other lines are output, which is not compared.
- ```python blocks: run in one session for each page, in order.
- A reader's own text is called book.txt; it is there.
- Long trainings are cut short: every --minutes, --epochs or --steps becomes a few steps, minutes=, epochs=, steps= too.
- git, pip, cd and source are not run; of `make TARGET` and `anaphora recipe run NAME` only the names are checked.
- A block under a line `<!-- not run: reason -->` is left out.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# The pages under docs/reference are made from the code; what looks like a session there is a usage line.
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "reference")]
BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>.+?) -->\n)?^```(?P<kind>console|python)\n(?P<body>.*?)^```$", re.M | re.S
)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
NOT_RUN = {"git", "pip", "cd", "source", "python3"}
STEPS = 6
_TRAIN = r"anaphora (?:tag |classify )?train"
LIMIT_SECONDS = 240
CLOSED_PIPE = 141  # what bash reports of a command whose reader, as in `| head`, has seen enough


@dataclass(frozen=True)
class Block:
    """One fenced block of a page, with the line it begins on."""

    kind: str
    body: str
    line: int


def blocks_of(text: str) -> list[Block]:
    """Return the blocks of a page that are to be run."""
    return [
        Block(found["kind"], found["body"], text.count("\n", 0, found.start("body")) + 1)
        for found in BLOCK.finditer(text)
        if not found["reason"]
    ]


def commands_of(body: str) -> list[str]:
    """Return the commands of a console block, each on one line."""
    joined = re.sub(r" *\\\n>? *", " ", body)
    return [line.removeprefix("$ ") for line in joined.splitlines() if line.startswith("$ ")]


def shorten_command(command: str) -> str:
    """Cut a training short; leave other commands alone."""
    if not re.search(rf"\b{_TRAIN}\b", command):
        return command
    short, found = re.subn(r"--(minutes|epochs|steps)[ =]\S+", f"--steps {STEPS}", command)
    return short if found or "--resume" in command else re.sub(rf"({_TRAIN})", rf"\1 --steps {STEPS}", command)


def shorten_code(code: str) -> str:
    """Cut the trainings of a Python block short."""
    return re.sub(r"\b(minutes|epochs|steps)=[\d.]+", f"steps={STEPS}", code)


def run_command(command: str, folder: Path, where: str) -> None:
    """Run one command of a page, or check the names in it when it is not to be run."""
    words = shlex.split(command, comments=True)
    if words[0] in NOT_RUN:
        return
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text()
        unknown = [word for word in words[1:] if "=" not in word and not re.search(rf"^{word}:", makefile, re.M)]
        assert not unknown, f"{where}: the Makefile has no target {unknown}"
        return
    if words[:3] == ["anaphora", "recipe", "run"]:
        command = command.replace("recipe run", "recipe show")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", shorten_command(command)],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    assert done.returncode in (0, CLOSED_PIPE), (
        f"{where}: `{command}` exits with {done.returncode}\n{done.stdout}\n{done.stderr}"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_the_page_says_to_type_works(
    page: Path, tmp_path: Path, write_book: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_book(tmp_path / "book.txt")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    session: dict[str, object] = {"__name__": "page"}
    for block in blocks_of(page.read_text(encoding="utf-8")):
        where = f"{page.relative_to(ROOT)}, line {block.line}"
        if block.kind == "console":
            for command in commands_of(block.body):
                run_command(command, tmp_path, where)
        else:
            exec(compile(shorten_code(block.body), where, "exec"), session)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    broken = [target for target in targets if not (page.parent / target).exists()]
    assert not broken, f"{page.relative_to(ROOT)}: no such file: {', '.join(broken)}"


def test_the_readme_shows_a_training() -> None:
    """A page without blocks passes the test above; the front page must not be one."""
    commands = [
        command
        for block in blocks_of((ROOT / "README.md").read_text(encoding="utf-8"))
        if block.kind == "console"
        for command in commands_of(block.body)
    ]
    assert any(command.startswith("anaphora train ") for command in commands)
    assert any(command.startswith("anaphora generate ") for command in commands)


PAGE = """\
Text.

```console
$ anaphora train book.txt --minutes 2 \\
>   --out run
loss 1.0
$ anaphora info run
```

<!-- not run: needs the network -->
```console
$ anaphora train ptb
```

```python
anaphora.train("book.txt", minutes=2.5)
```
"""


def test_blocks_and_commands_are_found() -> None:
    console, python = blocks_of(PAGE)
    assert (console.kind, console.line, python.kind) == ("console", 4, "python")
    assert commands_of(console.body) == ["anaphora train book.txt --minutes 2 --out run", "anaphora info run"]
    assert shorten_code(python.body) == f'anaphora.train("book.txt", steps={STEPS})\n'


@pytest.mark.parametrize(
    ("command", "short"),
    [
        ("anaphora train book.txt --minutes 2", f"anaphora train book.txt --steps {STEPS}"),
        ("anaphora train book.txt --epochs=20 --json", f"anaphora train book.txt --steps {STEPS} --json"),
        ("anaphora train book.txt", f"anaphora train --steps {STEPS} book.txt"),
        ("anaphora train --resume run", "anaphora train --resume run"),
        ("anaphora eval run", "anaphora eval run"),
    ],
)
def test_trainings_are_cut_short(command: str, short: str) -> None:
    assert shorten_command(command) == short


def test_a_command_that_fails_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="exits with 3"):
        run_command("exit 3", tmp_path, "here")
    with pytest.raises(AssertionError, match="no target"):
        run_command("make coffee", tmp_path, "here")
