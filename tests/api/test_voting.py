"""`vote`: one classifier of several, whose probabilities are the mean of theirs."""

from pathlib import Path

import pytest

from anaphora.api import classify, evaluate_classifier, info, load_classifier, train_classifier, vote
from anaphora.api.classify_run import ClassifyResult
from anaphora.errors import ConfigError

SMALL = {
    "hidden_size": 8,
    "embedding_dim": 8,
    "training.batch_size": 8,
    "threads": 1,
    "precision": "float32",
    "training.learning_rate": 0.02,
}


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = ("a good and lovely film", "a bad and boring film")
    table = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    rows = "".join(f"{words[i % 2]} number {i},{'neg' if i % 2 else 'pos'}\n" for i in range(60))
    table.write_text("text,label\n" + rows)
    return table


@pytest.fixture(scope="module")
def runs(reviews: Path) -> list[ClassifyResult]:
    return [
        train_classifier(reviews, epochs=4, seed=seed, settings=SMALL, out=reviews.parent / f"run-{seed}")
        for seed in (1, 2, 3)
    ]


def test_the_mean_of_the_probabilities(runs: list[ClassifyResult], reviews: Path, tmp_path: Path) -> None:
    result = vote([run.run for run in runs[:2]], out=tmp_path / "both")
    texts = ["a lovely film", "boring", "number 7"]
    alone = [list(classify(run.run, texts)) for run in runs[:2]]
    for found, first, second in zip(classify(result.model, texts), *alone, strict=True):
        mean = (first.probabilities["pos"] + second.probabilities["pos"]) / 2
        assert found.probabilities["pos"] == pytest.approx(mean, abs=1e-5)
    assert evaluate_classifier(result.model, reviews).documents == 60
    assert info(result.model)["model"]["name"] == "ensemble"
    assert [one["path"] for one in load_classifier(result.model).provenance["vote"]] == list(result.members)


def test_an_ensemble_counts_as_its_members(runs: list[ClassifyResult], tmp_path: Path) -> None:
    first = vote([run.run for run in runs[:2]], out=tmp_path / "two")
    second = vote([first.model, runs[2].run], out=tmp_path / "three")
    (found,) = classify(second.model, ["a good film"])
    mean = sum(next(classify(run.run, ["a good film"])).probabilities["pos"] for run in runs) / 3
    assert found.probabilities["pos"] == pytest.approx(mean, abs=1e-5)


def test_what_cannot_vote(runs: list[ClassifyResult], reviews: Path, tmp_path: Path) -> None:
    first = runs[0].run
    with pytest.raises(ConfigError, match="needs two classifiers at least; there is one"):
        vote([first], out=tmp_path / "out")
    other = reviews.parent / "other.csv"
    other.write_text(reviews.read_text().replace("neg", "bad"))
    labels = train_classifier(other, epochs=1, settings=SMALL, out=tmp_path / "labels").run
    with pytest.raises(ConfigError, match=r"tells apart neg, pos, .* bad, pos: only classifiers of the same labels"):
        vote([first, labels], out=tmp_path / "out")
    tokens = train_classifier(
        reviews, epochs=1, settings={**SMALL, "tokenizer.kind": "chars"}, out=tmp_path / "tokens"
    ).run
    with pytest.raises(ConfigError, match="cut text into different tokens"):
        vote([first, tokens], out=tmp_path / "out")
    cut = train_classifier(reviews, epochs=1, settings={**SMALL, "max_tokens": 4}, out=tmp_path / "cut").run
    with pytest.raises(ConfigError, match=r"reads all tokens of a document, .* 4; train both"):
        vote([first, cut], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty and holds no model"):
        vote([first, runs[1].run], out=tmp_path / "out", overwrite=True)
