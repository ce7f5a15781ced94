"""`anaphora lab chars` from the outside."""

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Run = Callable[..., Result]


def test_it_reports_perplexity_and_continuations(anaphora: Run, text_file: Path) -> None:
    options = ("--prompt", "the", "--prompt", "cats", "--epochs=4", "--report-every=2", "--max-chars=2400", "--quiet")
    done = anaphora("lab", "chars", text_file, "--windows=consecutive", *options)
    assert done.exit_code == 0, done.output
    assert "2,400 characters, 21 distinct: knowing nothing is a perplexity of 21" in done.stdout
    assert "epoch 2  perplexity" in done.stdout
    assert "epoch 4  perplexity" in done.stdout
    assert done.stdout.count("\n  the") == done.stdout.count("\n  cats") == 2


def test_json_holds_the_whole_run(anaphora: Run, text_file: Path) -> None:
    done = anaphora("lab", "chars", text_file, "--prompt=the", "--epochs=1", "--max-chars=2400", "--quiet", "--json")
    values = json.loads(done.stdout)
    assert (values["net"], values["windows"], values["characters"]) == ("scratch", "random", 2400)
    assert [report["epoch"] for report in values["reports"]] == [1]
    assert values["perplexity"] == values["reports"][0]["perplexity"]


def test_a_prompt_the_text_cannot_spell_is_refused(anaphora: Run, text_file: Path) -> None:
    done = anaphora("lab", "chars", text_file, "--quiet")
    assert done.exit_code == 2
    assert "the text has no '分'" in done.stderr
