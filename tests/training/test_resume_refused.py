"""What a run may not be resumed with: other settings, another model or text, a checkpoint that does not fit."""

from pathlib import Path
from typing import Any

import pytest
from tests.training.accidents import BEST, LAST, Brittle, MakeConfig, MakeModel, broken_off

from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.errors import BundleError, ConfigError
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.checkpoint import load_checkpoint, save_checkpoint
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("save_often")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.5}, r"learning_rate in \[training\] was 0.02 when this run was begun and is 0.5 now"),
        ({"batch_size": 2}, r"batch_size in \[training\] was 4"),
        ({"seed": 2}, r"seed in \[training\] was 1"),
        ({"steps": 50}, r"steps in \[training\] was 60 .* the schedule 'one-cycle' was laid over the old length"),
        ({"steps": None, "epochs": 2}, "was laid over the old length"),
    ],
)
def test_other_settings_are_refused(
    corpus: PreparedCorpus,
    make_model: MakeModel,
    make_config: MakeConfig,
    tmp_path: Path,
    changes: dict[str, Any],
    message: str,
) -> None:
    broken_off(corpus, make_config, tmp_path / "run")
    config = make_config(**{"steps": 60, **changes})
    with pytest.raises(ConfigError, match=message):
        Trainer(LanguageModelling(Brittle(corpus.tokenizer.vocab_size), corpus, config), tmp_path / "run").run(
            resume=True
        )


def test_another_model_is_refused(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    broken_off(corpus, make_config, tmp_path / "run")
    with pytest.raises(
        ConfigError, match=r"dropout_hidden in \[model\] was 0.3 when this run was begun and is 0.0 now"
    ):
        Trainer(LanguageModelling(make_model(num_layers=2), corpus, make_config(steps=60)), tmp_path / "run").run(
            resume=True
        )


def test_another_text_is_refused(corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path) -> None:
    broken_off(corpus, make_config, tmp_path / "run")
    (tmp_path / "other.txt").write_text("hgfedcba " * 400)
    other = prepare(open_corpus(CorpusSettings(source=(str(tmp_path / "other.txt"),))), TokenizerSettings())
    trainer = Trainer(
        LanguageModelling(Brittle(other.tokenizer.vocab_size), other, make_config(steps=60)), tmp_path / "run"
    )
    with pytest.raises(ConfigError, match="this run was begun with another text"):
        trainer.run(resume=True)


def test_checkpoints_that_do_not_fit(corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path) -> None:
    run = tmp_path / "run"

    def resume() -> None:
        Trainer(LanguageModelling(Brittle(corpus.tokenizer.vocab_size), corpus, make_config(steps=60)), run).run(
            resume=True
        )

    with pytest.raises(BundleError, match="does not exist; was this run ever started"):
        resume()
    broken_off(corpus, make_config, run)
    last, best = (run / LAST).read_bytes(), (run / BEST).read_bytes()
    for spoil, message in SPOILS.items():
        (run / LAST).write_bytes(last)
        rewrite(run / LAST, spoil)
        with pytest.raises(BundleError, match=message):
            resume()
    (run / LAST).write_bytes(last)
    rewrite(run / BEST, "best_step")
    with pytest.raises(BundleError, match=r"best\.safetensors is not of step 18, as .*last\.safetensors says"):
        resume()
    (run / BEST).unlink()
    with pytest.raises(BundleError, match=r"best\.safetensors does not exist"):
        resume()
    (run / BEST).write_bytes(best)
    resume()


SPOILS = {
    "model/head.bias": "does not fit this run: the weights differ: head.bias",
    "optimizer/embedding.weight/step": "does not fit this run: memory of .*",
    "carried/0": "does not fit this run: the carried state does not fit the model",
    "generator/cpu": "does not fit this run: the state of the random generator is not usable",
    "index": "names batch 1000000 of",
}


def rewrite(path: Path, spoil: str) -> None:
    """Take one tensor out of a checkpoint, or spoil a counter."""
    checkpoint = load_checkpoint(path)
    checkpoint.tensors.pop(spoil, None)
    if spoil == "index":
        checkpoint.state.index = 1_000_000
    if spoil == "best_step":
        checkpoint.state.step = 6
    save_checkpoint(path, checkpoint)
