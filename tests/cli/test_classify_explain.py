"""`anaphora classify explain` from the outside: what it prints, the files it writes, and what bad input is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from anaphora.bundle import save_classifier
from anaphora.cli import app
from anaphora.models.classifier import ClassifierConfig, DocumentClassifier
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer

Run = Callable[..., Result]
TEXT = "a bad film but a good end"


@pytest.fixture(name="model", scope="module")
def _model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a classifier that has learnt nothing: explaining needs no more."""
    folder = tmp_path_factory.mktemp("classifier") / "reviews"
    torch.manual_seed(1)
    tokenizer = train_tokenizer(TokenizerSettings(kind="words"), [TEXT])
    encoder: Any = {"name": "gru", "embedding_dim": 4, "hidden_size": 4, "embedding_range": 1.0}
    config = ClassifierConfig(encoder=encoder, labels=("neg", "pos"))
    save_classifier(folder, DocumentClassifier(config, tokenizer.vocab_size), tokenizer, {})
    return folder


def test_the_answer_and_the_strongest_tokens_are_printed(anaphora: Run, model: Path) -> None:
    done = anaphora("classify", "explain", model, TEXT, "--label=neg", "--top=2", "--quiet")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert {line.split()[1] for line in lines[:2]} == {"neg", "pos"}
    assert "for or against neg, by leave-one-out" in done.stdout
    rows = [line.split() for line in lines if line[:1] in "+-" and line[1:2].isdigit()]
    assert 2 <= len(rows) <= 4
    numbers = [float(number) for number, _ in rows]
    assert numbers == sorted(numbers, reverse=True)
    assert "the answer stays the same from token " in done.stdout


def test_json_holds_every_token(anaphora: Run, model: Path) -> None:
    words = ("classify", "explain", model, TEXT, "--method=integrated-gradients", "--json", "--quiet")
    values = json.loads(anaphora(*words).stdout)
    assert "".join(token["text"] for token in values["tokens"]) == TEXT
    assert values["method"] == "integrated-gradients"
    assert abs(values["gap"]) < 0.02
    plain = anaphora(*words[:-2], "--quiet").stdout
    assert f"from a text of empty words, but for {values['gap']:+.4f} nats" in plain


@pytest.mark.parametrize(
    ("name", "beginning"), [("why.html", b"<!DOC"), ("why.png", b"\x89PNG"), ("why.svg", b"<?xml"), ("why.json", b"{")]
)
def test_what_is_written_follows_from_the_name(anaphora: Run, model: Path, name: str, beginning: bytes) -> None:
    done = anaphora("classify", "explain", model, TEXT, "--out", name, "--quiet")
    assert f"written  {name}" in done.stdout
    assert Path(name).read_bytes().startswith(beginning)


def test_a_text_may_come_from_a_file_or_a_pipe(anaphora: Run, model: Path) -> None:
    Path("review.txt").write_text(TEXT)
    words = ["classify", "explain", str(model), "--quiet", "--json"]
    from_file = anaphora(*words, "--file=review.txt").stdout
    assert from_file == anaphora(*words, TEXT).stdout
    assert CliRunner().invoke(app, [*words, "--file=-"], input=TEXT).stdout == from_file


def test_a_cut_is_told(anaphora: Run, model: Path) -> None:
    done = anaphora("classify", "explain", model, TEXT, "--max-tokens=3", "--quiet")
    assert "only the first 3 of 7 tokens were read; --max-tokens reads more" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give a text, or a file that holds one"),
        ((TEXT, "--file=x"), "give a text, or a file that holds one"),
        ((TEXT, "--label=good"), "no label 'good' (known: neg, pos)"),
        ((TEXT, "--method=guess"), "method = 'guess' (known: leave-one-out, integrated-gradients)"),
        ((TEXT, "--out=why.pdf"), "--out why.pdf: the name must end in .html, .json, .png, .svg"),
        (("--file=none.txt",), "none.txt"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(anaphora: Run, model: Path, words: tuple[str, ...], message: str) -> None:
    done = anaphora("classify", "explain", model, *words)
    assert done.exit_code == 2
    assert message in done.stderr
