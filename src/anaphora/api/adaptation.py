"""`adapt` and `evaluate_adapted`: models that go on learning from the text they read, and what that is worth."""

import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from anaphora.api.configure import corpus_options
from anaphora.api.evaluation import evaluate, open_whole, training_corpus
from anaphora.api.models import loaded
from anaphora.bundle import Bundle
from anaphora.data.prepare import encode_beginning, prepare
from anaphora.errors import AnaphoraWarning, BundleError, ConfigError, CorpusError
from anaphora.evaluation.adapt.build import adaptable, adapting
from anaphora.evaluation.adapt.report import AdaptedEvaluation
from anaphora.evaluation.adapt.settings import AdaptSettings
from anaphora.evaluation.adapt.statistics import GradientStatistics, gather_statistics
from anaphora.evaluation.adapt.tune import Tuning, search
from anaphora.evaluation.evaluate import evaluate_split
from anaphora.progress import Progress, silent
from anaphora.text.catalog import CATALOG
from anaphora.text.corpus import Corpus, CorpusSettings, open_corpus

Text = str | Path | Sequence[str | Path] | CorpusSettings


def adapt(
    model: Bundle | str | Path,
    settings: AdaptSettings,
    *,
    statistics_text: Text | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> Bundle:
    """Return a model that adapts to what it reads, to use like any other; the given one is shared and never changed.

    Args:
        model: a loaded model, or its folder.
        settings: what adapts; see `AdaptSettings`.
        statistics_text: what dynamic evaluation gathers its gradient statistics from, by default the training split of
            the corpus that the model was trained on.
        device: where a model is loaded to; one that is loaded already stays where it is.
        progress: is told how the work goes on.

    Raises:
        BundleError, CorpusError: the training text of the model is not known or gone, and no other was named.
        ConfigError: the model has nothing to adapt.

    >>> adapted = adapt("runs/ptb-lstm", AdaptSettings(cache=CacheSettings()))  # doctest: +SKIP
    >>> session = Session(adapted.model, start_id=adapted.tokenizer.start_id)  # doctest: +SKIP
    """
    bundle = loaded(model, device)
    statistics = _statistics(bundle, settings, statistics_text, progress)
    return replace(bundle, model=adapting(bundle.model, settings, statistics))


def evaluate_adapted(
    model: Bundle | str | Path,
    corpus: Text | None = None,
    *,
    settings: AdaptSettings,
    tune: bool = False,
    tune_tokens: int = 10_000,
    statistics_text: Text | None = None,
    split: str | None = None,
    batch_size: int = 1,
    device: str = "auto",
    progress: Progress = silent,
) -> AdaptedEvaluation:
    """Measure a model on a text twice: as it is, and as it adapts to what it has read of the text.

    Args:
        model: a loaded model, or its folder.
        corpus: as for `evaluate`.
        settings: what adapts.
        tune: search for better settings first, on the validation split of the corpus that the model was trained on.
        tune_tokens: search on so many of its tokens, from the beginning.
        statistics_text: as for `adapt`.
        split: as for `evaluate`.
        batch_size: as for `evaluate`; under dynamic evaluation all stretches share the weights that follow them.
        device: where a model is loaded to; one that is loaded already stays where it is.
        progress: is told how the work goes on.

    Raises:
        AnaphoraError: as `evaluate` and `adapt`; or no validation split to tune on.

    >>> evaluate_adapted("runs/ptb-lstm", settings=AdaptSettings.of("both")).adapted.perplexity  # doctest: +SKIP
    """
    if tune_tokens < 1:
        raise ConfigError(f"tune_tokens = {tune_tokens}: give a number of tokens to search on")
    bundle = loaded(model, device)
    adaptable(bundle.model)
    seconds: dict[str, float] = {}
    with _timed(seconds, "static"):
        static = evaluate(bundle, corpus, split=split, batch_size=batch_size, progress=progress)
    with _timed(seconds, "statistics"):
        statistics = _statistics(bundle, settings, statistics_text, progress)
    tuning = None
    if tune:
        with _timed(seconds, "tuning"):
            tuning = _tuned(bundle, settings, statistics, tune_tokens, progress)
        settings = tuning.settings
        if corpus is None and split == "valid":
            warnings.warn(
                "the adaptation is tuned on the split that it is scored on, which flatters it",
                AnaphoraWarning,
                stacklevel=2,
            )
    with _timed(seconds, "adapted"):
        changed = replace(bundle, model=adapting(bundle.model, settings, statistics))
        adapted = evaluate(changed, corpus, split=split, batch_size=batch_size, progress=progress)
    if not adapted.loss <= static.loss:  # or it is no number, once the weights have run away
        warnings.warn(
            f"adapting made the model worse ({adapted.loss:.4g} nats per token, {static.loss:.4g} before): set a lower"
            " learning_rate or weight, or let --tune choose",
            AnaphoraWarning,
            stacklevel=2,
        )
    return AdaptedEvaluation(static=static, adapted=adapted, settings=settings, tuning=tuning, seconds=seconds)


def _statistics(
    bundle: Bundle, settings: AdaptSettings, text: Text | None, progress: Progress
) -> GradientStatistics | None:
    """Gather what dynamic evaluation needs from the training split of a text."""
    if settings.dynamic is None:
        if text is not None:
            warnings.warn("statistics_text has no effect without dynamic evaluation", AnaphoraWarning, stacklevel=3)
        return None
    net = adaptable(bundle.model)
    prepared = prepare(
        _statistics_corpus(bundle, text, progress), bundle.tokenizer, splits=("train",), progress=progress
    )
    return gather_statistics(
        net, prepared.token_ids("train"), settings.dynamic, source=prepared.source_hash, progress=progress
    )


def _statistics_corpus(bundle: Bundle, text: Text | None, progress: Progress) -> Corpus:
    if text is not None:
        options = corpus_options(text)
        settings = CorpusSettings(**{key.removeprefix("corpus."): value for key, value in options.items()})
        named = settings.source[0] in CATALOG
        return open_corpus(settings, progress=progress) if named else open_whole(settings, progress)
    try:
        return open_corpus(training_corpus(bundle), progress=progress)
    except (BundleError, CorpusError) as fault:
        raise type(fault)(
            f"{fault}; dynamic evaluation needs gradient statistics of the training text, or of one that is like it:"
            " name that as statistics_text (--statistics)"
        ) from None


def _tuned(
    bundle: Bundle, settings: AdaptSettings, statistics: GradientStatistics | None, tokens: int, progress: Progress
) -> Tuning:
    """Search for settings on the beginning of the validation split of the corpus the model was trained on."""
    opened = open_corpus(training_corpus(bundle), progress=progress)
    if "valid" not in opened.splits:
        raise ConfigError(f"{opened.name} has no validation split to tune on: set the values yourself")
    prepared = prepare(opened, bundle.tokenizer, splits=("valid",), progress=progress)
    counts = prepared.counts["valid"]
    characters = -(-counts.characters * min(tokens, counts.tokens) // counts.tokens)
    excerpt = encode_beginning(opened, "valid", bundle.tokenizer, characters)

    def loss(candidate: AdaptSettings) -> float:
        candidate_model = adapting(bundle.model, candidate, statistics)
        return evaluate_split(candidate_model, prepared, "valid", excerpt=excerpt).loss

    return search(settings, loss, tokens=excerpt.counts.tokens, progress=progress)


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - begin
