"""One run of a tagger from its first look at the sentences to its last score; `tagging.py` is the door."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anaphora.api.configure import Assignments, absolute, overlay
from anaphora.api.folder import MODEL, new_run
from anaphora.api.task_run import TaskResult, TaskRun
from anaphora.bundle import Bundle, TaggerBundle, add_provenance, load_bundle, save_tagger
from anaphora.data.sentences import EncodedSentences, characters_of
from anaphora.evaluation.signature import TagSignature
from anaphora.evaluation.tag_baseline import MostFrequentTag
from anaphora.evaluation.tag_words import TagEvaluation, tag_words
from anaphora.evaluation.tagging import score_tags
from anaphora.models.tagger import Tagger
from anaphora.runtime import choose_device, seed_everything
from anaphora.text.sentences import Sentences, TaggedText, open_sentences
from anaphora.text.tokenizer import Tokenizer
from anaphora.text.tokenizers import train_tokenizer
from anaphora.training.sections import Sections
from anaphora.training.tag_run_config import TAGGER, TagRunConfig
from anaphora.training.tagging import Tagging
from anaphora.training.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class TagResult(TaskResult):
    """What a tagger's run gave, beside what every run does.

    Attributes:
        tags: what the tagger tells apart, the most frequent first.
        scores: of "valid" and, where there is one, "test".
        baseline: the same for the most frequent tag of each word.
        words_per_second: of training alone.
    """

    tags: tuple[str, ...]
    scores: dict[str, TagEvaluation]
    baseline: dict[str, TagEvaluation]
    words_per_second: float

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            **super().to_json(),
            "tags": list(self.tags),
            "scores": {split: found.to_json() for split, found in self.scores.items()},
            "baseline": {split: found.to_json() for split, found in self.baseline.items()},
        }


class TagRun(TaskRun):
    """A run of a tagger."""

    def begin(self, sections: Sections, out: Path | None, overwrite: bool) -> TagResult:
        """Train a new tagger in a new folder."""
        config = TagRunConfig.from_json(sections)
        choose_device(config.training.device)
        below = None if config.tagger.language_model is None else load_bundle(Path(config.tagger.language_model))
        config = _with_paths(config)
        text = open_sentences(config.sentences)
        with new_run(out, f"{Path(config.sentences.source).stem}-tagger", overwrite=overwrite) as folder:
            tokenizer = _tokenizer(config, text) if below is None else below.tokenizer
            about = self.record(
                folder,
                config.to_json(),
                tokenizer,
                name=config.sentences.source,
                source_hash=text.source_hash(),
                language_model=None if below is None else below.model.config.model_dump(mode="json"),
            )
            return self._finish(folder, config, text, tokenizer, about, below, resume=False)

    def resume(self, folder: Path, settings: Assignments | None, options: Mapping[str, Any]) -> TagResult:
        """Go on with the run in `folder`; the Trainer refuses what would make it another run."""
        saved = self.recorded(folder)
        config = TagRunConfig.from_json(overlay(saved.sections, settings, options, layout=TAGGER))
        text = open_sentences(config.sentences)
        return self._finish(folder, config, text, saved.tokenizer, saved.about, None, resume=True)

    def _finish(
        self,
        folder: Path,
        config: TagRunConfig,
        text: TaggedText,
        tokenizer: Tokenizer,
        about: dict[str, Any],
        below: Bundle | None,
        *,
        resume: bool,
    ) -> TagResult:
        """Train, save, score, and save again with the scores."""
        seed_everything(config.training.seed)
        characters = characters_of(text.splits["train"])
        model = Tagger(config.model(text.tags, characters, about.get("language_model")), tokenizer.vocab_size)
        if below is not None and model.language_model is not None:
            model.language_model.take_over(below.model)
        encoded = {
            split: EncodedSentences(part, tokenizer, text.tags, characters) for split, part in text.splits.items()
        }
        hashes = {"corpus": text.source_hash(), "tokenizer": tokenizer.hash}
        task = Tagging(model, encoded, config.training, name=config.sentences.source, hashes=hashes)
        limit = self.time_limit(config.training.minutes)
        trainer = Trainer(task, folder, time_limit=limit, track=self.track, progress=self.progress)
        outcome = trainer.run(resume=resume)
        columns = {"token_column": config.sentences.token_column, "tag_column": config.sentences.tag_column}
        bundle = save_tagger(folder / MODEL, model, tokenizer, {**about, "columns": columns, "outcome": vars(outcome)})
        scores, baseline = _score(bundle, text, encoded)
        add_provenance(bundle, results={split: found.to_json() for split, found in scores.items()})
        return TagResult(
            **self.result(folder, outcome, config.to_json(), texts="sentences"),
            tags=text.tags,
            scores=scores,
            baseline=baseline,
            words_per_second=outcome.tokens_per_second,
        )


def _score(
    bundle: TaggerBundle, text: TaggedText, encoded: Mapping[str, EncodedSentences]
) -> tuple[dict[str, TagEvaluation], dict[str, TagEvaluation]]:
    """Score the tagger and the baseline on each held-out split."""
    baseline = MostFrequentTag(text.splits["train"])
    held_out = {split: part for split, part in text.splits.items() if split != "train"}
    return (
        {split: evaluate_split(bundle, part, encoded[split], split) for split, part in held_out.items()},
        {split: _score_baseline(baseline, part, encoded[split], split) for split, part in held_out.items()},
    )


def evaluate_split(bundle: TaggerBundle, sentences: Sentences, encoded: EncodedSentences, split: str) -> TagEvaluation:
    """Tag sentences and compare with the tags they have."""
    found = tag_words(bundle.model, encoded)
    scores = score_tags([one.tags for one in sentences], found.tags, encoded.unknown)
    signature = TagSignature(
        words=scores.tokens,
        unknown=scores.unknown_tokens,
        split=split,
        tokenizer=bundle.tokenizer.hash,
        corpus=encoded.source_hash,
        model=bundle.model_hash,
    )
    return TagEvaluation(scores=scores, loss=found.loss, signature=str(signature))


def _score_baseline(
    baseline: MostFrequentTag, sentences: Sentences, encoded: EncodedSentences, split: str
) -> TagEvaluation:
    tags = [baseline.tag(one.tokens) for one in sentences]
    scores = score_tags([one.tags for one in sentences], tags, encoded.unknown)
    signature = TagSignature(
        words=scores.tokens, unknown=scores.unknown_tokens, split=split, corpus=encoded.source_hash
    )
    return TagEvaluation(scores=scores, loss=None, signature=str(signature))


def _tokenizer(config: TagRunConfig, text: TaggedText) -> Tokenizer:
    return train_tokenizer(config.tokenizer, (f"{' '.join(one.tokens)}\n" for one in text.splits["train"]))


def _with_paths(config: TagRunConfig) -> TagRunConfig:
    """Return the configuration with paths that hold wherever the run is resumed."""
    sentences, below = config.sentences, config.tagger.language_model
    named = {key: getattr(sentences, key) for key in ("source", "valid", "test")}
    paths = {key: name and absolute(name) for key, name in named.items()}
    tagger = config.tagger.replace(language_model=below and absolute(below))
    return config.replace(sentences=sentences.replace(**paths), tagger=tagger)
