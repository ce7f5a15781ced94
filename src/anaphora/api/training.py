"""`train`: from a text to a model folder with an honest score. The door; the work is in `run.py`."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anaphora.api.configure import Assignments, corpus_options, overlay
from anaphora.api.result import TrainResult
from anaphora.api.run import Run
from anaphora.errors import ConfigError
from anaphora.progress import Progress, silent
from anaphora.text.corpus import CorpusSettings


def train(
    corpus: str | Path | Sequence[str | Path] | CorpusSettings | None = None,
    *,
    model: str | None = None,
    tokenizer: str | None = None,
    minutes: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    valid: str | Path | None = None,
    test: str | Path | None = None,
    seed: int | None = None,
    preset: str | None = None,
    init: str | Path | None = None,
    config: str | Path | Mapping[str, Mapping[str, Any]] | None = None,
    settings: Assignments | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    resume: str | Path | None = None,
    track: str | None = None,
    command: str | None = None,
    started: float | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a language model on a text, measure it, and save it.

    Args:
        corpus: a path, several, "-" for stdin, the name of a known corpus, or all settings of one.
        model: "lstm" (default), "gru", "elman", "unigram" or "uniform".
        tokenizer: "chars", "bytes", "words", "english", "bpe" or "unigram"; by default what suits the corpus.
        minutes: the time of this whole call; lets anaphora choose what was left open: size, batch, window, schedule.
            Ten, when neither this nor `epochs` nor `steps` is given.
        epochs: train on the whole text this often instead.
        steps: train this many steps instead.
        valid: a file for the validation split.
        test: a file for the test split.
        seed: of everything drawn at random.
        preset: the name of a published recipe, see `training.presets`; `config` and what follows win over it.
        init: a model folder to start from: its weights, its tokenizer, and its shape.
        config: a configuration file, or its sections.
        settings: single settings that win over `config`: {"hidden_size": 512} or ["hidden_size=512"]. The arguments
            above win over both.
        out: the run folder; by default a new one, runs/CORPUS-MODEL.
        overwrite: replace the run that is in `out`.
        resume: a run folder to go on with, instead of a corpus.
        track: "tensorboard" writes event files into the run.
        command: what the user typed, for the record.
        started: when the user began to wait, as `time.monotonic()` tells it; `minutes` count from there.
        progress: is told how the work goes on.

    Raises:
        AnaphoraError: whatever the user can mend; see `anaphora.errors`.

    >>> result = train("human-numbers", steps=200)  # doctest: +SKIP
    >>> result.valid.perplexity  # doctest: +SKIP
    """
    options = {
        **corpus_options(corpus),
        "corpus.valid": valid,
        "corpus.test": test,
        "tokenizer.kind": tokenizer,
        "model.name": model,
        "training.minutes": minutes,
        "training.epochs": epochs,
        "training.steps": steps,
        "training.seed": seed,
        "training.init": init,
    }
    run = Run(started=time.monotonic() if started is None else started, track=track, command=command, progress=progress)
    if resume is not None:
        if any(given is not None for given in (corpus, preset, config, init, out)) or overwrite:
            raise ConfigError(
                f"--resume {resume} goes on with that run's own corpus and configuration, in its own folder;"
                " leave out CORPUS, --preset, --config, --init, --out and --overwrite"
            )
        return run.resume(Path(resume), settings, options)
    base = Path(config) if isinstance(config, str) else config
    sections = overlay(base, settings, options, preset_name=preset)
    return run.begin(sections, None if out is None else Path(out), overwrite)
