"""N-gram look-up beside KenLM's Python module: a test set, one word at a time, the whole vocabulary; loading; disk.

Both answer from the same model, kn5 of the Penn Treebank: ours from its folder, KenLM from the ARPA file that was
made of it (its probing tables; KenLM's trie needs its own C++ tools). Without the module `kenlm` ours is timed alone.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anaphora import api
from anaphora.bundle import load_bundle
from anaphora.models.ngram.model import NGramLanguageModel
from anaphora.models.ngram.query import NOTHING
from benchmarks.harness import Figure, Options, Result, parse_options, take_turns
from benchmarks.texts import shared_folder

try:
    import kenlm
except ImportError:
    kenlm = None

WORDS, CONTEXTS = 20_000, 64
MEGABYTE = 1e6


def main() -> None:
    """Train, export, and time the questions."""
    options = parse_options(__doc__ or "")
    train, valid, test = (shared_folder() / "ptb" / f"ptb.{split}.txt" for split in ("train", "valid", "test"))
    if not train.is_file():
        print(f"nothing to measure: no Penn Treebank at {train.parent}; set ANAPHORA_SHARED to the folder around it")
        return
    result = Result(name="ngram-query", about="kn5 of the Penn Treebank, its test set of 82,430 tokens", details={})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, settings in (("floats", []), ("bytes", ["quantize=8"])):
            run = api.train(
                train,
                valid=valid,
                test=test,
                model="kn5",
                tokenizer="words",
                settings=settings,
                out=folder / kind,
            )
            assert run.test is not None
            result.details[f"perplexity, {kind}"] = run.test.perplexity
            size = (run.model / "model.safetensors").stat().st_size / MEGABYTE
            result.figures.append(Figure(name=f"megabytes on disk, {kind}", value=size))
        api.export_arpa(folder / "floats", folder / "model.arpa")
        measure(result, options, folder, test)
    result.publish(options)


def measure(result: Result, options: Options, folder: Path, test: Path) -> None:
    """Time all questions on both sides, which use one thread each."""
    bundle = load_bundle(folder / "floats")
    model = bundle.model
    assert isinstance(model, NGramLanguageModel)
    query = model.query()
    token_ids = np.array(bundle.tokenizer.encode(test.read_text()), np.int64)
    start = np.array([[bundle.tokenizer.start_id]])
    tokens, targets = np.concatenate([start, token_ids[None, :-1]], axis=1), token_ids[None]
    empty = np.full((1, 4), NOTHING)
    words = token_ids[:WORDS].tolist()
    states = np.lib.stride_tricks.sliding_window_view(tokens[0], 4)[:CONTEXTS].copy()

    def one_by_one() -> float:
        total, rows = 0.0, query.contexts([bundle.tokenizer.start_id])
        for token in words:
            score, rows = query.step(rows, token)
            total += score
        return total

    def rows(rivals: Mapping[str, Callable[[], object]], units: float, unit: str) -> list[float]:
        timed = take_turns(rivals, options=options, threads=1, units=units, unit=unit)
        result.rows.extend(timed)
        return [row.rate for row in timed]

    whole: dict[str, Callable[[], object]] = {"test set, arrays": lambda: query.score(tokens, targets, empty)}
    hits = {"test set, with the most probable words": lambda: query.score(tokens, targets, empty, want_hits=True)}
    single: dict[str, Callable[[], object]] = {"word by word": one_by_one}
    loading: dict[str, Callable[[], object]] = {
        "load a model folder": lambda: load_bundle(folder / "floats"),
        "load its tables": model.query,
    }
    if kenlm is not None:
        theirs: Any = kenlm.Model(str(folder / "model.arpa"))
        lines = test.read_text().splitlines()
        whole["test set, KenLM's score, line by line"] = lambda: [theirs.score(line) for line in lines]
        single["word by word, KenLM's BaseScore"] = lambda: _kenlm_words(theirs, lines)
    rates = rows(whole, len(token_ids), "tokens")
    rows(hits, len(token_ids), "tokens")
    rows(single, WORDS, "words")
    rows({"whole vocabulary": lambda: query.next_log_probs(states)}, CONTEXTS, "contexts")
    rows(loading, 1, "loads")
    if len(rates) > 1:
        result.figures.append(Figure(name="tokens/s, arrays / KenLM's score", value=rates[0] / rates[1], at_least=1.0))


def _kenlm_words(model: Any, lines: list[str]) -> Any:
    """Score WORDS words with a state that the caller holds."""
    before, after, total, done = kenlm.State(), kenlm.State(), 0.0, 0
    for line in lines:
        model.BeginSentenceWrite(before)
        for word in (*line.split(), "</s>"):
            total += model.BaseScore(before, word, after)
            before, after = after, before
            done += 1
            if done == WORDS:
                return total
    return total


if __name__ == "__main__":
    main()
