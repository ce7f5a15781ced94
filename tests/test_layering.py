"""The plan of the house holds: imports point downwards, light rooms stay light, and one file alone prints.

Reads the source as a syntax tree. docs/architecture.md draws the same floors for readers.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import anaphora

SOURCE = Path(__file__).resolve().parent.parent / "src" / "anaphora"

# The rooms, lowest floor first. A room is a package or a single module directly under src/anaphora.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("compiled", "errors", "files", "progress", "runtime", "settings"),
    ("text", "models"),
    ("data", "bundle"),
    ("evaluation", "generation"),
    ("training",),
    ("api", "lab", "recipes"),
    ("cli",),
    ("__init__", "__main__"),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
GROUND = FLOORS[0]
# A recipe is a stored call of the api or of the laboratory.
NEIGHBOURS_ALLOWED = {("recipes", "api"), ("recipes", "lab")}
FREE_OF_TORCH = {*GROUND, "text", "__init__", "__main__"}

MODULES = sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    """Return the room a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every imported name in full, with its line; `from a import b` gives "a.b". Absolute imports only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import; write it in full"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def imported_room(name: str) -> str | None:
    """Return the room that a full name leads to, or None when it is not ours. The version is free to all."""
    first, *rest = name.split(".")
    if first != "anaphora" or rest == ["__version__"]:
        return None
    if len(rest) == 1 and rest[0] in anaphora._HOMES:  # a public name counts as what it stands for
        return imported_room(anaphora._HOMES[rest[0]])
    return rest[0] if rest and rest[0] in FLOOR else "__init__"


def may_import(room: str, other: str) -> bool:
    """Say whether the plan lets `room` import from `other`."""
    if room == other or (room, other) in NEIGHBOURS_ALLOWED or (room in GROUND and other in GROUND):
        return True
    return FLOOR[other] < FLOOR[room]


def when_imported(tree: ast.Module) -> ast.Module:
    """Return the tree without what does not run at import: function bodies and type-checking blocks."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if "TYPE_CHECKING" in ast.dump(node.test) else self.generic_visit(node)

    stripped = Strip().visit(tree)
    assert isinstance(stripped, ast.Module)
    return stripped


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def named(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_every_module_stands_on_a_floor(path: Path) -> None:
    assert room_of(path) in FLOOR, f"{named(path)} is in no room of the plan; give it a floor in {__file__}"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_point_downwards(path: Path) -> None:
    room = room_of(path)
    wrong = [
        f"line {line}: {room} (floor {FLOOR[room]}) imports {name} (floor {FLOOR[other]})"
        for name, line in imports(parse(path))
        if (other := imported_room(name)) and not may_import(room, other)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) in FREE_OF_TORCH], ids=named)
def test_light_rooms_load_without_torch(path: Path) -> None:
    heavy = [f"line {line}: {name}" for name, line in imports(when_imported(parse(path))) if name.startswith("torch")]
    assert not heavy, "\n".join(heavy)


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_the_command_line_prints_and_exits(path: Path) -> None:
    if named(path) == "cli/output.py":
        return
    banned = {"print", "input", "breakpoint"} | (set() if room_of(path) == "cli" else {"exit", "quit", "SystemExit"})
    names = [
        f"line {node.lineno}: {node.id}"
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Name) and node.id in banned
    ]
    calls = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"sys.stdout", "sys.stderr", "typer.echo", "typer.secho", "rich.print"}
    ]
    assert not names + calls, "\n".join(names + calls)


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_file_can_run_a_strangers_code(path: Path) -> None:
    """A model folder from anyone is safe to open: nothing unpickles, evaluates or executes."""
    tree = parse(path)
    modules = [name for name, _ in imports(tree) if name.split(".")[0] in {"pickle", "marshal", "shelve", "dill"}]
    calls = [
        f"line {node.lineno}: {ast.unparse(node.func)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"torch.load", "eval", "exec"}
    ]
    assert not modules + calls, "\n".join(modules + calls)


def test_the_rules_notice_what_they_forbid() -> None:
    """The checks above would pass on an empty house too: try them on sentences that break the rules."""
    assert not may_import("text", "models")
    assert not may_import("models", "data")
    assert not may_import("api", "recipes")
    assert may_import("recipes", "api")
    assert may_import("recipes", "lab")
    assert not may_import("lab", "api")
    assert may_import("training", "text")
    assert imported_room("anaphora.data.prepare.prepare") == "data"
    assert imported_room("anaphora.train") == "api"
    assert imported_room("anaphora") == "__init__"
    assert imported_room("anaphora.__version__") is None
    tree = ast.parse("import torch.nn\ndef f():\n    import torch\n")
    assert list(imports(tree)) == [("torch.nn", 1), ("torch", 3)]
    assert list(imports(when_imported(tree))) == [("torch.nn", 1)]
