"""`anaphora classify` from the outside: train, eval and predict, and what is said about bad input."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from anaphora.cli import app

Run = Callable[..., Result]

TINY = (
    *("--set=hidden_size=8", "--set=embedding_dim=8", "--set=training.batch_size=8", "--set=threads=1"),
    *("--set=precision=float32", "--set=training.learning_rate=0.02", "--quiet"),
)


def write_reviews(path: Path, count: int = 60) -> Path:
    words = ("a good and lovely film", "a bad and boring film")
    rows = "".join(f"{words[i % 2]} number {i},{'neg' if i % 2 else 'pos'}\n" for i in range(count))
    path.write_text("review,sentiment\n" + rows, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Return the folder of a finished run, and what was printed."""
    folder = tmp_path_factory.mktemp("classify")
    table = write_reviews(folder / "reviews.csv")
    done = CliRunner().invoke(app, ["classify", "train", str(table), "--epochs=8", f"--out={folder / 'run'}", *TINY])
    assert done.exit_code == 0, done.output
    return folder / "run", done


def test_training_shows_the_classifier_beside_what_it_must_beat(trained: tuple[Path, Result]) -> None:
    folder, done = trained
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[:-4] for line in lines[2:10]] == [
        [split, *name]
        for split in ("valid", "test")
        for name in (["label", "shares"], ["naive", "bayes"], ["n-grams"], ["classifier"])
    ]
    assert "accuracy of 6 test documents: " in done.stdout
    assert "fitted on valid: calibration error on test was " in done.stdout
    assert "documents:6|labels:2|split:test|" in done.stdout
    assert f"anaphora classify predict {folder}" in done.stdout
    for name in ("config.json", "run.json", "tokenizer.json", "metrics.jsonl", "model/config.json"):
        assert (folder / name).is_file()
    assert (folder / "confusion.png").is_file() == bool(find_spec("matplotlib"))
    saved = json.loads((folder / "model" / "config.json").read_text())
    assert saved["model"]["labels"] == ["neg", "pos"]
    assert saved["provenance"]["results"]["test"]["documents"] == 6


def test_eval_repeats_what_training_found(anaphora: Run, trained: tuple[Path, Result]) -> None:
    folder, done = trained
    plain = anaphora("classify", "eval", folder, "--quiet").stdout
    signature = next(line for line in done.stdout.splitlines() if line.startswith("documents:6"))
    assert signature in plain
    found = json.loads(anaphora("classify", "eval", folder, "--quiet", "--json").stdout)
    assert found["documents"] == 6
    assert found["signature"] == signature
    assert set(found["classes"]) == {"neg", "pos"}
    other = write_reviews(Path("more.csv"), 10)
    assert json.loads(anaphora("classify", "eval", folder, other, "--json").stdout)["documents"] == 10


def test_predict_answers_every_line(anaphora: Run, trained: tuple[Path, Result]) -> None:
    folder, _ = trained
    Path("new.txt").write_text("a good and lovely film\n\na bad and boring film\n")
    rows = [line.split("\t") for line in anaphora("classify", "predict", folder, "new.txt").stdout.splitlines()]
    assert [len(row) for row in rows] == [2, 2, 2]
    assert [rows[0][0], rows[2][0]] == ["pos", "neg"]
    assert all(0.5 <= float(row[1]) <= 1 for row in rows)
    piped = CliRunner().invoke(app, ["classify", "predict", str(folder), "-"], input=Path("new.txt").read_text())
    assert piped.stdout.splitlines()[0].split("\t") == rows[0]


def test_predict_reads_tables_and_writes_json(anaphora: Run, trained: tuple[Path, Result]) -> None:
    folder, _ = trained
    Path("new.tsv").write_text("id\treview\n1\tgood and lovely\n2\t\n")
    found = json.loads(anaphora("classify", "predict", folder, "new.tsv", "--json").stdout)
    assert found["count"] == 2
    assert [one["where"] for one in found["documents"]] == ["new.tsv, line 2", "new.tsv, line 3"]
    assert sum(found["documents"][0]["probabilities"].values()) == pytest.approx(1)
    Path("odd.csv").write_text("id,txt,words\n1,x,y\n")
    failed = anaphora("classify", "predict", folder, "odd.csv")
    assert failed.exit_code == 2
    assert "--text-column" in failed.stderr
    assert anaphora("classify", "predict", folder, "odd.csv", "--text-column=words").exit_code == 0
    assert anaphora("classify", "predict", folder, "-", "--text-column=words").exit_code == 2


