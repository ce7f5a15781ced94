"""A point of the learning curve is the mean of its runs; the picture names every curve."""

from pathlib import Path

from anaphora.lab.learning_curve import CurvePoint, plot_learning_curve


def test_a_point_is_the_mean_of_its_runs() -> None:
    assert CurvePoint.of(100, [0.5, 0.75, 0.25]) == CurvePoint(num_labels=100, accuracy=0.5, lowest=0.25, highest=0.75)


def test_the_picture_names_every_curve(tmp_path: Path) -> None:
    ours = {"our $net$": [CurvePoint.of(100, [0.6, 0.7]), CurvePoint.of(2_500, [0.8])]}
    baselines = {"majority": [CurvePoint.of(100, [0.5])], "TF-IDF": [CurvePoint.of(500, [0.7])]}
    plot_learning_curve(ours, baselines, tmp_path / "curve.svg")
    drawn = (tmp_path / "curve.svg").read_text(encoding="utf-8")
    for text in ("our $net$", "majority", "TF-IDF", "100", "500", "2,500"):
        assert f"<!-- {text} -->" in drawn
