"""How a finished model is scored: on all its held-out splits, beside baselines, within the time that is left.

One lane is exact; more lanes are faster and stand in the signature. `lanes_within` takes one wherever there is time.
"""

import time
import warnings
from collections.abc import Mapping

import torch

from anaphora.data.prepare import Excerpt, PreparedCorpus, Source, encode_beginning
from anaphora.errors import AnaphoraWarning
from anaphora.evaluation.evaluate import Evaluation, evaluate_split
from anaphora.models.language_model import CountingLanguageModel, LanguageModel, SpecialIds
from anaphora.models.registry import build_model, model_config
from anaphora.models.stepping import inference
from anaphora.progress import Progress, silent
from anaphora.text.tokenizer import Tokenizer

BASELINES = ("uniform", "unigram")
_NGRAM_BASELINES = {"chars": "kn6", "bytes": "kn6"}  # by kind of tokenizer; kn5 for all others
_COUNTING_BEGINS = 1.5  # seconds: what counts is compiled code that must be loaded, and made when it is the first time
_COUNTED_PER_SECOND = 300_000  # tokens; 0.7 to 2 million were measured on a machine with ten other busy processes
_LANES = (1, 4, 16, 64, 256)
_PROBE_TOKENS = 512
_LEAST_CHARACTERS = 10_000  # of an excerpt; a score of less is no score

Scores = dict[str, Evaluation]


def held_out_splits(corpus: PreparedCorpus) -> tuple[str, ...]:
    """Return the splits that the model was not trained on."""
    return tuple(split for split in corpus.splits if split != "train")


def score_held_out(
    model: LanguageModel,
    corpus: PreparedCorpus,
    *,
    model_hash: str | None = None,
    batch_size: int = 1,
    excerpts: Mapping[str, Excerpt] | None = None,
    progress: Progress = silent,
) -> Scores:
    """Score a model on every held-out split, or on the excerpt of it; return the evaluations by split."""
    scores: Scores = {}
    for split in held_out_splits(corpus):
        scores[split] = evaluate_split(
            model,
            corpus,
            split,
            model_hash=model_hash,
            batch_size=batch_size,
            excerpt=(excerpts or {}).get(split),
            progress=progress,
        )
    return scores


def special_ids(tokenizer: Tokenizer) -> SpecialIds:
    """Return what a counting model must know of a tokenizer."""
    return SpecialIds(unk_id=tokenizer.unk_id, eos_id=tokenizer.eos_id, start_id=tokenizer.start_id)


def fit_ngram_baseline(corpus: PreparedCorpus, seconds: float) -> CountingLanguageModel | None:
    """Count the n-gram model that a net must beat, of a usual order; None when that may take more than `seconds`."""
    if _COUNTING_BEGINS + corpus.counts["train"].tokens / _COUNTED_PER_SECOND > seconds:
        return None
    model = build_model(model_config(_NGRAM_BASELINES.get(corpus.tokenizer.kind, "kn5")), corpus.tokenizer.vocab_size)
    assert isinstance(model, CountingLanguageModel)
    with warnings.catch_warnings():
        # A text too small for discounts of its own makes a poor baseline, but that is no fault of the net's.
        warnings.simplefilter("ignore", AnaphoraWarning)
        return model.fit(corpus.token_ids("train"), special_ids(corpus.tokenizer))


def score_baselines(
    corpus: PreparedCorpus,
    excerpts: Mapping[str, Excerpt] | None = None,
    ngram: CountingLanguageModel | None = None,
) -> dict[str, Scores]:
    """Score the uniform and the unigram model: what knowing the vocabulary, and its frequencies, is worth.

    With an n-gram model, that one too: what counting words in their contexts is worth.
    """
    models = [build_model(model_config(name), corpus.tokenizer.vocab_size) for name in BASELINES]
    scores: dict[str, Scores] = {}
    for model in models:
        assert isinstance(model, CountingLanguageModel)
        model.fit(corpus.token_ids("train"), special_ids(corpus.tokenizer))
    for model in [*models, *([ngram] if ngram else [])]:
        name = model.config.model_dump()["name"]
        scores[name] = score_held_out(model, corpus, excerpts=excerpts)
    return scores


def excerpts_within(opened: Source, corpus: PreparedCorpus, share: float) -> dict[str, Excerpt]:
    """Return the beginning of each held-out split, a `share` of its characters; nothing for a share of 1 or more."""
    if share >= 1:
        return {}
    return {
        split: encode_beginning(
            opened, split, corpus.tokenizer, max(_LEAST_CHARACTERS, int(share * corpus.counts[split].characters))
        )
        for split in held_out_splits(corpus)
    }


def lanes_within(model: LanguageModel, corpus: PreparedCorpus, seconds: float) -> tuple[int, float]:
    """Return the fewest lanes with which the held-out splits are scored within `seconds`, and the time that takes.

    The model is timed on one short window for each candidate; the fastest is taken when none is fast enough.
    """
    tokens = sum(corpus.counts[split].tokens for split in held_out_splits(corpus))
    needed: dict[int, float] = {}
    for lanes in _LANES:
        needed[lanes] = tokens * _seconds_per_token(model, lanes)
        if needed[lanes] <= seconds:
            return lanes, needed[lanes]
    fastest = min(needed, key=needed.__getitem__)
    return fastest, needed[fastest]


def _seconds_per_token(model: LanguageModel, lanes: int) -> float:
    tokens = torch.zeros(lanes, _PROBE_TOKENS // lanes, dtype=torch.int64, device=model.device)
    seconds = 0.0
    with inference(model):
        for _ in range(2):  # the first call warms up
            begin = time.perf_counter()
            _, hits, _ = model.score_targets(tokens, tokens, model.initial_state(lanes))
            int(hits.sum())  # a GPU works ahead of Python: wait for it
            seconds = time.perf_counter() - begin
    return seconds / tokens.numel()