def test_several_labels(anaphora: Run) -> None:
    cells = ("war|love", "love", "", "war")
    Path("films.csv").write_text(
        "text,labels\n" + "".join(f"{cells[i % 4]} film {i},{cells[i % 4]}\n" for i in range(48))
    )
    done = anaphora("classify", "train", "films.csv", "--multi-label", "--epochs=3", "--out=run", "--json", *TINY)
    found = json.loads(done.stdout)
    assert found["labels"] == ["love", "war"]
    assert found["scores"]["test"]["confusion"] is None
    Path("new.txt").write_text("war love\nsea\n")
    assert len(anaphora("classify", "predict", "run", "new.txt").stdout.splitlines()) == 2
    assert anaphora("classify", "eval", "run", "films.csv", "--quiet").exit_code == 0


@pytest.mark.parametrize("multi_label", [False, True])
def test_ngrams_vote_and_everything_else_takes_the_vote_for_one_classifier(anaphora: Run, multi_label: bool) -> None:
    table = write_reviews(Path("reviews.csv"))
    several = ["--multi-label"] if multi_label else []
    done = anaphora("classify", "train", table, "--ngrams", "--epochs=8", "--out=run", *several, *TINY)
    shown = [line.split()[1:-4] for line in done.stdout.splitlines() if line.startswith("test")]
    assert shown[2:] == [["n-grams"], ["votes:", "lstm"], ["votes:", "n-grams"], ["classifier"]]
    Path("new.txt").write_text("a good and lovely film\na bad and boring film\n")
    answers = anaphora("classify", "predict", "run", "new.txt").stdout.splitlines()
    assert [line.split("\t")[0] for line in answers] == ["pos", "neg"]
    assert anaphora("classify", "eval", "run", "--quiet").exit_code == 0
    for method in ("leave-one-out", "integrated-gradients"):
        why = anaphora("classify", "explain", "run", "a good film", f"--method={method}", "--label=pos", "--json")
        contributions = {one["text"].strip(): one["contribution"] for one in json.loads(why.stdout)["tokens"]}
        assert max(contributions, key=contributions.__getitem__) == "good"
    told = anaphora("info", "run").stdout
    assert "member     classifier: " in told
    assert "member     ngram-classifier: " in told
    assert anaphora("classify", "vote", "run", "run", "--out=both").exit_code == 0
    assert "An ensemble made by" in Path("both/README.md").read_text()


def test_a_run_goes_on_and_is_not_replaced_by_accident(anaphora: Run) -> None:
    table = write_reviews(Path("reviews.csv"))
    words = ("classify", "train", table, "--out=run", "--set=schedule=constant", *TINY)
    assert anaphora(*words, "--steps=3").exit_code == 0
    taken = anaphora(*words, "--steps=3")
    assert taken.exit_code == 2
    assert "--overwrite" in taken.stderr
    assert anaphora(*words, "--steps=3", "--overwrite").exit_code == 0
    done = anaphora("classify", "train", "--resume=run", "--steps=5", "--json", "--quiet")
    assert json.loads(done.stdout)["steps"] == 5
    other = anaphora("classify", "train", table, "--resume=run")
    assert other.exit_code == 2
    assert "leave out DATA" in other.stderr
    write_reviews(table, 50)
    changed = anaphora("classify", "train", "--resume=run", "--steps=7")
    assert changed.exit_code == 2
    assert "another text" in changed.stderr


def test_a_configuration_file_and_fewer_labels(anaphora: Run) -> None:
    write_reviews(Path("reviews.csv"))
    Path("run.toml").write_text(
        '[documents]\nsource = "reviews.csv"\n[encoder]\nname = "gru"\nbidirectional = false\n[training]\nsteps = 2\n'
    )
    done = anaphora("classify", "train", "--config=run.toml", "--labels=20", "--out=run", "--json", *TINY)
    found = json.loads(done.stdout)
    assert found["documents"] == {"train": 18, "valid": 2, "test": 6, "unlabelled": 34}
    assert found["chosen"]["encoder"]["name"] == "gru"


