"""`train_tagger`, `evaluate_tagger` and `tag`: tags for the words of sentences. A run itself is in `tag_run.py`."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anaphora.api.configure import Assignments, begin_or_resume
from anaphora.api.tag_run import TagResult, TagRun, evaluate_split
from anaphora.bundle import TaggerBundle
from anaphora.bundle import load_tagger as read_tagger
from anaphora.data.sentences import EncodedSentences
from anaphora.errors import ConfigError
from anaphora.evaluation.tag_words import TagEvaluation, tag_words
from anaphora.progress import Progress, silent
from anaphora.runtime import choose_device
from anaphora.text.conll import TaggedSentence, read_conll
from anaphora.training.tag_run_config import TAGGER


def train_tagger(
    source: str | Path | None = None,
    *,
    valid: str | Path | None = None,
    test: str | Path | None = None,
    token_column: str | None = None,
    tag_column: str | None = None,
    encoding: str | None = None,
    encoder: str | Path | None = None,
    minutes: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int | None = None,
    config: str | Path | Mapping[str, Mapping[str, Any]] | None = None,
    settings: Assignments | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    resume: str | Path | None = None,
    track: str | None = None,
    command: str | None = None,
    started: float | None = None,
    progress: Progress = silent,
) -> TagResult:
    """Train a tagger on sentences whose words have tags, measure it, and save it.

    Args:
        source: a file, see `text.conll.read_conll`.
        valid: a file to validate on; without it a tenth of the sentences is held out.
        test: a file to test on.
        token_column: which column holds the words, by number or name.
        tag_column: which holds the tags.
        encoding: of the files; UTF-8 when not given.
        encoder: the folder of a language model whose layers go below.
        minutes: the time of this whole call.
        epochs: read the sentences this often instead; 20 times, where nothing is said.
        steps: take this many steps instead.
        seed: of everything drawn at random.
        config: a configuration file, or its sections.
        settings: single settings that win over `config`, as for `train`.
        out: the run folder; by default a new one, runs/FILE-tagger.
        overwrite: replace the run that is in `out`.
        resume: a run folder to go on with, instead of a source.
        track: "tensorboard" writes event files into the run.
        command: what the user typed, for the record.
        started: when the user began to wait, as `time.monotonic()` tells it; `minutes` count from there.
        progress: is told how the work goes on.

    Raises:
        AnaphoraError: whatever the user can mend; see `anaphora.errors`.

    >>> train_tagger("train.conllu", test="test.conllu").scores["test"].scores.accuracy  # doctest: +SKIP
    """
    options = {
        "sentences.source": source,
        "sentences.valid": valid,
        "sentences.test": test,
        "sentences.token_column": token_column,
        "sentences.tag_column": tag_column,
        "sentences.encoding": encoding,
        "tagger.language_model": encoder,
        "training.minutes": minutes,
        "training.epochs": epochs,
        "training.steps": steps,
        "training.seed": seed,
    }
    run = TagRun(
        started=time.monotonic() if started is None else started, track=track, command=command, progress=progress
    )
    return begin_or_resume(
        run,
        options,
        config=config,
        settings=settings,
        layout=TAGGER,
        out=out,
        overwrite=overwrite,
        resume=resume,
        others=(source, encoder),
        own="sentences",
        flags="FILE, --encoder, --config, --out and --overwrite",
    )


def load_tagger(path: str | Path, device: str = "auto") -> TaggerBundle:
    """Open a tagger: its folder, or the run folder around it.

    Raises:
        BundleError: the folder is missing, incomplete, corrupt, or holds another kind of model.
        ConfigError: no such device.
    """
    return read_tagger(Path(path), choose_device(device))


def evaluate_tagger(
    model: TaggerBundle | str | Path,
    source: str | Path,
    *,
    token_column: str | None = None,
    tag_column: str | None = None,
    encoding: str = "utf-8",
    device: str = "auto",
) -> TagEvaluation:
    """Measure a tagger on sentences whose words have tags.

    Args:
        model: a loaded tagger, or its folder.
        source: a file, or "-" for stdin.
        token_column: which column holds the words; by default that of the training.
        tag_column: which holds the tags, likewise.
        encoding: of the file.
        device: where a tagger is loaded to.

    Raises:
        AnaphoraError: no such model or file; a file that is no such file, with the line.
    """
    bundle = model if isinstance(model, TaggerBundle) else load_tagger(model, device)
    columns = bundle.provenance.get("columns")
    trained_on: dict[str, Any] = columns if isinstance(columns, dict) else {}
    sentences = read_conll(
        source,
        token=token_column or trained_on.get("token_column"),
        tag=tag_column or trained_on.get("tag_column"),
        encoding=encoding,
    )
    return evaluate_split(bundle, tuple(sentences), _encoded(bundle, sentences), "all")


@dataclass(frozen=True, slots=True)
class TaggedWords:
    """A sentence and what a tagger says of it.

    Attributes:
        words, tags: as many of the one as of the other.
        log_probs: of the tags, in nats.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    log_probs: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the sentence as JSON values."""
        return {"words": list(self.words), "tags": list(self.tags), "log_probs": list(self.log_probs)}


def tag(
    model: TaggerBundle | str | Path,
    sentences: str | Path | Iterable[Sequence[str]],
    *,
    token_column: str | None = None,
    encoding: str = "utf-8",
    device: str = "auto",
) -> list[TaggedWords]:
    """Tag the words of sentences.

    Args:
        model: a loaded tagger, or its folder.
        sentences: lists of words; or a file with one word a line and an empty line after each sentence, or "-".
        token_column: of the file, by number or name; by default FORM in CoNLL-U, elsewhere the first.
        encoding: of the file.
        device: where a tagger is loaded to.

    Raises:
        AnaphoraError: no such model or file; a sentence without words.

    >>> tag("runs/english-tagger", [["Time", "flies"]])[0].tags  # doctest: +SKIP
    """
    bundle = model if isinstance(model, TaggerBundle) else load_tagger(model, device)
    if isinstance(sentences, str | Path):
        given = read_conll(sentences, token=token_column, tagged=False, encoding=encoding)
    else:
        given = [TaggedSentence(tuple(words), (), f"sentence {n}") for n, words in enumerate(sentences, start=1)]
        for one in given:
            if not all(one.tokens) or not one.tokens:
                raise ConfigError(f"{one.where} has no words, or an empty one; leave it out")
    found = tag_words(bundle.model, _encoded(bundle, given))
    return [
        TaggedWords(words=one.tokens, tags=tags, log_probs=log_probs)
        for one, tags, log_probs in zip(given, found.tags, found.log_probs, strict=True)
    ]


def _encoded(bundle: TaggerBundle, sentences: Sequence[TaggedSentence]) -> EncodedSentences:
    config = bundle.model.config
    return EncodedSentences(sentences, bundle.tokenizer, config.tags, config.characters)
