"""`anaphora generate` from the outside."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]


def test_one_sample_streams_after_its_prompt(anaphora: Run, run_folder: Path) -> None:
    done = anaphora("generate", run_folder, "--prompt=the ", "--max-new-tokens=20", "--seed=1")
    assert done.exit_code == 0
    assert done.stdout.startswith("the ")
    assert len(done.stdout) == len("the ") + 20 + 1


def test_streamed_text_is_the_sample_of_json(anaphora: Run, run_folder: Path) -> None:
    words = ["generate", run_folder, "--prompt=the ", "--max-new-tokens=20", "--seed=1"]
    [sample] = json.loads(anaphora(*words, "--json").stdout)["samples"]
    assert sample.keys() == {"text", "tokens", "log_prob"}
    assert anaphora(*words).stdout == f"the {sample['text']}\n"


@pytest.mark.parametrize("how", ["--num=3", "--beam=3"])
def test_several_samples_are_told_apart(anaphora: Run, run_folder: Path, how: str) -> None:
    words = ["generate", run_folder, how, "--max-new-tokens=5", "--seed=1"]
    samples = json.loads(anaphora(*words, "--json").stdout)["samples"]
    shown = anaphora(*words).stdout
    assert shown.count("nats per token") == len(samples)
    assert all(sample["text"] in shown for sample in samples)


def test_what_cannot_be_is_refused(anaphora: Run, run_folder: Path) -> None:
    for words, message in (
        (["--temperature=-1"], "temperature = -1.0 in [generation]"),
        (["--top-p=2"], "top_p = 2.0 in [generation]"),
        (["--num=3", "--beam=2"], "use at least as many beams"),
        (["--max-new-tokens=0"], "max_new_tokens = 0"),
    ):
        done = anaphora("generate", run_folder, *words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert message in done.stderr


def test_a_character_the_model_never_saw_is_read_as_unknown_with_a_warning(anaphora: Run, run_folder: Path) -> None:
    done = anaphora("generate", run_folder, "--prompt=Ω", "--max-new-tokens=3")
    assert done.exit_code == 0
    assert done.stderr.startswith("warning: ")
    assert "Ω" in done.stderr
