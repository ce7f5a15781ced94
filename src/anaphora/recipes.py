"""Recipes: known results that anyone can make again. One TOML file holds the command, the expected figures, the source.

A recipe's command is a command line of anaphora. It is run through the function behind that command, and its figures
are compared with what came out. Recipes lie in `recipes/` of a checkout and in `anaphora/_recipes` of an installed
package.
"""

import json
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from anaphora import api
from anaphora.errors import ConfigError
from anaphora.evaluation.adapt.settings import AdaptSettings
from anaphora.generation.settings import GenerationSettings
from anaphora.lab.chars import write_by_heart
from anaphora.lab.ladder.climb import climb
from anaphora.progress import Progress, silent
from anaphora.settings import Settings, did_you_mean
from anaphora.text.download import data_folder

_PACKAGE = Path(__file__).parent
_FOLDERS = (_PACKAGE / "_recipes", _PACKAGE.parents[1] / "recipes")

# What a recipe may run: the words after "anaphora", and the function that this command calls.
COMMANDS: dict[str, Callable[..., Any]] = {
    "train": api.train,
    "classify train": api.train_classifier,
    "lab chars": write_by_heart,
    "lab ladder": climb,
}
_NOT_OPTIONS = {
    "corpus",
    "source",
    "progress",
    "settings",
    "resume",
    "overwrite",
    "command",
    "started",
    "rungs",
    "return",
}
_DATA = "{data}"


class Figure(Settings):
    """One expected number.

    Attributes:
        figure: where it stands in what the command prints with --json, with dots: "test.perplexity",
            "scores.test.accuracy", "rungs.7.accuracy". Of a training also "metrics.STEP.NAME", as in metrics.jsonl.
        value: what was measured when the recipe was written.
        tolerance: how far another machine's number may lie from it, either way, in the figure's unit.
        reported: what the recipe's source reports, where it does.
    """

    section: ClassVar[str] = "expected"

    figure: str
    value: float
    tolerance: float
    reported: float | None = None


class SampleRequest(GenerationSettings):
    """A text to show after a training: what it begins with, and how it is written."""

    section: ClassVar[str] = "samples"

    prompt: str


class AdaptRequest(Settings):
    """How the trained model goes on learning from the test text, for a second figure beside the static one.

    Attributes:
        method: "dynamic", "cache" or "both".
        tune: search for the settings on the validation text first.
        values: settings of the method, where they are not the defaults.
    """

    section: ClassVar[str] = "adapt"

    method: str
    tune: bool = False
    values: dict[str, float] = Field(default_factory=dict)


class Recipe(Settings):
    """A known result.

    Attributes:
        name: the file's name without its suffix.
        description: what the result shows, in a sentence or two.
        data: which corpus, where it comes from, its licence.
        command: the whole command line, beginning "anaphora" and one of `COMMANDS`. `{data}` in it stands for the
            data folder, ANAPHORA_DATA.
        source: where the expected figures come from: the machine, the versions, the paper.
        minutes: about how long it takes on the machine named in `source`.
        expected: the figures.
        samples: texts to show when a training is done.
        adapt: evaluate the trained model once more, adapting; its figures are "adapted.perplexity" and the like.
    """

    section: ClassVar[str] = "recipe"

    name: str
    description: str
    data: str
    command: str
    source: str
    minutes: float
    expected: tuple[Figure, ...]
    samples: tuple[SampleRequest, ...] = ()
    adapt: AdaptRequest | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """An expected figure beside the one that came out."""

    figure: str
    expected: float
    tolerance: float
    reported: float | None
    got: float
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text that the model wrote, and under which circumstances."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class RecipeResult:
    """What running a recipe gave.

    Attributes:
        recipe: which one.
        checks: the expected figures, each beside its own; none of a run that was broken off.
        texts: what the model wrote.
        values: what the command prints with --json.
    """

    recipe: Recipe
    checks: tuple[Check, ...]
    texts: tuple[Text, ...]
    values: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """Whether every figure lies within its tolerance."""
        return all(check.passed for check in self.checks)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the command."""
        return bool(self.values.get("interrupted"))

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return {
            "recipe": self.recipe.name,
            "passed": self.passed,
            "checks": [asdict(check) for check in self.checks],
            "texts": [asdict(text) for text in self.texts],
            "result": dict(self.values),
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
        figures = tuple(Figure(**figure) for figure in values.pop("expected", []))
        samples = tuple(SampleRequest(**sample) for sample in values.pop("samples", []))
        adapt = AdaptRequest(**values.pop("adapt")) if "adapt" in values else None
        return Recipe(**{"name": path.stem, **values, "expected": figures, "samples": samples, "adapt": adapt})
    except (ConfigError, TypeError) as fault:
        raise ConfigError(f"recipe {path}: {fault}") from None


def run_recipe(name: str | Path, *, out: Path | None = None, progress: Progress = silent) -> RecipeResult:
    """Run a recipe's command and compare its figures.

    Args:
        name: of the recipe, or its path.
        out: the run folder, for a recipe that trains.
        progress: is told how the work goes on.

    Raises:
        ConfigError: no such recipe, or its command or an expected figure makes no sense.
    """
    recipe = load_recipe(name)
    function, arguments = parse_command(recipe.command)
    if out:
        if "out" not in get_type_hints(function):
            raise ConfigError(f"--out {out}: the recipe {recipe.name} writes no run folder")
        arguments["out"] = out
    result = function(**arguments, progress=progress)
    values: dict[str, Any] = result.to_json()
    findable = {**values, "metrics": _metrics(result.run)} if "run" in values else values
    if recipe.adapt is not None and not values.get("interrupted"):
        adapted = _adapted(recipe, values, progress)
        values, findable = {**values, "adapted": adapted}, {**findable, "adapted": adapted}
    expected = () if values.get("interrupted") else recipe.expected
    return RecipeResult(
        recipe=recipe,
        checks=tuple(_check(figure, findable) for figure in expected),
        texts=(*_continuations(values), *_samples(recipe, values)),
        values=values,
    )


def parse_command(command: str) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Turn a recipe's command line into the function behind the command and its keyword arguments.

    Every option has the name of its argument, `--set` alone is called `settings`.

    Raises:
        ConfigError: the command is none that a recipe can hold, or an option or its value is unknown to it.
    """
    words = shlex.split(command)
    name = next((name for name in COMMANDS if words[1:][: name.count(" ") + 1] == name.split()), None)
    if words[:1] != ["anaphora"] or name is None:
        known = ", ".join(f"'anaphora {name}'" for name in COMMANDS)
        raise ConfigError(f"command = {command!r}: a recipe's command begins with one of {known}")
    function = COMMANDS[name]
    hints = {key: hint for key, hint in get_type_hints(function).items() if key not in _NOT_OPTIONS}
    read = "source" if function is api.train_classifier else "corpus"
    arguments: dict[str, Any] = {}
    rest = (word.replace(_DATA, str(data_folder())) for word in words[name.count(" ") + 2 :])
    for word in rest:
        if not word.startswith("--"):
            arguments[read] = [*arguments.get(read, []), word] if function is api.train else word
        elif word == "--set":
            arguments.setdefault("settings", []).append(next(rest, ""))
        else:
            key = word[2:].replace("-", "_")
            if key not in hints:
                flags = ["--" + name.replace("_", "-") for name in hints]
                raise ConfigError(f"command: no option {word}{did_you_mean(word, flags)}")
            value = _parse(word, next(rest, None), hints[key])
            arguments[key] = [*arguments.get(key, []), value] if hints[key] == Sequence[str] else value
    return function, arguments


