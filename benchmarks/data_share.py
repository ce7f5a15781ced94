"""How much of a training step is spent on reading data: windows cut from the memory-mapped ids, beside whole steps.

Measured on the novel's own recipe, and on models a good deal smaller, whose steps are so short that reading could show.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.data.stream import SAMPLERS
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.config import TrainingConfig
from anaphora.training.learner import Learner
from anaphora.training.stepper import Stepper
from benchmarks.harness import Figure, Options, Result, parse_options, take_turns
from benchmarks.texts import island_text

READS, STEPS, TARGET = 200, 3, 0.02
# name, hidden size, windows, batch size, window length
CASES = (
    ("island-chars", 512, "every-position", 64, 40),
    ("default shape", 256, "consecutive", 32, 64),
    ("hidden 128", 128, "random", 32, 64),
)


def measure(corpus: PreparedCorpus, case: tuple[str, int, str, int, int], options: Options, result: Result) -> None:
    """Time reading alone and whole steps with reading, at each number of threads."""
    name, hidden_size, windows, batch_size, bptt = case
    sampler = SAMPLERS[windows](corpus.token_ids("train"), batch_size, bptt)
    model = RecurrentLanguageModel(RecurrentConfig(hidden_size=hidden_size), corpus.tokenizer.vocab_size)
    model = model.to(options.device)
    config = TrainingConfig()
    stepper = Stepper(Learner.of(model, config), config, precision="float32")
    batches = sampler.epoch(0)

    def read() -> None:
        for number in range(READS):
            batches[number % len(batches)]

    def step() -> None:
        for number in range(STEPS):
            stepper.step(batches[number % len(batches)], 1e-3, 0.9)
        stepper.read()

    for threads in options.threads:
        rows = take_turns({f"{name}: read": read, f"{name}: read and train": step}, options=options, threads=threads)
        reading, training = (
            replace(row, units=count, unit="batches") for row, count in zip(rows, (READS, STEPS), strict=True)
        )
        result.rows += [reading, training]
        share = training.rate / reading.rate
        result.figures.append(Figure(name=f"share of {training.name} spent on reading", value=share, at_most=TARGET))


def main() -> None:
    """Prepare the text as `train` does, then measure each case."""
    options = parse_options(__doc__ or "")
    text, source = island_text()
    result = Result(name="data-share", about="seconds a batch, read from memory-mapped ids", details={"text": source})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_text(text, encoding="utf-8")
        settings = CorpusSettings(source=(str(path),))
        corpus = prepare(open_corpus(settings), TokenizerSettings(kind="chars"), cache=Path(folder))
        for case in CASES:
            measure(corpus, case, options, result)
    result.publish(options)


if __name__ == "__main__":
    main()
