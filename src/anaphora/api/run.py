"""One training run from its first look at the text to its last score; `train` begins it or takes it up again."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from anaphora import __version__
from anaphora.api.configure import Assignments, complete, overlay, suit_corpus
from anaphora.api.folder import CONFIG, MODEL, RUN, new_run
from anaphora.api.held_out import (
    excerpts_within,
    fit_ngram_baseline,
    lanes_within,
    score_baselines,
    score_held_out,
    special_ids,
)
from anaphora.api.init import open_init, put_weights, with_init
from anaphora.api.result import TrainResult
from anaphora.bundle import TOKENIZER, Bundle, add_provenance, save_bundle
from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.errors import BundleError, ConfigError
from anaphora.files import read_json, write_json
from anaphora.models.language_model import CountingLanguageModel, LanguageModel, NeuralLanguageModel
from anaphora.models.registry import build_model, model_class
from anaphora.progress import Event, Progress
from anaphora.runtime import choose_device, num_threads, seed_everything
from anaphora.text.corpus import Corpus, open_corpus
from anaphora.text.tokenizers import load_tokenizer, save_tokenizer
from anaphora.training.budget import choose
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.run_config import RunConfig
from anaphora.training.sections import Sections
from anaphora.training.trainer import Trainer, TrainingOutcome

# What the evaluation may take before it uses more lanes: a share of a run by minutes, and so many seconds of any run.
_EVALUATION_SHARE = 0.05
_EVALUATION_SECONDS = 60.0
# What counting an n-gram baseline may take: a share of a run by minutes, and so many seconds of any other.
_BASELINE_SHARE, _BASELINE_SECONDS = 0.05, 15.0
# Added to that for saving, for measuring, and for a machine that has become busier.
_SLACK_SECONDS, _SLACK_SHARE = 1.0, 0.2


@dataclass(kw_only=True)
class Run:
    """A run and all that its steps hand on to each other."""

    started: float
    track: str | None
    command: str | None
    progress: Progress
    init: Bundle | None = None

    def begin(self, sections: Sections, out: Path | None, overwrite: bool) -> TrainResult:
        """Train a new model in a new folder."""
        self.init = open_init(sections)
        if self.init is not None:
            sections = with_init(sections, self.init)
        name = sections["model"].get("name", "lstm")
        if model_class(name).trained_by == "mixing":
            raise ConfigError(
                f"name = {name!r} in [model]: a {name} is made of models that are trained already; `anaphora mix A B"
                " --tune VALID --out DIR` makes one"
            )
        by_gradient = model_class(name).trained_by == "gradient"
        if name == "conditional":
            raise ConfigError(
                "name = 'conditional' in [model]: such a model learns from texts with labels; name the column that"
                " holds them (--condition COLUMN), and as the model the net itself"
            )
        config = complete(sections, by_gradient=by_gradient)
        choose_device(config.training.device)
        opened = open_corpus(config.corpus, progress=self.progress)
        config = suit_corpus(config, opened, sections, by_gradient=by_gradient)
        with new_run(out, f"{opened.name}-{name}", overwrite=overwrite) as folder:
            corpus = prepare(opened, self.init.tokenizer if self.init else config.tokenizer, progress=self.progress)
            if self.init is not None:
                save_tokenizer(self.init.tokenizer, folder / TOKENIZER)
            baseline = self._ngram_baseline(corpus, config) if by_gradient else None
            why: dict[str, Any] = {"reasons": [], "measured": {}}
            if by_gradient and config.training.minutes is not None:
                config, why = self._choose(config, corpus, sections)
            about = {
                "anaphora": __version__,
                "command": self.command,
                "corpus": {"name": opened.name, "source_hash": corpus.source_hash},
                "tokenizer_hash": corpus.tokenizer.hash,
                **why,
            }
            write_json(folder / CONFIG, config.to_json())
            write_json(folder / RUN, about)
            return self._finish(folder, config, opened, corpus, about, baseline, resume=False)

    def resume(self, folder: Path, settings: Assignments | None, options: Mapping[str, Any]) -> TrainResult:
        """Go on with the run in `folder`; the Trainer refuses what would make it another run."""
        about = read_json(folder / RUN, BundleError, "the record of the run")
        saved = read_json(folder / CONFIG, BundleError, "the configuration of the run")
        sections = overlay(saved, settings, options)
        config = complete(sections, by_gradient=False)
        opened = open_corpus(config.corpus, progress=self.progress)
        _check_same_text(opened, about, folder)
        own = folder / TOKENIZER  # of a run that started from a model: that model may be gone
        tokenizer = config.tokenizer if config.training.init is None else load_tokenizer(own)
        corpus = prepare(opened, tokenizer, progress=self.progress)
        by_gradient = model_class(sections["model"].get("name", "lstm")).trained_by == "gradient"
        baseline = self._ngram_baseline(corpus, config) if by_gradient else None
        return self._finish(folder, config, opened, corpus, about, baseline, resume=True)

    def _choose(
        self, config: RunConfig, corpus: PreparedCorpus, sections: Sections
    ) -> tuple[RunConfig, dict[str, Any]]:
        """Let the one dial fill in what the user left open."""
        assert config.training.minutes is not None
        choice = choose(
            corpus,
            sections["model"].get("name", "lstm"),
            {key: value for key, value in sections["model"].items() if key != "name"},
            {**sections["training"], "minutes": config.training.minutes},
            seconds=self._seconds_left(config.training.minutes) * (1 - _EVALUATION_SHARE),
            device=choose_device(config.training.device),
            progress=self.progress,
        )
        for reason in choice.reasons:
            self.progress(Event(stage="probe", message=reason))
        why = {"reasons": list(choice.reasons), "measured": choice.measured}
        return config.replace(model=choice.model, training=choice.training), why

    def _ngram_baseline(self, corpus: PreparedCorpus, config: RunConfig) -> CountingLanguageModel | None:
        """Count the n-gram baseline of a net before training begins, so that the clock of a run includes it."""
        minutes = config.training.minutes
        affordable = _BASELINE_SECONDS if minutes is None else minutes * 60 * _BASELINE_SHARE
        model = fit_ngram_baseline(corpus, affordable)
        if model is None:
            message = f"no n-gram baseline: counting {corpus.counts['train'].tokens:,} tokens may take too long"
            self.progress(Event(stage="baseline", message=message))
        return model

    def _finish(
        self,
        folder: Path,
        config: RunConfig,
        opened: Corpus,
        corpus: PreparedCorpus,
        about: dict[str, Any],
        baseline: CountingLanguageModel | None,
        *,
        resume: bool,
    ) -> TrainResult:
        """Train, save, score, and save again with the scores: the model is safe before the scoring begins."""
        seed_everything(config.training.seed)
        model = build_model(config.model, corpus.tokenizer.vocab_size).to(choose_device(config.training.device))
        if self.init is not None:
            put_weights(self.init, model)
        outcome = self._train(model, corpus, config, folder, resume=resume)
        provenance = {
            **{key: value for key, value in about.items() if key != "measured"},
            "counts": {split: vars(corpus.counts[split]) for split in corpus.splits},
            "training": config.training.model_dump(mode="json"),
            "outcome": vars(outcome),
        }
        bundle = save_bundle(folder / MODEL, model, corpus.tokenizer, provenance)
        with num_threads(config.training.threads or torch.get_num_threads()):
            # Measured anew: the machine may have become busier or idler since training began.
            affordable = self._seconds_for_scoring(config.training.minutes, outcome.seconds)
            lanes, needed = lanes_within(model, corpus, affordable)
            excerpts = excerpts_within(opened, corpus, affordable / max(needed, 1e-9))
            if excerpts:
                self.progress(Event(stage="evaluate", message=_excuse(folder, needed, affordable)))
            scores = score_held_out(
                model,
                corpus,
                model_hash=bundle.model_hash,
                batch_size=lanes,
                excerpts=excerpts,
                progress=self.progress,
            )
        baselines = score_baselines(corpus, excerpts, baseline)
        results = {split: evaluation.to_json() for split, evaluation in scores.items()}
        add_provenance(bundle, results=results)
        return TrainResult(
            run=folder,
            model=folder / MODEL,
            name=config.to_json()["model"]["name"],
            valid=scores.get("valid"),
            test=scores.get("test"),
            baselines=baselines,
            seconds=time.monotonic() - self.started,
            tokens_per_second=outcome.tokens_per_second,
            steps=outcome.steps,
            epochs=outcome.epochs,
            stopped_by=outcome.stopped_by,
            chosen={**_without_corpus(config), **{key: about.get(key) for key in ("reasons", "measured")}},
            interrupted=outcome.interrupted,
        )

    def _train(
        self, model: LanguageModel, corpus: PreparedCorpus, config: RunConfig, folder: Path, *, resume: bool
    ) -> TrainingOutcome:
        """Train the model; against the clock, leave the time to save and score it."""
        if isinstance(model, CountingLanguageModel):
            return _count(model, corpus)
        assert isinstance(model, NeuralLanguageModel)
        minutes, limit = config.training.minutes, None
        if minutes is not None:
            with num_threads(config.training.threads or torch.get_num_threads()):
                share = minutes * 60 * _EVALUATION_SHARE
                scoring = min(share, lanes_within(model, corpus, share)[1])
            limit = max(self._seconds_left(minutes) - scoring * (1 + _SLACK_SHARE) - _SLACK_SECONDS, 1.0)
        task = LanguageModelling(model, corpus, config.training)
        trainer = Trainer(task, folder, time_limit=limit, track=self.track, progress=self.progress)
        return trainer.run(resume=resume)

    def _seconds_for_scoring(self, minutes: float | None, trained_seconds: float) -> float:
        """Return how long the evaluation may take from now on."""
        if minutes is None:
            return max(_EVALUATION_SECONDS, _EVALUATION_SHARE * trained_seconds)
        return min(self._seconds_left(minutes) - _SLACK_SECONDS / 2, _EVALUATION_SECONDS)

    def _seconds_left(self, minutes: float) -> float:
        return minutes * 60 - (time.monotonic() - self.started)


def _excuse(folder: Path, needed: float, affordable: float) -> str:
    return (
        f"to score all that was held out would take {needed:,.0f} s, and {affordable:,.0f} s are left for it: only its"
        f" beginning is scored now; `anaphora eval {folder}` scores the whole test split"
    )


def _check_same_text(opened: Corpus, about: Mapping[str, Any], folder: Path) -> None:
    corpus = about.get("corpus")
    begun_with = corpus.get("source_hash") if isinstance(corpus, dict) else None
    if opened.source_hash() != begun_with:
        raise ConfigError(
            f"the text of {opened.name} has changed since the run {folder} was begun"
            f" (sha256 {str(begun_with)[:12]}, now {opened.source_hash()[:12]}): put the old text back, or start anew"
        )


def _count(model: CountingLanguageModel, corpus: PreparedCorpus) -> TrainingOutcome:
    """Train a counting model: one pass over the training split."""
    begin = time.monotonic()
    model.fit(corpus.token_ids("train"), special_ids(corpus.tokenizer))
    seconds = time.monotonic() - begin
    tokens = corpus.counts["train"].tokens
    return TrainingOutcome(
        steps=0,
        epochs=1.0,
        tokens=tokens,
        seconds=seconds,
        tokens_per_second=tokens / max(seconds, 1e-9),
        best_valid_loss=None,
        best_step=None,
        interrupted=False,
        stopped_by="epochs",
    )


def _without_corpus(config: RunConfig) -> dict[str, Any]:
    return {section: values for section, values in config.to_json().items() if section != "corpus"}
