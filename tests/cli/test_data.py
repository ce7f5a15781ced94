"""`anaphora data` from the outside. Downloads have their own tests, against a local server."""

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Run = Callable[..., Result]


def test_list_names_every_corpus_on_a_line_of_its_own(anaphora: Run) -> None:
    lines = anaphora("data", "list").stdout.splitlines()
    names = [corpus["name"] for corpus in json.loads(anaphora("data", "list", "--json").stdout)["corpora"]]
    assert [line.split()[0] for line in lines[2:]] == names
    assert {"human-numbers", "ptb", "imdb"} <= set(names)


def test_info_tells_licence_splits_and_checksums(anaphora: Run) -> None:
    done = anaphora("data", "info", "ptb")
    for word in ("LDC99T42", "train valid test", "ptb.valid.txt", "c9fe6985fe0d4ccb", "https://"):
        assert word in done.stdout
    assert json.loads(anaphora("data", "info", "ptb", "--json").stdout)["redistributable"] is False


def test_fetch_says_where_the_corpus_lies(anaphora: Run) -> None:
    done = anaphora("data", "fetch", "human-numbers", "--data-dir=here", "--json")
    result = json.loads(done.stdout)
    assert (Path(result["path"]) / "train.txt").is_file()


def test_an_unknown_name_is_refused_with_the_nearest(anaphora: Run) -> None:
    for command in ("info", "fetch"):
        done = anaphora("data", command, "wikitext-3")
        assert done.exit_code == 2
        assert "did you mean 'wikitext-" in done.stderr
