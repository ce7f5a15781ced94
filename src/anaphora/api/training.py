"""`train`: from a text to a model folder with an honest score. The door; the work is in `run.py`."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anaphora.api.conditional_run import ConditionalRun
from anaphora.api.configure import Assignments, begin_or_resume, corpus_options
from anaphora.api.folder import CONFIG
from anaphora.api.result import TrainResult
from anaphora.api.run import Run
from anaphora.errors import BundleError, ConfigError
from anaphora.files import read_json
from anaphora.progress import Progress, silent
from anaphora.text.corpus import CorpusSettings
from anaphora.training.conditional_run_config import CONDITIONAL
from anaphora.training.run_config import LANGUAGE_MODEL


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
    condition: str | None = None,
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
        condition: the column of a table that holds a label for each document: the model learns to write texts of each
            label, see `given`. `minutes` then chooses no sizes.
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
    conditional = condition is not None or _is_conditional(resume)
    options = {
        **(_document_options(corpus, condition) if conditional else corpus_options(corpus)),
        f"{'documents' if conditional else 'corpus'}.valid": valid,
        f"{'documents' if conditional else 'corpus'}.test": test,
        "tokenizer.kind": tokenizer,
        "model.name": model,
        "training.minutes": minutes,
        "training.epochs": epochs,
        "training.steps": steps,
        "training.seed": seed,
        "training.init": init,
    }
    run: Run | ConditionalRun = (ConditionalRun if conditional else Run)(
        started=time.monotonic() if started is None else started, track=track, command=command, progress=progress
    )
    return begin_or_resume(
        run,
        options,
        config=config,
        settings=settings,
        layout=CONDITIONAL if conditional else LANGUAGE_MODEL,
        out=out,
        overwrite=overwrite,
        resume=resume,
        others=(corpus, preset, init, condition),
        own="corpus",
        flags="CORPUS, --preset, --config, --init, --out and --overwrite",
        preset_name=preset,
    )


def _document_options(
    corpus: str | Path | Sequence[str | Path] | CorpusSettings | None, label_column: str | None
) -> dict[str, Any]:
    """Turn a corpus of labelled documents into values of the [documents] section, by full name.

    Raises:
        ConfigError: it is more than one source.
    """
    if corpus is None:
        return {}
    source = corpus_options(corpus)["corpus.source"]
    if len(source) != 1 or isinstance(corpus, CorpusSettings):
        raise ConfigError(
            f"condition = {label_column!r}: name one table, or a folder of tables, with a column of texts and one of"
            " labels"
        )
    return {"documents.source": source[0], "documents.label_column": label_column}


def _is_conditional(run: str | Path | None) -> bool:
    """Tell whether the run in a folder learns from labelled documents; what is wrong with it is said later."""
    if run is None or not (Path(run) / CONFIG).is_file():
        return False
    return "condition" in read_json(Path(run) / CONFIG, BundleError, "the configuration of the run")
