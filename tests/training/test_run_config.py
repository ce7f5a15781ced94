"""Configuration files and key=value items: what they mean, and what is said when they mean nothing."""

import json
from pathlib import Path

import pytest

from anaphora.errors import ConfigError
from anaphora.training.run_config import RunConfig, apply_assignments, read_config

TOML = """
[corpus]
source = ["a.txt", "b.txt"]
[tokenizer]
kind = "words"
[model]
name = "gru"
hidden_size = 64
[training]
steps = 100
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_toml_json_and_the_run_folder_say_the_same(tmp_path: Path) -> None:
    from_toml = RunConfig.from_json(read_config(write(tmp_path, "run.toml", TOML)))
    saved = write(tmp_path, "config.json", json.dumps(from_toml.to_json()))
    assert RunConfig.from_json(read_config(saved)) == from_toml
    assert from_toml.corpus.source == ("a.txt", "b.txt")
    assert from_toml.model.model_dump()["hidden_size"] == 64
    assert from_toml.training.steps == 100


def test_sections_left_out_take_their_defaults() -> None:
    config = RunConfig.from_json({"corpus": {"source": ["a.txt"]}})
    assert config.model.model_dump()["name"] == "lstm"
    assert config.tokenizer.kind == "chars"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("run.yaml", "", r"must end in \.toml or \.json"),
        ("run.toml", "[trainin]", r"run\.toml: unknown section \[trainin\]; did you mean 'training'\?"),
        ("run.toml", "steps = 3", r"unknown section \[steps\]"),
        ("run.toml", "training = 3", r"training = 3 must be a section"),
        ("run.toml", "[model]\nhiden_size = 3", r"unknown key 'hiden_size' in \[model\]; did you mean 'hidden_size'"),
        ("run.toml", "[model]\nname = 'lstn'", "no such model; did you mean 'lstm'"),
        ("run.toml", "[training]\nsteps = = 3", r"run\.toml: .*line 2"),
        ("run.json", "[1]", "holds a JSON list, not an object"),
        ("run.json", "{", r"run\.json: .*line 1"),
    ],
)
def test_faults_in_a_file_are_named_with_their_place(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_config(write(tmp_path, name, text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(ConfigError, match="is not UTF-8 at byte 2"):
        read_config(tmp_path / "latin.toml")
    (tmp_path / "big.json").write_bytes(b" " * (1 << 20) + b"{}")
    with pytest.raises(ConfigError, match="larger than 1 MB"):
        read_config(tmp_path / "big.json")


def test_assignments_with_full_and_bare_names() -> None:
    sections = apply_assignments(
        {"training": {"steps": 5}},
        ["training.learning_rate=0.01", "hidden_size = 64", "kind=words", "source=['a.txt']", "max_grad_norm=none"],
    )
    assert sections == {
        "corpus": {"source": ["a.txt"]},
        "tokenizer": {"kind": "words"},
        "model": {"hidden_size": 64},
        "training": {"steps": 5, "learning_rate": 0.01, "max_grad_norm": None},
    }


def test_none_is_a_word_where_a_key_cannot_be_empty() -> None:
    assert apply_assignments({}, ["unicode=none"])["tokenizer"] == {"unicode": "none"}


def test_the_model_name_decides_its_keys_wherever_it_stands() -> None:
    with pytest.raises(ConfigError, match="hidden_size: no section has this key"):
        apply_assignments({}, ["hidden_size=64", "model.name=uniform"])


def test_the_values_that_were_given_stay_as_they_were() -> None:
    given = {"training": {"steps": 5}}
    apply_assignments(given, ["steps=6"])
    assert given == {"training": {"steps": 5}}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("steps", "'steps' is not an assignment; write key=value"),
        ("=3", "not an assignment"),
        ("hiden_size=3", "hiden_size: no section has this key; did you mean 'hidden_size'"),
        ("trainin.steps=3", r"unknown section \[trainin\]; did you mean 'training'"),
        ("training.step=3", r"unknown key 'step' in \[training\]; did you mean 'steps'"),
    ],
)
def test_faults_in_assignments(item: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        apply_assignments({}, [item])