def _parse(flag: str, word: str | None, kind: Any) -> Any:
    if word is None:
        raise ConfigError(f"command: {flag} needs a value")
    try:
        return word if kind == Sequence[str] else TypeAdapter(kind).validate_strings(word)
    except ValidationError:
        raise ConfigError(f"command: {flag} {word} is not a value of that option") from None


def _check(expected: Figure, values: Mapping[str, Any]) -> Check:
    got: Any = values
    for key in expected.figure.split("."):
        if isinstance(got, Mapping):
            got = got.get(key)
        elif isinstance(got, list) and key.isdecimal() and int(key) < len(got):
            got = got[int(key)]
        else:
            got = None
    if not isinstance(got, int | float):
        raise ConfigError(f"figure = {expected.figure!r} in [expected]: the command gives no such number")
    return Check(
        figure=expected.figure,
        expected=expected.value,
        tolerance=expected.tolerance,
        reported=expected.reported,
        got=float(got),
        passed=abs(got - expected.value) <= expected.tolerance,
    )


def _adapted(recipe: Recipe, values: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Evaluate the trained model as it adapts; return the adapted figures."""
    assert recipe.adapt is not None
    if "model" not in values:
        raise ConfigError(f"recipe {recipe.name}: [adapt] needs a command that trains a model, 'anaphora train'")
    settings = AdaptSettings.of(recipe.adapt.method, recipe.adapt.values)
    found = api.evaluate_adapted(values["model"], settings=settings, tune=recipe.adapt.tune, progress=progress)
    figures: dict[str, Any] = found.to_json()["adapted"]
    return figures


def _metrics(run: Path) -> dict[str, dict[str, float]]:
    """Return what metrics.jsonl of a run says, by step; a counting model has none."""
    found: dict[str, dict[str, float]] = {}
    path = run / "metrics.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        record = json.loads(line)
        found.setdefault(str(record["step"]), {}).update(record)
    return found


def _continuations(values: Mapping[str, Any]) -> Iterator[Text]:
    """Yield what a net wrote while it was trained by `lab chars`."""
    for report in values.get("reports", ()):
        for text in report["continuations"].values():
            yield Text(title=f"epoch {report['epoch']}, perplexity {report['perplexity']:.2f}", text=text)


def _samples(recipe: Recipe, values: Mapping[str, Any]) -> Iterator[Text]:
    """Yield the samples that the recipe asks for."""
    if recipe.samples and "model" not in values:
        raise ConfigError(f"recipe {recipe.name}: [[samples]] need a command that trains a model, 'anaphora train'")
    for request in recipe.samples:
        settings = request.model_dump(exclude_unset=True)
        for sample in api.generate(values["model"], **settings):
            yield Text(
                title=f"temperature {request.temperature:g}, {request.prompt!r}", text=request.prompt + sample.text
            )
