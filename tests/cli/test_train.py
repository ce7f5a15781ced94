"""`anaphora train` from the outside: what it prints, what it leaves, how it is broken off, and how it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]

EVALUATION = {
    "loss",
    "perplexity",
    "bits_per_char",
    "bits_per_byte",
    "accuracy",
    "tokens",
    "unknown_tokens",
    "signature",
}


def test_a_run_shows_the_model_beside_its_baselines_and_the_next_step(
    anaphora: Run, text_file: Path, small: tuple[str, ...]
) -> None:
    done = anaphora("train", text_file, "--steps=10", "--quiet", *small)
    assert done.exit_code == 0
    assert done.stderr == ""
    rows = [line.split()[:2] for line in done.stdout.splitlines() if line.startswith(("valid", "test"))]
    assert rows == [[split, name] for split in ("valid", "test") for name in ("uniform", "unigram", "kn6", "lstm")]
    assert "split:test" in done.stdout
    assert "anaphora generate runs/verse-lstm" in done.stdout
    assert Path("runs/verse-lstm/model/model.safetensors").is_file()


def test_a_net_that_loses_to_counting_is_told_so(anaphora: Run, text_file: Path, small: tuple[str, ...]) -> None:
    lost = anaphora("train", text_file, "--steps=2", "--quiet", *small).stdout
    assert "kn6 predicts this text better than the lstm does. Take it with  --model kn6," in lost
    assert "give the lstm more time or text," in lost
    slow = (*small, "--set=learning_rate=1e-5")
    assert "more time or text" in anaphora("train", text_file, "--epochs=1", "--quiet", *slow).stdout
    often = anaphora("train", text_file, "--minutes=60", "--set=max_epochs=1", "--quiet", *slow).stdout
    assert "give the lstm more text," in often
    won = anaphora("train", text_file, "--model=kn6", "--quiet").stdout
    assert "better than" not in won


def test_json_is_one_object_with_the_promised_keys(anaphora: Run, text_file: Path, small: tuple[str, ...]) -> None:
    done = anaphora("train", text_file, "--steps=10", "--json", "--quiet", *small)
    result = json.loads(done.stdout)
    assert result.keys() >= {"model", "valid", "test", "seconds", "tokens_per_second", "chosen"}
    assert result["valid"].keys() >= EVALUATION
    assert result["test"].keys() >= EVALUATION
    assert result["chosen"]["model"]["hidden_size"] == 16
    assert Path(result["model"]).is_dir()


def test_by_the_clock_the_rest_is_chosen_and_explained(anaphora: Run, text_file: Path) -> None:
    done = anaphora("train", text_file, "--minutes=0.1", "--set=hidden_size=16", "--set=threads=1", "--json")
    chosen = json.loads(done.stdout)["chosen"]
    assert chosen["model"]["hidden_size"] == 16
    assert chosen["reasons"]
    for reason in chosen["reasons"]:
        assert reason in done.stderr


def test_options_win_over_set_and_set_over_the_file(anaphora: Run, text_file: Path, small: tuple[str, ...]) -> None:
    Path("c.toml").write_text(
        f"corpus.source = '{text_file}'\n[training]\nepochs = 9\nseed = 3\nlearning_rate = 0.5\nweight_decay = 0.25\n"
    )
    words = ["--config=c.toml", "--set=seed=4", "--set=learning_rate=0.125", "--seed=5", "--steps=2"]
    done = anaphora("train", *words, "--json", "--quiet", *small)
    training = json.loads(done.stdout)["chosen"]["training"]
    assert (training["seed"], training["learning_rate"], training["weight_decay"]) == (5, 0.125, 0.25)
    assert (training["steps"], training["epochs"]) == (2, None)


def test_counting_models_need_no_steps(anaphora: Run, text_file: Path) -> None:
    done = anaphora("train", text_file, "--model=unigram", "--json")
    result = json.loads(done.stdout)
    assert result["test"]["loss"] == result["baselines"]["unigram"]["test"]["loss"]


def test_progress_is_plain_lines_on_stderr_where_there_is_no_terminal(
    anaphora: Run, text_file: Path, small: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anaphora.cli.progress.LINE_EVERY_SECONDS", 0.0)
    done = anaphora("train", text_file, "--steps=300", *small)
    assert done.exit_code == 0
    assert "\x1b" not in done.output


def write(path: str, content: bytes) -> str:
    Path(path).write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (lambda: ["train"], "no corpus was named"),
        (lambda: ["train", "nowhere/book.txt"], "nowhere/book.txt"),
        (lambda: ["train", "tinyshakespear"], "did you mean the known corpus 'tinyshakespeare'"),
        (lambda: ["train", write("empty.txt", b"")], "empty"),
        (lambda: ["train", write("one.txt", b"a")], "too few to split"),
        (lambda: ["train", write("short.txt", b"abc " * 40), "--steps=1"], "batch_size"),
        (lambda: ["train", write("image.txt", b"\x89PNG\x00\x00\x00" * 99)], "binary"),
        (lambda: ["train", write("latin.txt", "é à ü\n".encode("latin-1") * 99)], "--encoding"),
        (lambda: ["train", "human-numbers", "--set=hiden_size=3"], "did you mean 'hidden_size'"),
        (lambda: ["train", "human-numbers", "--set=hidden_size"], "key=value"),
        (lambda: ["train", "human-numbers", "--tokenizer=word"], "'words'"),
        (lambda: ["train", "human-numbers", "--model=lstn"], "did you mean 'lstm'"),
        (lambda: ["train", "human-numbers", "--steps=0"], "steps = 0 in [training]"),
        (lambda: ["train", "human-numbers", "--steps=1", "--epochs=1"], "exclude each other"),
        (lambda: ["train", "human-numbers", "--device=tpu"], "device = 'tpu'"),
        (lambda: ["train", "human-numbers", "--config=nowhere.toml"], "nowhere.toml"),
        (lambda: ["train", "human-numbers", "--resume=runs/x"], "leave out CORPUS"),
        (lambda: ["train", "--resume=runs/x"], "runs/x"),
        (lambda: ["train", "human-numbers", "--track=wandb", "--steps=1"], "tensorboard"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(anaphora: Run, words: Callable[[], list[str]], message: str) -> None:
    done = anaphora(*words(), "--json")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert not Path("runs").exists() or not any(Path("runs").iterdir()), "a run that never began left a folder"


def test_a_folder_in_use_is_refused_before_any_work(anaphora: Run, run_folder: Path, text_file: Path) -> None:
    done = anaphora("train", text_file, "--out", run_folder)
    assert done.exit_code == 2
    assert "--overwrite" in done.stderr


def test_a_wrong_option_is_a_usage_error(anaphora: Run) -> None:
    done = anaphora("train", "--stepz=3")
    assert done.exit_code == 2
    assert "--steps" in done.stderr


def start(*words: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "anaphora", *words],
        cwd=cwd,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path) -> None:
    for _ in range(3000):
        if path.is_file() and path.stat().st_size:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} never appeared")


def test_ctrl_c_keeps_a_measured_model_that_resume_goes_on_with(
    anaphora: Run, text_file: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    process = start("train", str(text_file), "--steps=1000", "--out=run", "--json", "--quiet", *small, cwd=tmp_path)
    wait_for(tmp_path / "run" / "metrics.jsonl")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate()
    assert process.returncode == 130, stderr
    broken_off = json.loads(stdout)
    assert broken_off["interrupted"]
    assert 0 < broken_off["steps"] < 1000
    assert broken_off["test"].keys() >= EVALUATION
    done = anaphora("train", "--resume", tmp_path / "run", "--json", "--quiet")
    assert done.exit_code == 0, done.output + repr(done.exception)
    resumed = json.loads(done.stdout)
    assert (resumed["steps"], resumed["interrupted"]) == (1000, False)
    assert resumed["test"]["loss"] < broken_off["test"]["loss"]


def test_resume_refuses_another_text_and_another_model(anaphora: Run, text_file: Path, small: tuple[str, ...]) -> None:
    Path("book.txt").write_text(text_file.read_text())
    assert anaphora("train", "book.txt", "--steps=4", "--out=run", "--quiet", *small).exit_code == 0
    other_model = anaphora("train", "--resume=run", "--set=hidden_size=8")
    assert other_model.exit_code == 2
    assert "hidden_size" in other_model.stderr
    Path("book.txt").write_text(text_file.read_text().upper())
    other_text = anaphora("train", "--resume=run")
    assert other_text.exit_code == 2
    assert "the text of book has changed" in other_text.stderr