def test_a_language_model_below(anaphora: Run, small: tuple[str, ...]) -> None:
    table = write_reviews(Path("reviews.csv"))
    words = (
        "train",
        table,
        "--column=review",
        "--model=lstm",
        "--tokenizer=english",
        "--steps=2",
        "--out=lm",
        "--quiet",
    )
    assert anaphora(*words, *small).exit_code == 0
    tiny = ("--set=training.batch_size=8", "--set=threads=1", "--set=precision=float32", "--quiet")
    done = anaphora("classify", "train", table, "--encoder=lm", "--steps=2", "--out=run", "--json", *tiny)
    found = json.loads(done.stdout)
    assert found["chosen"]["encoder"]["name"] == "language-model"
    assert found["chosen"]["encoder"]["net"]["hidden_size"] == 16
    assert anaphora("classify", "train", "--resume=run", "--quiet").exit_code == 0
    other = anaphora("classify", "train", table, "--encoder=lm", "--set=tokenizer.kind=words", "--steps=2")
    assert other.exit_code == 2
    assert "[tokenizer] has no effect" in other.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,c\n1,2,3\n", "none of the columns is known to hold the text"),
        ("text,b,c\nx,2,3\n", "none of the columns is known to hold the label"),
        ("text,label\nx,y\nz,y\n", "there is nothing to tell apart, all 2 have the label 'y'"),
        ("text,label\nx\n", "line 2: 1 columns, but 'label' is number 2"),
        ("text,label\n", "holds no documents"),
    ],
)
def test_bad_tables(anaphora: Run, content: str, message: str) -> None:
    Path("bad.csv").write_text(content)
    failed = anaphora("classify", "train", "bad.csv", "--steps=1", *TINY)
    assert failed.exit_code == 2
    assert "bad.csv" in failed.stderr
    assert message in failed.stderr
    assert not Path("runs").exists()


def test_bad_input(anaphora: Run, trained: tuple[Path, Result], run_folder: Path) -> None:
    folder, _ = trained
    write_reviews(Path("reviews.csv"))
    Path("other.csv").write_text("text,label\nx,pos\ny,great\n")
    Path("bare.csv").write_text("text,label\nx,\n")
    Path("latin.csv").write_bytes(b"text,label\nx,caf\xe9\n")
    Path("binary.csv").write_bytes(b"text,label\nx,\x00\x01\x02y\n")
    Path("binary.txt").write_bytes(b"fine\n\x00\x01\n")
    for words, message in [
        (("train",), "no documents were named"),
        (("train", "revews.csv"), "did you mean 'reviews.csv'?"),
        (("train", "latin.csv"), "latin.csv, line 2, byte offset 16"),
        (("train", "binary.csv"), "binary.csv, line 2: holds NUL characters"),
        (("train", "reviews.csv", "--test=other.csv"), "other.csv, line 3: label 'great' stands in the test"),
        (("train", "reviews.csv", "--text-column=txt"), "no column 'txt'"),
        (("train", "reviews.csv", "--set=poling=last"), "did you mean 'pooling'?"),
        (("train", "reviews.csv", "--set=seed=3"), "write documents.seed or training.seed"),
        (("train", "reviews.csv", "--class-weights=equal"), "class_weights = 'equal'"),
        (("train", "reviews.csv", "--encoder=nowhere"), "there is no model folder nowhere"),
        (("train", "ptb"), "ptb is a running text without labels"),
        (("eval", folder, "other.csv"), "other.csv, line 3: label 'great' is none of those that the classifier learnt"),
        (("eval", folder, "bare.csv"), "has a label to compare with"),
        (("eval", folder, "--split=tset"), "split = 'tset': the documents have train, valid, test"),
        (("eval", run_folder), "no classifier; `anaphora classify train DATA` makes one"),
        (("predict", folder, "nowhere.txt"), "nowhere.txt does not exist"),
        (("predict", folder, "binary.txt"), "binary.txt, line 2: holds NUL characters"),
    ]:
        failed = anaphora("classify", *words)
        assert failed.exit_code == 2, (words, failed.output)
        assert message in failed.stderr, (words, failed.stderr)
        assert failed.stdout == "" or words[0] == "predict"


def test_info_knows_a_classifier(anaphora: Run, trained: tuple[Path, Result]) -> None:
    shown = anaphora("info", trained[0]).stdout
    assert shown.startswith("model      classifier, ")
    assert "accuracy 1.0  macro f1 1.0" in shown


def test_two_runs_vote(anaphora: Run, trained: tuple[Path, Result]) -> None:
    folder, _ = trained
    table = write_reviews(Path("reviews.csv"))
    anaphora("classify", "train", table, "--epochs=4", "--seed=2", "--out=second", *TINY)
    done = anaphora("classify", "vote", folder, "second", "--out=both")
    assert done.exit_code == 0, done.output
    assert "anaphora classify eval both DATA" in done.stdout
    assert json.loads(anaphora("classify", "eval", "both", table, "--json").stdout)["documents"] == 60
    again = anaphora("classify", "vote", folder, "second", "--out=both")
    assert again.exit_code == 2
    assert "holds a model already" in again.stderr
    found = json.loads(anaphora("classify", "vote", folder, "second", "--out=both", "--overwrite", "--json").stdout)
    assert found["labels"] == ["neg", "pos"]
