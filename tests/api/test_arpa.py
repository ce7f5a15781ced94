"""N-gram models out to ARPA files and in again: the same figures either way."""

from pathlib import Path

import pytest

from anaphora.api import TrainResult, evaluate, export_arpa, generate, import_arpa, info, load, train
from anaphora.errors import AnaphoraWarning, BundleError, ConfigError

pytestmark = pytest.mark.filterwarnings("ignore:.*no discounts can be estimated")  # the text is short


@pytest.fixture(scope="module")
def words(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    out = tmp_path_factory.mktemp("runs") / "words"
    return train(text_file, model="wb3", tokenizer="words", out=out)


def test_there_and_back(words: TrainResult, text_file: Path, tmp_path: Path) -> None:
    exported = export_arpa(words.model, tmp_path / "m.arpa.gz")
    imported = import_arpa(tmp_path / "m.arpa.gz", tmp_path / "model")
    assert exported.ngrams == imported.ngrams
    assert exported.to_json()["context"] == imported.context == "sentence"
    found = evaluate(tmp_path / "model", text_file, split="test")
    assert words.test is not None
    assert found.perplexity == pytest.approx(words.test.perplexity, rel=1e-5)
    assert found.unknown_tokens == words.test.unknown_tokens
    assert found.signature.split("|")[2] == "context:sentence"
    assert generate(load(tmp_path / "model"), "the", max_new_tokens=5, seed=1)[0].tokens == 5
    assert info(tmp_path / "model")["imported"]["from"] == "m.arpa.gz"


def test_running_text_has_no_sentences(text_file: Path, tmp_path: Path) -> None:
    run = train(text_file, model="kn2", tokenizer="words", settings={"context": "stream"}, out=tmp_path / "run")
    assert run.test is not None
    assert "|context:stream|" in run.test.signature
    export_arpa(run.model, tmp_path / "m.arpa")
    assert import_arpa(tmp_path / "m.arpa", tmp_path / "model").context == "stream"
    found = evaluate(tmp_path / "model", text_file, split="test")
    assert found.perplexity == pytest.approx(run.test.perplexity, rel=1e-5)


def test_a_file_without_unknown_words_is_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "m.arpa"
    path.write_text("\\data\\\nngram 1=3\n\n\\1-grams:\n-1\t<s>\n-1\t</s>\n-1\ta\n\n\\end\\\n")
    with pytest.warns(AnaphoraWarning, match="has no <unk>: every unknown word gets a log10 probability of -100"):
        import_arpa(path, tmp_path / "model")


def test_the_folder_must_be_free(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exists already; choose another folder"):
        import_arpa(tmp_path / "m.arpa", tmp_path)


def test_words_that_make_no_tokenizer(tmp_path: Path) -> None:
    path = tmp_path / "m.arpa"
    path.write_text("\\data\\\nngram 1=2\n\n\\1-grams:\n-1\t<unk>\n-1\ta\u3000b\n\n\\end\\\n")
    with pytest.raises(BundleError, match=r"its words make no tokenizer: .* holds white space"):
        import_arpa(path, tmp_path / "model")


def test_only_n_gram_models_are_exported(trained: TrainResult, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds a model of the kind lstm; only n-gram models become ARPA files"):
        export_arpa(trained.model, tmp_path / "m.arpa")


def test_characters_have_white_space_among_them(text_file: Path, tmp_path: Path) -> None:
    run = train(text_file, model="wb2", tokenizer="chars", out=tmp_path / "run")
    with pytest.raises(ConfigError, match=r"the token ' ' cannot be written"):
        export_arpa(run.model, tmp_path / "m.arpa")


def test_scores_are_called_scores(text_file: Path, tmp_path: Path) -> None:
    run = train(text_file, model="stupid3", tokenizer="words", out=tmp_path / "run")
    assert run.test is not None
    assert run.test.signature.startswith("scores:unnormalized|")
    assert run.test.to_json()["normalized"] is False
    with pytest.raises(ConfigError, match="an ARPA file has no place for its unseen contexts"):
        export_arpa(run.model, tmp_path / "m.arpa")
    with pytest.warns(AnaphoraWarning, match="this model gives scores and no probabilities"):
        generate(run.model, "the", max_new_tokens=3, seed=1)


def test_imported_models_are_not_trained(text_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="such a model comes from `anaphora import"):
        train(text_file, model="arpa3", out=tmp_path / "run")


def test_sentences_need_an_end(text_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"context = 'sentence' .*: this tokenizer has no <eos>"):
        train(text_file, model="kn3", tokenizer="chars", settings={"context": "sentence"}, out=tmp_path / "run")
