"""From what the user asked for to one configuration: preset, file, --set, options; later ones win."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from anaphora.errors import ConfigError
from anaphora.progress import Progress, silent
from anaphora.text.catalog import CATALOG
from anaphora.text.corpus import Corpus, CorpusSettings, open_corpus
from anaphora.text.sources import STDIN
from anaphora.training.presets import preset
from anaphora.training.run_config import LANGUAGE_MODEL, RunConfig
from anaphora.training.sections import Layout, Sections

DEFAULT_MINUTES = 10.0
_STOPS = ("minutes", "epochs", "steps")

Assignments = Mapping[str, Any] | Sequence[str]
ResultT_co = TypeVar("ResultT_co", covariant=True)


class Startable(Protocol[ResultT_co]):
    """A run of any kind."""

    def begin(self, sections: Sections, out: Path | None, overwrite: bool) -> ResultT_co:
        """Train in a new folder."""

    def resume(self, folder: Path, settings: Assignments | None, options: Mapping[str, Any]) -> ResultT_co:
        """Go on with the run in a folder."""


def begin_or_resume(
    run: Startable[ResultT_co],
    options: Mapping[str, Any],
    *,
    config: str | Path | Mapping[str, Mapping[str, Any]] | None,
    settings: Assignments | None,
    layout: Layout,
    out: str | Path | None,
    overwrite: bool,
    resume: str | Path | None,
    others: Sequence[object],
    own: str,
    flags: str,
    preset_name: str | None = None,
) -> ResultT_co:
    """Start a run as the user asked for it.

    Args:
        run: what to start.
        options: as for `overlay`.
        config: a configuration file, or its sections.
        settings: as for `overlay`.
        layout: likewise.
        out: the folder of a new run; None for one that is free.
        overwrite: replace the run that is there.
        resume: the folder of one to go on with instead.
        others: what a run that goes on cannot be given either, None where it is not.
        own: what such a run has of its own, for the message: "corpus".
        flags: how the command line calls all that it cannot be given.
        preset_name: as for `overlay`.

    Raises:
        ConfigError: both a new run and one to go on with are described; or as `overlay`.
    """
    if resume is not None:
        if any(given is not None for given in (*others, config, out)) or overwrite:
            raise ConfigError(
                f"--resume {resume} goes on with that run's own {own} and configuration, in its own folder;"
                f" leave out {flags}"
            )
        return run.resume(Path(resume), settings, options)
    base = Path(config) if isinstance(config, str) else config
    sections = overlay(base, settings, options, preset_name=preset_name, layout=layout)
    return run.begin(sections, None if out is None else Path(out), overwrite)


def overlay(
    base: Path | Mapping[str, Mapping[str, Any]] | None,
    settings: Assignments | None,
    options: Mapping[str, Any],
    *,
    preset_name: str | None = None,
    layout: Layout = LANGUAGE_MODEL,
) -> Sections:
    """Lay `settings` over the configuration `base`, and over both the `options` that are not None.

    Args:
        base: a configuration file, or its sections.
        settings: {"hidden_size": 64, ...} or ["hidden_size=64", ...]; a full name is "model.hidden_size".
        options: values by full name.
        preset_name: a preset to lay under all of them.
        layout: which sections there are.

    Raises:
        ConfigError: an unknown name, or a file that cannot be read.
    """
    sections: Mapping[str, Mapping[str, Any]] = layout.read(base) if isinstance(base, Path) else base or {}
    if preset_name is not None:
        sections = _laid_over(preset(preset_name).sections, sections, settings)
    items = [_assignment(*pair) for pair in settings.items()] if isinstance(settings, Mapping) else settings or []
    given = {name: value for name, value in options.items() if value is not None}
    # In one go, since the model's name, which may be an option, decides which settings there are.
    merged = layout.assigned(sections, [*items, *(_assignment(*pair) for pair in given.items())])
    stops = [stop for stop in _STOPS if f"training.{stop}" in given]
    if stops:
        # A run stops by one rule: the option that was given replaces whatever rule a file or --set had.
        for stop in set(_STOPS) - set(stops):
            merged["training"].pop(stop, None)
    return merged


def complete(sections: Sections, *, by_gradient: bool) -> RunConfig:
    """Check the sections and make the configuration; without a rule to stop by, training takes ten minutes.

    Raises:
        ConfigError: no corpus, or a value that cannot be.
    """
    if not sections["corpus"].get("source"):
        raise ConfigError(
            "no corpus was named; give a text file, a folder, '-' for stdin, or a name from `anaphora data list`"
        )
    training = sections["training"]
    if by_gradient and all(training.get(stop) is None for stop in _STOPS):
        training = {**training, "minutes": DEFAULT_MINUTES}
    return RunConfig.from_json({**sections, "training": training})


def suit_corpus(config: RunConfig, opened: Corpus, sections: Sections, *, by_gradient: bool) -> RunConfig:
    """Fill in what suits the corpus where the user left it open, and make paths absolute: `eval` may run elsewhere."""
    suits: dict[str, Any] = {"kind": opened.default_tokenizer, "line_breaks": opened.default_line_breaks}
    # A net that never met <unk> pays dearly for each unknown word; a counting model has its own way with the unseen.
    kind = sections["tokenizer"].get("kind", opened.default_tokenizer)
    if by_gradient and kind in ("words", "english") and "min_count" not in sections["tokenizer"]:
        suits["learn_unknown"] = True
    if config.training.init is not None:
        suits = {}
    open_still = {key: value for key, value in suits.items() if key not in sections["tokenizer"]}
    corpus = config.corpus
    paths = {
        "source": tuple(absolute(name) for name in corpus.source),
        "valid": corpus.valid and absolute(corpus.valid),
        "test": corpus.test and absolute(corpus.test),
    }
    return config.replace(tokenizer=config.tokenizer.replace(**open_still), corpus=corpus.replace(**paths))


def resolve(
    corpus: str | Path | Sequence[str | Path] | None = None,
    *,
    model: str | None = None,
    tokenizer: str | None = None,
    config: Path | None = None,
    settings: Assignments | None = None,
    data_dir: Path | None = None,
    progress: Progress = silent,
) -> RunConfig:
    """Return the configuration of the run that `train` would make of these arguments, without making it.

    Raises:
        ConfigError: as `train`; or it starts from another model (`init`), which this cannot.
    """
    named = {"corpus.data_dir": data_dir, "tokenizer.kind": tokenizer, "model.name": model}
    sections = overlay(config, settings, {**corpus_options(corpus), **named})
    found = complete(sections, by_gradient=True)
    if found.training.init is not None:
        raise ConfigError(
            f"init = {found.training.init!r} in [training]: only a run can start from a model; leave it out"
        )
    opened = open_corpus(found.corpus, progress=progress)
    return suit_corpus(found, opened, sections, by_gradient=True)


def corpus_options(corpus: str | Path | Sequence[str | Path] | CorpusSettings | None) -> dict[str, Any]:
    """Turn any way to name a corpus into values of the [corpus] section, by full name."""
    if corpus is None:
        return {}
    if isinstance(corpus, CorpusSettings):
        return {f"corpus.{key}": value for key, value in corpus.model_dump(exclude_unset=True).items()}
    named = [corpus] if isinstance(corpus, str | Path) else list(corpus)
    return {"corpus.source": [str(name) for name in named]}


def _laid_over(
    below: Mapping[str, Mapping[str, Any]], above: Mapping[str, Mapping[str, Any]], settings: Assignments | None
) -> Sections:
    """Return the sections `above` laid over those `below`; a rule to stop by in `above` or `settings` wins too."""
    merged = {section: {**below.get(section, {}), **above.get(section, {})} for section in {**below, **above}}
    names = [str(item).partition("=")[0].strip().removeprefix("training.") for item in settings or ()]
    if any(stop in names or stop in above.get("training", {}) for stop in _STOPS):
        for stop in set(_STOPS) - set(above.get("training", {})):
            merged["training"].pop(stop, None)
    return merged


def _assignment(name: str, value: Any) -> str:
    """Write a value the way --set takes it. JSON is TOML for strings, numbers, booleans and lists of them."""
    if value is None:
        return f"{name}=none"
    if isinstance(value, Path):
        value = str(value)
    return f"{name}={json.dumps(value, ensure_ascii=False)}"


def absolute(name: str) -> str:
    """Return a path that holds wherever it is opened from; stdin and known corpora keep their names."""
    return name if name == STDIN or name in CATALOG else str(Path(name).expanduser().absolute())
