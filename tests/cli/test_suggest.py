"""`anaphora suggest` from the outside."""

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Run = Callable[..., Result]


def test_a_line_for_each_word(anaphora: Run, run_folder: Path) -> None:
    done = anaphora("suggest", run_folder, "the 12 c", "--top=3")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert len(rows) == 3
    assert all(word.startswith("c") for _, word in rows)
    probabilities = [float(probability) for probability, _ in rows]
    assert probabilities == sorted(probabilities, reverse=True)


def test_json(anaphora: Run, run_folder: Path) -> None:
    result = json.loads(anaphora("suggest", run_folder, "the 12 c", "--json").stdout)
    assert result.keys() == {"context", "typed", "typed_probability", "words", "exact", "normalized"}
    assert (result["context"], result["typed"], result["exact"]) == ("the 12 ", "c", False)
    assert len(result["words"]) == 5
    assert result["words"][0].keys() == {"word", "rest", "probability"}


def test_nothing_to_suggest(anaphora: Run, run_folder: Path) -> None:
    done = anaphora("suggest", run_folder, "the Ω")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no word that the model knows begins with 'Ω'" in done.stderr


def test_what_cannot_be_is_refused(anaphora: Run, run_folder: Path) -> None:
    for words, message in ((["nowhere"], "there is no model folder nowhere"), ([run_folder, "--top=0"], "top = 0")):
        done = anaphora("suggest", *words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert message in done.stderr
