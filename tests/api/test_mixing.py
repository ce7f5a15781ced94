"""`mix`: a model made of models, better on the text it was tuned on than each of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from anaphora.api import TrainResult, evaluate, generate, info, load, mix, score, train
from anaphora.errors import ConfigError, CorpusError


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("held-out") / "valid.txt"
    path.write_text("".join(f"the {number} cats sat on {number * 7} mats\n" for number in range(400, 420)))
    return path


@pytest.fixture(scope="module")
def other(text_file: Path, small: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return train(text_file, model="gru", steps=60, settings=small, out=tmp_path_factory.mktemp("runs") / "gru")


@pytest.mark.parametrize(("combination", "classes"), [("linear", "one"), ("linear", "rank"), ("log-linear", "one")])
def test_a_mixture_beats_its_parts_and_is_a_model_like_any_other(
    combination: str, classes: str, trained: TrainResult, other: TrainResult, held_out: Path, tmp_path: Path
) -> None:
    result = mix(
        [trained.model, other.model],
        tune=held_out,
        out=tmp_path / "both",
        combination=combination,
        context_classes=classes,
    )
    assert result.perplexity < min(part.perplexity for part in result.components)
    bundle = load(result.model)
    assert evaluate(bundle, held_out).perplexity == pytest.approx(result.perplexity, rel=1e-5)
    alone = evaluate(trained.model, held_out)
    assert result.components[0].perplexity == pytest.approx(alone.perplexity, rel=1e-5)
    assert result.tokens == alone.tokens
    assert len(generate(bundle, "the ", max_new_tokens=5, seed=1)[0].token_ids) == 5
    assert next(score(bundle, ["the 5 cats"])).total.tokens == 11
    facts = info(bundle)
    assert facts["model"]["name"] == "mixture"
    assert facts["mixture"]["weights"] == [list(row) for row in result.weights]
    json.dumps(result.to_json(), allow_nan=False)


def test_mixtures_mix_again(trained: TrainResult, other: TrainResult, held_out: Path, tmp_path: Path) -> None:
    first = mix([trained.model, other.model], tune=held_out, out=tmp_path / "first")
    second = mix([first.model, other.model], tune=held_out, out=tmp_path / "second")
    assert second.perplexity <= first.perplexity * 1.001  # the search ends a little before the maximum
    parts = [load(run.model).model.num_parameters for run in (trained, other, other)]
    assert load(second.model).model.num_parameters == sum(parts)


def test_what_cannot_be_is_refused(
    trained: TrainResult, other: TrainResult, text_file: Path, held_out: Path, tmp_path: Path
) -> None:
    words = train(text_file, model="unigram", tokenizer="words", out=tmp_path / "words")
    (taken := tmp_path / "taken").mkdir()
    (taken / "thesis.tex").touch()
    out, both = tmp_path / "out", [trained.model, other.model]
    cases: list[tuple[list[Path], dict[str, Any], str]] = [
        ([trained.model], {}, "a mixture needs two models at least; there is one"),
        ([trained.model, words.model], {}, "cut text into different tokens"),
        (both, {"combination": "loglinear"}, "combination = 'loglinear' for a mixture; did you mean 'log-linear'"),
        (both, {"context_classes": "two"}, "context_classes = 'two' for a mixture"),
        (both, {"out": taken}, "is not empty and holds no model"),
        (both, {"out": trained.model}, "holds a model already"),
        (both, {"out": held_out}, "is a file; name a folder"),
        ([trained.model, trained.run], {}, "are the same model"),
    ]
    for models, how, message in cases:
        with pytest.raises(ConfigError, match=message):
            mix(models, **{"tune": held_out, "out": out, **how})
    with pytest.raises(CorpusError, match="nowhere does not exist"):
        mix(both, tune="nowhere", out=out)
    assert not out.exists()
    with pytest.raises(ConfigError, match="a mixture is made of models that are trained already"):
        train(text_file, model="mixture", out=tmp_path / "trained")


def test_scores_that_are_no_probabilities_mix_by_their_logarithms_only(
    trained: TrainResult, other: TrainResult, held_out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [load(trained.model), load(other.model)]
    monkeypatch.setattr(type(parts[0].model), "normalized", False)
    with pytest.raises(ConfigError, match=r"gives scores that do not sum to one.*use --combination log-linear"):
        mix(parts, tune=held_out, out=tmp_path / "both")
    mix(parts, tune=held_out, out=tmp_path / "both", combination="log-linear")


def test_a_model_is_replaced_when_asked(
    trained: TrainResult, other: TrainResult, held_out: Path, tmp_path: Path
) -> None:
    for overwrite in (False, True):
        mix([trained.model, other.model], tune=held_out, out=tmp_path / "both", overwrite=overwrite)
    assert (tmp_path / "both" / "config.json").is_file()
