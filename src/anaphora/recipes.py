"""Recipes: known results that anyone can make again. One TOML file holds the command, the expected figures, the source.

A recipe is run through `anaphora.api`, like every other training, and its figures are compared with what came out.
They lie in `recipes/` of a checkout and in `anaphora/_recipes` of an installed package.
"""

import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from anaphora import api
from anaphora.errors import ConfigError
from anaphora.progress import Progress, silent
from anaphora.settings import Settings, did_you_mean

_PACKAGE = Path(__file__).parent
_FOLDERS = (_PACKAGE / "_recipes", _PACKAGE.parents[1] / "recipes")
_NOT_OPTIONS = {"corpus", "progress", "settings", "resume", "overwrite", "command", "started", "return"}


class Figure(Settings):
    """One expected number.

    Attributes:
        figure: where it stands in the result of `train`, with dots: "test.perplexity".
        value: what was measured when the recipe was written.
        tolerance: how far another machine's number may lie from it, either way, in the figure's unit.
    """

    section: ClassVar[str] = "expected"

    figure: str
    value: float
    tolerance: float


class Recipe(Settings):
    """A known result.

    Attributes:
        name: the file's name without its suffix.
        description: what the result shows, in a sentence or two.
        data: which corpus, where it comes from, its licence.
        command: the whole command line, beginning "anaphora train".
        source: where the expected figures come from: the machine, the versions, the paper.
        minutes: about how long it takes on the machine named in `source`.
        expected: the figures.
    """

    section: ClassVar[str] = "recipe"

    name: str
    description: str
    data: str
    command: str
    source: str
    minutes: float
    expected: tuple[Figure, ...]


@dataclass(frozen=True, kw_only=True)
class Check:
    """An expected figure beside the one that came out."""

    figure: str
    expected: float
    tolerance: float
    got: float
    passed: bool


@dataclass(frozen=True, kw_only=True)
class RecipeResult:
    """What running a recipe gave; `passed` when every figure lies within its tolerance."""

    recipe: Recipe
    checks: tuple[Check, ...]
    result: api.TrainResult

    @property
    def passed(self) -> bool:
        """Whether every figure lies within its tolerance."""
        return all(check.passed for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return {
            "recipe": self.recipe.name,
            "passed": self.passed,
            "checks": [asdict(check) for check in self.checks],
            "result": self.result.to_json(),
        }


def recipes() -> dict[str, Path]:
    """Return the known recipes by name."""
    files = {file.stem: file for folder in _FOLDERS for file in folder.glob("*.toml")}
    return dict(sorted(files.items()))


def load_recipe(name: str | Path) -> Recipe:
    """Read a recipe by its name or from a path.

    Raises:
        ConfigError: there is none of that name, or the file is no recipe.
    """
    known = recipes()
    path = known.get(str(name), Path(name))
    if not path.is_file():
        names = ", ".join(known) or "none"
        raise ConfigError(f"no recipe {str(name)!r}{did_you_mean(str(name), list(known))} (known: {names})")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise ConfigError(f"recipe {path} is not valid TOML: {fault}") from None
    try:
        expected = values.pop("expected", [])
        figures = tuple(Figure(**figure) for figure in expected)
        return Recipe(**{"name": path.stem, **values, "expected": figures})
    except (ConfigError, TypeError) as fault:
        raise ConfigError(f"recipe {path}: {fault}") from None


def run_recipe(name: str | Path, *, out: Path | None = None, progress: Progress = silent) -> RecipeResult:
    """Run a recipe's command and compare its figures.

    Raises:
        ConfigError: no such recipe, or its command or an expected figure makes no sense.
    """
    recipe = load_recipe(name)
    corpus, options = train_arguments(recipe.command)
    options |= {"out": out} if out else {}
    result = api.train(corpus, progress=progress, **options)
    values = result.to_json()
    return RecipeResult(
        recipe=recipe, checks=tuple(_check(expected, values) for expected in recipe.expected), result=result
    )


def train_arguments(command: str) -> tuple[list[str], dict[str, Any]]:
    """Turn an "anaphora train ..." command line into the corpus and the keyword arguments of `api.train`.

    Every option has the name of its argument, `--set` alone is called `settings`.

    Raises:
        ConfigError: the command is not of that form, or an option or its value is unknown to `api.train`.
    """
    words = shlex.split(command)
    if words[:2] != ["anaphora", "train"]:
        raise ConfigError(f"command = {command!r}: a recipe's command begins with 'anaphora train'")
    hints = {name: hint for name, hint in get_type_hints(api.train).items() if name not in _NOT_OPTIONS}
    corpus: list[str] = []
    options: dict[str, Any] = {}
    rest = iter(words[2:])
    for word in rest:
        if not word.startswith("--"):
            corpus.append(word)
        elif word == "--set":
            options.setdefault("settings", []).append(next(rest, ""))
        else:
            argument = word[2:].replace("-", "_")
            if argument not in hints:
                flags = ["--" + name.replace("_", "-") for name in hints]
                raise ConfigError(f"command: no option {word}{did_you_mean(word, flags)}")
            options[argument] = _parse(word, next(rest, None), hints[argument])
    return corpus, options


def _parse(flag: str, word: str | None, kind: Any) -> Any:
    if word is None:
        raise ConfigError(f"command: {flag} needs a value")
    try:
        return TypeAdapter(kind).validate_strings(word)
    except ValidationError:
        raise ConfigError(f"command: {flag} {word} is not a value of that option") from None


def _check(expected: Figure, values: Mapping[str, Any]) -> Check:
    got: Any = values
    for key in expected.figure.split("."):
        got = got.get(key) if isinstance(got, Mapping) else None
    if not isinstance(got, int | float):
        raise ConfigError(f"figure = {expected.figure!r} in [expected]: the result of train has no such number")
    return Check(
        figure=expected.figure,
        expected=expected.value,
        tolerance=expected.tolerance,
        got=float(got),
        passed=abs(got - expected.value) <= expected.tolerance,
    )
