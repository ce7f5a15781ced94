"""Signals and kill -9: a run ends in order, or leaves a checkpoint that is whole."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from tests.training.accidents import LAST, Brittle, MakeConfig, interrupt, losses

from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.checkpoint import load_checkpoint
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.trainer import Trainer, TrainingOutcome

pytestmark = pytest.mark.usefixtures("save_often")

SCRIPT = """
import sys, torch
from pathlib import Path
import anaphora.training.sitting as sitting
from anaphora.data.prepare import prepare
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.config import TrainingConfig
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.trainer import Trainer

sitting._SAVE_SECONDS, sitting._SAVE_PAUSE = 0.0, 0.0
text, folder = map(Path, sys.argv[1:])
corpus = prepare(open_corpus(CorpusSettings(source=(str(text),))), TokenizerSettings())
torch.manual_seed(0)
shape = RecurrentConfig(embedding_dim=8, hidden_size=16, dropout_output=0.2)
model = RecurrentLanguageModel(shape, corpus.tokenizer.vocab_size)
config = TrainingConfig(
    batch_size=4, bptt=8, steps=100_000, schedule="constant", learning_rate=0.02, threads=1,
    precision="float32", log_every=1,
)
outcome = Trainer(LanguageModelling(model, corpus, config), folder).run()
print(outcome.stopped_by, outcome.steps)
"""


def start(tmp_path: Path) -> subprocess.Popen[str]:
    """Start an endless run in another process and wait until it has made some steps."""
    (tmp_path / "toy.txt").write_text("abcdefgh " * 400)
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "toy.txt"), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = folder / "metrics.jsonl"
    while process.poll() is None and not (log.exists() and len(log.read_bytes()) > 2000):
        threading.Event().wait(0.02)
    assert process.poll() is None, process.stderr and process.stderr.read()
    return process


def test_kill_9_leaves_a_checkpoint_and_an_exact_resume(tmp_path: Path, make_config: MakeConfig) -> None:
    process = start(tmp_path)
    process.kill()
    process.communicate()
    saved = load_checkpoint(tmp_path / "run" / LAST)
    assert saved.state.step > 0

    corpus = prepare(open_corpus(CorpusSettings(source=(str(tmp_path / "toy.txt"),))), TokenizerSettings())
    steps = saved.state.step + 10
    config = make_config(steps=steps, schedule="constant")

    def model() -> RecurrentLanguageModel:
        torch.manual_seed(0)
        return RecurrentLanguageModel(
            RecurrentConfig(embedding_dim=8, hidden_size=16, dropout_output=0.2), corpus.tokenizer.vocab_size
        )

    # The killed run was meant to be longer, and validated at other steps; steps and losses of training are the same.
    Trainer(LanguageModelling(model(), corpus, config), tmp_path / "run").run(resume=True)
    Trainer(LanguageModelling(model(), corpus, config), tmp_path / "whole").run()
    one, other = ([line for line in losses(tmp_path / name) if "loss" in line] for name in ("run", "whole"))
    assert one == other
    left, right = load_checkpoint(tmp_path / "run" / LAST), load_checkpoint(tmp_path / "whole" / LAST)
    assert all(torch.equal(tensor, right.tensors[key]) for key, tensor in left.tensors.items())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_in_order(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    reason, steps = out.split()
    assert (process.returncode, err, reason) == (0, "", "interrupt")
    assert load_checkpoint(tmp_path / "run" / LAST).state.step == int(steps)


def test_the_second_ctrl_c_does_not_wait(corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path) -> None:
    def twice() -> None:
        interrupt()
        interrupt()

    model = Brittle(corpus.tokenizer.vocab_size, twice, at=5)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        Trainer(LanguageModelling(model, corpus, make_config(steps=60)), tmp_path / "run").run()
    assert signal.getsignal(signal.SIGINT) is before
    assert load_checkpoint(tmp_path / "run" / LAST).state.step == 4


def test_training_outside_the_main_thread(corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path) -> None:
    trainer = Trainer(
        LanguageModelling(Brittle(corpus.tokenizer.vocab_size), corpus, make_config(steps=3)), tmp_path / "run"
    )
    outcomes: list[TrainingOutcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(trainer.run()))
    thread.start()
    thread.join()
    assert outcomes[0].steps == 3
