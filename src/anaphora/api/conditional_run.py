"""One run of a conditional language model, from labelled documents to scores with and without the labels.

`training.py` is the door: with a column of labels it opens this run instead of one on a plain text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anaphora.api.configure import DEFAULT_MINUTES, Assignments, absolute, overlay
from anaphora.api.folder import MODEL, new_run
from anaphora.api.held_out import Scores, special_ids
from anaphora.api.result import TrainResult
from anaphora.api.task_run import TaskRun
from anaphora.bundle import Bundle, add_provenance, save_bundle
from anaphora.data.documents import EncodedDocuments, encode_documents
from anaphora.data.prepare import SplitCounts
from anaphora.errors import ConfigError
from anaphora.evaluation.conditional import score_documents
from anaphora.evaluation.evaluate import evaluate_tokens, evaluation_of
from anaphora.evaluation.signature import Signature
from anaphora.models.baselines import UnigramLanguageModel
from anaphora.models.conditional import ConditionalLanguageModel
from anaphora.models.registry import build_model, model_config
from anaphora.runtime import choose_device, seed_everything
from anaphora.text.document_files import Document
from anaphora.text.documents import LabelledDocuments, open_documents
from anaphora.text.tokenizer import Tokenizer
from anaphora.text.tokenizers import train_tokenizer
from anaphora.training.conditional import ConditionalModelling
from anaphora.training.conditional_run_config import CONDITIONAL, ConditionalRunConfig
from anaphora.training.sections import Sections
from anaphora.training.trainer import Trainer

WITHOUT_LABEL = "without the label"


@dataclass(frozen=True)
class _Split:
    """Documents of one split as ids, with the size of the raw text."""

    documents: EncodedDocuments
    counts: SplitCounts


class ConditionalRun(TaskRun):
    """A run of a conditional model."""

    def begin(self, sections: Sections, out: Path | None, overwrite: bool) -> TrainResult:
        """Train a new model in a new folder."""
        if all(sections["training"].get(stop) is None for stop in ("minutes", "epochs", "steps")):
            sections["training"]["minutes"] = DEFAULT_MINUTES
        config = ConditionalRunConfig.from_json(sections)
        if config.training.init is not None:
            raise ConfigError("init in [training]: a conditional model begins with new weights; leave it out")
        choose_device(config.training.device)
        opened = open_documents(config.documents, progress=self.progress)
        config = _with_paths(config)
        name = config.to_json()["model"]["name"]
        with new_run(out, f"{opened.name}-conditional-{name}", overwrite=overwrite) as folder:
            tokenizer = train_tokenizer(config.tokenizer, (_line(one) for one in opened.splits["train"]))
            sections = config.to_json()
            about = self.record(folder, sections, tokenizer, name=opened.name, source_hash=opened.source_hash)
            return self._finish(folder, config, opened, tokenizer, about, resume=False)

    def resume(self, folder: Path, settings: Assignments | None, options: Mapping[str, Any]) -> TrainResult:
        """Go on with the run in `folder`; the Trainer refuses what would make it another run."""
        saved = self.recorded(folder)
        config = ConditionalRunConfig.from_json(overlay(saved.sections, settings, options, layout=CONDITIONAL))
        opened = open_documents(config.documents, progress=self.progress)
        return self._finish(folder, config, opened, saved.tokenizer, saved.about, resume=True)

    def _finish(
        self,
        folder: Path,
        config: ConditionalRunConfig,
        opened: LabelledDocuments,
        tokenizer: Tokenizer,
        about: dict[str, Any],
        *,
        resume: bool,
    ) -> TrainResult:
        """Train, save, score, and save again with the scores."""
        seed_everything(config.training.seed)
        splits = {name: _encode(part, opened.labels, tokenizer) for name, part in opened.splits.items()}
        model = ConditionalLanguageModel(config.conditional(opened.labels), tokenizer.vocab_size)
        task = ConditionalModelling(
            model,
            {name: split.documents for name, split in splits.items()},
            config.training,
            start_id=tokenizer.start_id,
            name=opened.name,
            origin={"corpus": opened.source_hash, "tokenizer": tokenizer.hash},
        )
        limit = self.time_limit(config.training.minutes)
        trainer = Trainer(task, folder, time_limit=limit, track=self.track, progress=self.progress)
        outcome = trainer.run(resume=resume)
        provenance = {**about, "labels": list(opened.labels), "outcome": vars(outcome)}
        bundle = save_bundle(folder / MODEL, model, tokenizer, provenance)
        held_out = {name: split for name, split in splits.items() if name != "train"}
        scores = _score(bundle, model, held_out, opened.source_hash, with_label=True)
        baselines = {
            "unigram": _score_unigram(splits, tokenizer, opened.source_hash),
            WITHOUT_LABEL: _score(bundle, model, held_out, opened.source_hash, with_label=False),
        }
        add_provenance(bundle, results={split: found.to_json() for split, found in scores.items()})
        return TrainResult(
            **self.result(folder, outcome, config.to_json(), texts="documents"),
            name=f"conditional {config.to_json()['model']['name']}",
            valid=scores.get("valid"),
            test=scores.get("test"),
            baselines=baselines,
            tokens_per_second=outcome.tokens_per_second,
        )


def _score(
    bundle: Bundle,
    model: ConditionalLanguageModel,
    splits: Mapping[str, _Split],
    corpus_hash: str,
    *,
    with_label: bool,
) -> Scores:
    """Score the documents of each split, under their labels or under none."""
    tokenizer = bundle.tokenizer
    scores: Scores = {}
    for name, split in splits.items():
        signature = _signature(
            name, tokenizer, corpus_hash, model=bundle.model_hash, condition="own-label" if with_label else None
        )
        sums = score_documents(
            model, split.documents, start_id=tokenizer.start_id, unk_id=tokenizer.unk_id, with_label=with_label
        )
        scores[name] = evaluation_of(sums, split.counts, signature)
    return scores


def _score_unigram(splits: Mapping[str, _Split], tokenizer: Tokenizer, corpus_hash: str) -> Scores:
    """Score what knowing the frequencies of the tokens is worth."""
    model = build_model(model_config("unigram"), tokenizer.vocab_size)
    assert isinstance(model, UnigramLanguageModel)
    model.fit(splits["train"].documents.token_ids, special_ids(tokenizer))
    return {
        name: evaluate_tokens(
            model,
            split.documents.token_ids,
            split.counts,
            start_id=tokenizer.start_id,
            unk_id=tokenizer.unk_id,
            signature=_signature(name, tokenizer, corpus_hash),
        )
        for name, split in splits.items()
        if name != "train"
    }


def _signature(
    split: str, tokenizer: Tokenizer, corpus_hash: str, *, model: str | None = None, condition: str | None = None
) -> Signature:
    return Signature(
        unknown="none" if tokenizer.unk_id is None else "scored",
        split=split,
        context="document",
        tokenizer=tokenizer.hash,
        corpus=corpus_hash,
        model=model,
        condition=condition,
    )


def _encode(documents: tuple[Document, ...], labels: tuple[str, ...], tokenizer: Tokenizer) -> _Split:
    """Encode documents, each as one line with its line end, by which a text that is written ends too."""
    number = {label: place for place, label in enumerate(labels)}
    lines = [_line(one) for one in documents]
    encoded = encode_documents(lines, np.array([number[one.labels[0]] for one in documents]), tokenizer)
    unknown = 0 if tokenizer.unk_id is None else int((encoded.token_ids == tokenizer.unk_id).sum())
    counts = SplitCounts(
        tokens=len(encoded.token_ids),
        characters=sum(map(len, lines)),
        bytes=sum(len(line.encode()) for line in lines),
        unknown_tokens=unknown,
    )
    return _Split(encoded, counts)


def _line(document: Document) -> str:
    return " ".join(document.text.splitlines()) + "\n"


def _with_paths(config: ConditionalRunConfig) -> ConditionalRunConfig:
    """Return the configuration with paths that hold wherever the run is resumed."""
    documents = config.documents
    named = {key: getattr(documents, key) for key in ("source", "valid", "test")}
    paths = {key: name and absolute(name) for key, name in named.items()}
    return config.replace(documents=documents.replace(**paths))
