"""`score` from Python: lines as they come, and everything as one JSON object."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from anaphora.api import TrainResult, evaluate, load, score
from anaphora.errors import CorpusError


def test_a_stream_of_lines_adds_up_to_the_evaluation(trained: TrainResult, text_file: Path) -> None:
    (held_out := text_file.with_name("other.txt")).write_text("the 3 cats\n\nsat on 21 mats\n")
    bundle = load(trained.model)
    scores = score(bundle, held_out, context="stream")
    assert [line.text for line in scores] == ["the 3 cats", "", "sat on 21 mats"]
    whole = evaluate(bundle, held_out)
    assert scores.total.perplexity == pytest.approx(whole.perplexity, rel=1e-5)
    assert scores.total.bits_per_byte == pytest.approx(whole.bits_per_byte, rel=1e-5)
    assert (scores.lines, scores.total.tokens) == (3, whole.tokens)
    assert "|context:stream|" in scores.signature


def test_lines_are_scored_when_they_are_asked_for(trained: TrainResult) -> None:
    asked: list[str] = []

    def lines() -> Iterator[str]:
        for line in ("the 1 cats", "the 2 cats"):
            asked.append(line)
            yield line

    scores = score(trained.model, lines())
    next(scores)
    assert asked == ["the 1 cats"]
    assert scores.lines == 1


def test_json(trained: TrainResult) -> None:
    result = score(trained.model, ["the", ""]).to_json(per_token=True)
    assert result.keys() == {"signature", "normalized", "unit", "lines", "total"}
    first, empty = result["lines"]
    keys = {"text", "log_prob", "perplexity", "bits_per_byte", "tokens", "unknown_tokens", "characters", "bytes"}
    assert first.keys() == keys | {"per_token"}
    assert [entry["token"] for entry in first["per_token"]] == ["t", "h", "e", "\n"]
    assert empty["tokens"] == 1
    assert result["total"].keys() == keys - {"text"} | {"lines"}
    assert result["total"]["lines"] == 2
    assert (result["unit"], result["normalized"]) == ("nats", True)


def test_scores_of_an_unnormalized_model_are_called_so(trained: TrainResult, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = load(trained.model)
    monkeypatch.setattr(type(bundle.model), "normalized", False)
    result = score(bundle, ["the"]).to_json()
    assert result["normalized"] is False
    assert result["signature"].startswith("scores:unnormalized|")


def test_a_file_that_is_none(trained: TrainResult) -> None:
    with pytest.raises(CorpusError, match="nowhere does not exist"):
        score(trained.model, "nowhere")
