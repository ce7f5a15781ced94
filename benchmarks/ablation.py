"""What each method of the records is worth: one LSTM on the Penn Treebank, to which one method after another is added.

    python -m benchmarks.ablation [--epochs N] [--share 0.2] [--runs FOLDER] [--only ROW ...] [--no-save]

All rows read the same number of tokens, with one seed; what a row costs beside that is reported as processor time. The
last row trains nothing: the model of the row before reads the test text with dynamic evaluation, its rate tuned on the
validation text. `--share` trains on the beginning of the text only: a net knows a short text by heart sooner, and what
holds it back shows in minutes. Its perplexities are those of a smaller vocabulary, and compare among themselves alone.
Takes 45 minutes of one core, so `make bench` leaves it out. A row whose run is in FOLDER is not trained again, and
`--only` trains some rows and stops there: so several processes can share the work, and the last one writes the table.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch

from anaphora import evaluate, evaluate_adapted, train
from anaphora.evaluation.adapt.settings import AdaptSettings, DynamicSettings
from anaphora.text.corpus import CorpusSettings, open_corpus
from benchmarks.harness import Options, Result

CORPUS = "ptb"
LANES = 16  # stretches of text that are scored side by side

BASE: dict[str, Any] = {
    "model.name": "awd-lstm",
    "embedding_dim": 200,
    "hidden_size": 200,
    "num_layers": 2,
    "head": "adaptive",
    "head_cutoffs": [1000, 4000],
    "head_div_value": 1.0,
    "batch_size": 32,
    "bptt": 35,
    "learning_rate": 5e-3,
    "weight_decay": 0.01,
    "max_grad_norm": 0.5,
    "dropout_state": 0.01,
    "tie_weights": False,
    **{f"dropout_{place}": 0.0 for place in ("embedding", "input", "hidden", "output", "weight")},
}
STEPS: dict[str, dict[str, Any]] = {
    "LSTM": {},
    "+ tied weights": {"tie_weights": True},
    "+ locked dropout": {
        "dropout_embedding": 0.02,
        "dropout_input": 0.2,
        "dropout_hidden": 0.15,
        "dropout_output": 0.3,
    },
    "+ weight drop": {"dropout_weight": 0.2},
    "+ AR and TAR": {"activation_penalty": 2.0, "temporal_penalty": 1.0},
    "+ averaged weights (EMA)": {"average": "ema", "average_decay": 0.998},
    "+ Mogrifier": {"model.name": "mogrifier", "mogrifier_rounds": 5, "mogrifier_rank": 64},
}


def write_texts(folder: Path, share: float) -> dict[str, Path]:
    """Write the corpus to a folder, of its training text the beginning only; return the files by split."""
    folder.mkdir(parents=True, exist_ok=True)
    opened = open_corpus(CorpusSettings(source=(CORPUS,)))
    files = {split: folder / f"{split}.txt" for split in opened.splits}
    for split, path in files.items():
        lines = "".join(opened.chunks(split)).splitlines(keepends=True)
        path.write_text("".join(lines[: round(len(lines) * share)] if split == "train" else lines))
    return files


def train_row(settings: dict[str, Any], epochs: int, folder: Path, texts: dict[str, Path]) -> dict[str, float]:
    """Train one row, unless its run is there, and return its figures."""
    record = folder / "row.json"
    if record.is_file():
        found: dict[str, float] = json.loads(record.read_text())
        return found
    started = time.process_time()
    train(
        texts["train"],
        valid=texts["valid"],
        test=texts["test"],
        tokenizer="words",
        settings=settings,
        epochs=epochs,
        out=folder,
        overwrite=True,
    )
    seconds = time.process_time() - started
    scores = {split: evaluate(folder, split=split, batch_size=LANES).perplexity for split in ("valid", "test")}
    row = {**scores, "processor_seconds": round(seconds, 1)}
    record.write_text(json.dumps(row))
    return row


def adapt_row(folder: Path) -> dict[str, float]:
    """Let the model in `folder` adapt to what it reads; its learning rate is tuned on the validation text."""
    record = folder / "adapted.json"
    if record.is_file():
        found: dict[str, float] = json.loads(record.read_text())
        return found
    started = time.process_time()
    adapted = evaluate_adapted(folder, settings=AdaptSettings(dynamic=DynamicSettings()), tune=True)
    seconds = time.process_time() - started
    row = {"test": adapted.adapted.perplexity, "processor_seconds": round(seconds, 1)}
    record.write_text(json.dumps(row))
    return row


def main() -> None:
    """Train row after row, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--share", type=float, default=0.2, help="of the training text, from its beginning")
    parser.add_argument("--only", type=int, nargs="+", metavar="ROW", help="train these rows, from 0, and stop")
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--no-save", action="store_true", help="print only, write no result file")
    chosen = parser.parse_args()
    about = f"the first {chosen.share:.0%} of {CORPUS}, {chosen.epochs} epochs for each row; perplexity"
    result = Result(name="ablation", about=about)
    texts = write_texts(chosen.runs / "texts", chosen.share)
    settings, folder = dict(BASE), chosen.runs
    for number, (name, added) in enumerate(STEPS.items()):
        settings |= added
        if chosen.only is not None and number not in chosen.only:
            continue
        folder = chosen.runs / f"row-{number}"
        result.details[name] = train_row(settings, chosen.epochs, folder, texts)
        print(name, result.details[name], flush=True)
    if chosen.only is None or len(STEPS) in chosen.only:
        result.details["+ dynamic evaluation"] = adapt_row(folder)
    if chosen.only is not None:
        return
    result.publish(Options(repetitions=1, device=torch.device("cpu"), threads=(1,), save=not chosen.no_save))


if __name__ == "__main__":
    main()
