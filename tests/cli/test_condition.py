"""`--condition` of the commands that open a model."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import Result

from anaphora.bundle import save_bundle
from anaphora.models.registry import build_model, model_config
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import TokenizerSettings

Run = Callable[..., Result]


@pytest.fixture(scope="module", name="model")
def _model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a conditional model of random weights."""
    tokenizer = CharacterTokenizer.train(["abc\n"], TokenizerSettings())
    torch.manual_seed(1)
    net = {"name": "lstm", "embedding_dim": 4, "hidden_size": 6}
    model = build_model(model_config("conditional", {"net": net, "labels": ["pos", "neg"]}), tokenizer.vocab_size)
    for weights in model.parameters():
        torch.nn.init.normal_(weights)
    return save_bundle(tmp_path_factory.mktemp("models") / "letters", model, tokenizer, {}).path


def test_generate_score_and_eval_take_a_label(anaphora: Run, model: Path) -> None:
    Path("letters.txt").write_text("abc\ncab\n")
    for words in (["generate", model, "--seed=1"], ["score", model, "letters.txt"], ["eval", model, "letters.txt"]):
        pos, neg = (anaphora(*words, f"--condition={label}") for label in ("pos", "neg"))
        assert (pos.exit_code, neg.exit_code) == (0, 0), pos.output
        assert pos.stdout != neg.stdout
    assert "|condition:neg|" in neg.stdout


def test_an_unknown_label_is_named(anaphora: Run, model: Path) -> None:
    done = anaphora("generate", model, "--condition=ngg")
    assert done.exit_code == 2
    assert "condition 'ngg': the model has no such label (it has: 'pos', 'neg'); did you mean 'neg'?" in done.stderr


def test_train_learns_from_a_column_of_labels(anaphora: Run, small: tuple[str, ...]) -> None:
    rows = "".join(f"a {word} film,{label}\n" for word, label in (("good", "pos"), ("bad", "neg")) * 40)
    Path("reviews.csv").write_text(f"review,kind\n{rows}")
    words = ["train", "reviews.csv", "--condition=kind", "--column=review", "--steps=3", "--out=run", *small]
    done = anaphora(*words)
    assert done.exit_code == 0, done.output
    assert "without the label" in done.stdout
    assert anaphora("generate", "run", "--condition=pos", "--max-new-tokens=5").exit_code == 0


def test_train_refuses_what_is_for_running_text(anaphora: Run) -> None:
    done = anaphora("train", "reviews.csv", "--condition=kind", "--max-chars=100")
    assert done.exit_code == 2
    assert "--max-chars is for running text: it does not go together with --condition" in done.stderr
