"""Several sources of settings become one configuration."""

from pathlib import Path

import pytest

from anaphora.api.configure import Assignments, complete, corpus_options, overlay
from anaphora.errors import ConfigError
from anaphora.text.corpus import CorpusSettings


def test_later_sources_win(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[training]\nseed = 1\nbptt = 10\nbatch_size = 2\n")
    merged = overlay(path, {"seed": 2, "training.bptt": 20}, {"training.seed": 3, "training.batch_size": None})
    assert merged["training"] == {"seed": 3, "bptt": 20, "batch_size": 2}


def test_settings_may_be_a_mapping_or_assignments() -> None:
    values = {"dropout_output": 0.5, "tie_weights": True, "tokenizer.kind": "words", "max_grad_norm": None}
    texts = ["dropout_output=0.5", "tie_weights=true", "tokenizer.kind=words", "max_grad_norm=none"]
    assert overlay(None, values, {}) == overlay(None, texts, {})


def test_a_path_with_quotes_and_unicode_survives() -> None:
    merged = overlay(None, None, {"corpus.data_dir": 'Größe "x" \\ y'})
    assert merged["corpus"]["data_dir"] == 'Größe "x" \\ y'


def test_a_rule_to_stop_replaces_another_only_when_it_is_an_option() -> None:
    assert overlay({"training": {"epochs": 3}}, None, {"training.steps": 5})["training"] == {"steps": 5}
    both = overlay({"training": {"epochs": 3}}, ["steps=5"], {})
    with pytest.raises(ConfigError, match="exclude each other"):
        complete({**both, "corpus": {"source": ["x"]}}, by_gradient=True)


def test_everything_wins_over_a_preset() -> None:
    plain = overlay(None, None, {}, preset_name="awd-lstm-ptb")
    assert (plain["model"]["hidden_size"], plain["training"]["epochs"]) == (1150, 500)
    base = {"training": {"batch_size": 40, "bptt": 35}}
    mixed = overlay(base, ["hidden_size=64", "bptt=20"], {"training.bptt": 10}, preset_name="awd-lstm-ptb")
    assert mixed["model"] == {**plain["model"], "hidden_size": 64}
    assert mixed["training"] == {**plain["training"], "batch_size": 40, "bptt": 10}


@pytest.mark.parametrize("settings", [["steps=5"], {"training.steps": 5}])
def test_any_rule_to_stop_replaces_that_of_a_preset(settings: Assignments) -> None:
    for base, items in (({"training": {"steps": 5}}, None), (None, settings)):
        training = overlay(base, items, {}, preset_name="awd-lstm-ptb")["training"]
        assert training["steps"] == 5
        assert "epochs" not in training


def test_ten_minutes_unless_something_else_is_said() -> None:
    sections = overlay(None, None, corpus_options("x.txt"))
    assert complete(sections, by_gradient=True).training.minutes == 10
    assert complete(sections, by_gradient=False).training.minutes is None
    sections["training"]["steps"] = 3
    assert complete(sections, by_gradient=True).training.minutes is None


def test_a_corpus_can_be_named_in_many_ways(tmp_path: Path) -> None:
    assert corpus_options(None) == {}
    assert corpus_options("ptb") == {"corpus.source": ["ptb"]}
    assert corpus_options([tmp_path, "b"]) == {"corpus.source": [str(tmp_path), "b"]}
    settings = CorpusSettings(source=("a.csv",), column="review")
    assert corpus_options(settings) == {"corpus.source": ("a.csv",), "corpus.column": "review"}


def test_no_corpus_is_an_error_that_says_what_to_give() -> None:
    with pytest.raises(ConfigError, match=r"no corpus was named; give a text file, .*anaphora data list"):
        complete(overlay(None, None, {}), by_gradient=True)
