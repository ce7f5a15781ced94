"""`evaluate`: how well a model predicts a text, by default the test split of the corpus it was trained on."""

import warnings
from collections.abc import Sequence
from pathlib import Path

from anaphora.api.configure import corpus_options
from anaphora.api.folder import CONFIG
from anaphora.api.models import loaded
from anaphora.bundle import Bundle
from anaphora.data.prepare import prepare
from anaphora.errors import AnaphoraWarning, BundleError, ConfigError
from anaphora.evaluation.evaluate import Evaluation, evaluate_split
from anaphora.files import read_json
from anaphora.progress import Progress, silent
from anaphora.text.catalog import CATALOG
from anaphora.text.corpus import Corpus, CorpusSettings, open_corpus

_WHOLE = (1.0, 0.0, 0.0)


def evaluate(
    model: Bundle | str | Path,
    corpus: str | Path | Sequence[str | Path] | CorpusSettings | None = None,
    *,
    split: str | None = None,
    batch_size: int = 1,
    device: str = "auto",
    progress: Progress = silent,
) -> Evaluation:
    """Measure a model on a text.

    Args:
        model: a loaded model, or its folder.
        corpus: as for `train`; by default the corpus the model was trained on. A text without splits of its own is
            scored whole, unless `split` is given: then it is cut as `train` would cut it.
        split: "train", "valid" or "test"; by default test, or else valid.
        batch_size: read so many stretches of the text side by side: faster, and stated in the signature.
        device: where a model is loaded to; one that is loaded already stays where it is.
        progress: is told how the work goes on.

    Raises:
        AnaphoraError: whatever the user can mend; see `anaphora.errors`.

    >>> evaluate("runs/book-lstm").bits_per_char  # doctest: +SKIP
    """
    bundle = loaded(model, device)
    if corpus is None:
        return _score_split(
            bundle, open_corpus(training_corpus(bundle), progress=progress), split, batch_size, progress
        )
    settings = CorpusSettings(**{key.removeprefix("corpus."): value for key, value in corpus_options(corpus).items()})
    if split is None and settings.source[0] not in CATALOG:
        opened = open_whole(settings, progress)
        if opened.splits == ("train",):
            _warn_of_training_text(bundle, settings)
            return _score_whole(bundle, opened, batch_size, progress)
    else:
        opened = open_corpus(settings, progress=progress)
    return _score_split(bundle, opened, split, batch_size, progress)


def training_corpus(bundle: Bundle) -> CorpusSettings:
    """Return how to open the corpus the model was trained on.

    Raises:
        BundleError: nothing tells, since the model folder has left its run folder.
    """
    config = bundle.path.absolute().parent / CONFIG
    if config.is_file():
        values = read_json(config, BundleError, "the configuration of the run").get("corpus")
        if isinstance(values, dict):
            return CorpusSettings(**values)
    trained_on = bundle.provenance.get("corpus")
    name = trained_on.get("name") if isinstance(trained_on, dict) else None
    if name in CATALOG:
        return CorpusSettings(source=(name,))
    raise BundleError(f"{bundle.path} does not tell where its training text lies; name a text to evaluate it on")


def open_whole(settings: CorpusSettings, progress: Progress) -> Corpus:
    """Open a corpus without cutting it; it has more than one split when its files or folders say so."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "fractions = .* has no effect", AnaphoraWarning)
        return open_corpus(settings.replace(fractions=_WHOLE), progress=progress)


def _score_whole(bundle: Bundle, opened: Corpus, batch_size: int, progress: Progress) -> Evaluation:
    """Score a corpus that was not cut: all of it is its training split."""
    prepared = prepare(opened, bundle.tokenizer, progress=progress)
    return evaluate_split(
        bundle.model,
        prepared,
        "train",
        called="all",
        model_hash=bundle.model_hash,
        batch_size=batch_size,
        progress=progress,
    )


def _score_split(bundle: Bundle, opened: Corpus, split: str | None, batch_size: int, progress: Progress) -> Evaluation:
    chosen = split or next((held_out for held_out in ("test", "valid") if held_out in opened.splits), None)
    if chosen is None:
        raise ConfigError(f"{opened.name} has no test or valid split; name the one to score with --split")
    if chosen not in opened.splits:
        raise ConfigError(f"split = {chosen!r}: {opened.name} has {', '.join(opened.splits)}")
    prepared = prepare(opened, bundle.tokenizer, splits=(chosen,), progress=progress)
    return evaluate_split(
        bundle.model, prepared, chosen, model_hash=bundle.model_hash, batch_size=batch_size, progress=progress
    )


def _warn_of_training_text(bundle: Bundle, settings: CorpusSettings) -> None:
    """Say so when the text to be scored whole is the one the model has learnt."""
    try:
        trained_on = training_corpus(bundle).source
    except BundleError:
        return
    known = {Path(name).expanduser().resolve() for name in trained_on}
    for name in settings.source:
        if Path(name).expanduser().resolve() in known:
            warnings.warn(
                f"{name} is the text this model was trained on, so its score says little; leave CORPUS out to score"
                " the part that was held back",
                AnaphoraWarning,
                stacklevel=3,
            )
