"""The model folder: what is saved is what is loaded, and what a damaged or hostile folder is answered."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from anaphora.bundle import Bundle, load_bundle, load_classifier, load_tagger, save_bundle
from anaphora.errors import AnaphoraError, BundleError
from anaphora.models.language_model import CountingLanguageModel, LanguageModel
from anaphora.models.ngram.names import IMPORTED, NAMES
from anaphora.models.registry import MODELS, build_model, model_config
from anaphora.text.tokenizer import Tokenizer, TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer

TEXT = "the cat sat on the mat. the dog sat on the log.\n" * 3


SINGLE = sorted(name for name in MODELS if name not in ("mixture", "conditional"))  # see their own tests


def tokenizer() -> Tokenizer:
    return train_tokenizer(TokenizerSettings(kind="chars"), [TEXT])


def model(name: str = "lstm") -> LanguageModel:
    torch.manual_seed(5)
    sizes = {"embedding_dim": 4, "hidden_size": 6} if MODELS[name].trained_by == "gradient" else {}
    made = build_model(model_config(name, sizes), tokenizer().vocab_size)
    if isinstance(made, CountingLanguageModel) and not name.startswith(IMPORTED):
        made.fit(np.array(tokenizer().encode(TEXT)))
    return made


@pytest.fixture(name="saved")
def _saved(tmp_path: Path) -> Bundle:
    return save_bundle(tmp_path / "model", model(), tokenizer(), {"corpus": "cats", "valid": {"loss": 1.5}})


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.filterwarnings("ignore:.*no discounts can be estimated")  # the text is short
@pytest.mark.parametrize("name", [name for name in SINGLE if name not in NAMES or name.endswith("3")])
def test_saving_and_loading_changes_nothing(tmp_path: Path, name: str) -> None:
    saved = save_bundle(tmp_path / "model", model(name), tokenizer(), {})
    loaded = load_bundle(tmp_path / "model")
    tokens = torch.tensor([tokenizer().encode("the cat")])
    expected, _ = saved.model.next_log_probs(tokens, saved.model.initial_state(1))
    found, _ = loaded.model.next_log_probs(tokens, loaded.model.initial_state(1))
    # The same weights lie at other addresses, and how well those are aligned moves the last digit on some chips.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert all(torch.equal(part, saved.model.state_dict()[key]) for key, part in loaded.model.state_dict().items())
    assert loaded.model.config == saved.model.config
    assert loaded.tokenizer.hash == saved.tokenizer.hash
    assert loaded.model_hash == saved.model_hash
    assert not loaded.model.training


def test_a_loaded_model_can_be_trained_on(saved: Bundle) -> None:
    loaded = load_bundle(saved.path).model
    tokens = torch.tensor([[1, 2, 3]])
    loss, _ = loaded.train().loss(tokens, tokens, loaded.initial_state(1))  # type: ignore[operator]
    loss.backward()
    assert all(weight.grad is not None for weight in loaded.parameters())


def test_the_folder_holds_four_plain_files(saved: Bundle) -> None:
    assert sorted(path.name for path in saved.path.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    card = (saved.path / "README.md").read_text()
    assert "corpus: cats" in card
    assert "loss: 1.5" in card


def test_provenance_comes_back(saved: Bundle) -> None:
    assert load_bundle(saved.path).provenance == {"corpus": "cats", "valid": {"loss": 1.5}}


def test_a_run_folder_is_opened_at_its_model(saved: Bundle) -> None:
    assert load_bundle(saved.path.parent).path == saved.path


def test_saving_again_replaces_the_folder(saved: Bundle) -> None:
    save_bundle(saved.path, model("gru"), tokenizer(), {})
    assert getattr(load_bundle(saved.path).model.config, "name", None) == "gru"


def test_a_failed_save_keeps_the_old_model(saved: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("anaphora.bundle.save_tokenizer", full)
    with pytest.raises(OSError, match="No space left"):
        save_bundle(saved.path, model("gru"), tokenizer(), {})
    assert getattr(load_bundle(saved.path).model.config, "name", None) == "lstm"
    assert [path.name for path in saved.path.parent.iterdir()] == ["model"]


def test_model_and_tokenizer_must_belong_together(tmp_path: Path) -> None:
    other = build_model(model_config("uniform"), 5)
    with pytest.raises(BundleError, match=r"the model has 5 tokens, the tokenizer .* do not belong together"):
        save_bundle(tmp_path / "model", other, tokenizer(), {})


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"there is no model folder .*absent; `anaphora train CORPUS --out"):
        load_bundle(tmp_path / "absent")


def test_each_kind_of_model_has_a_command_that_makes_it(tmp_path: Path) -> None:
    for load, command in ((load_classifier, "classify train DATA"), (load_tagger, "tag train FILE")):
        with pytest.raises(BundleError, match=f"absent; `anaphora {command} --out"):
            load(tmp_path / "absent")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(BundleError, match="is not finished; `anaphora classify train --resume"):
        load_classifier(tmp_path)


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is no model folder: it needs config.json"):
        load_bundle(tmp_path)


def test_an_unfinished_run_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(BundleError, match="is not finished; `anaphora train --resume"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2, "anaphora": "9.9"}, r"has format 2; anaphora .* reads format 1.*\(9.9\)"),
        ({"model": [1]}, "has no .model."),
        ({"model": {"name": "transformer"}}, "name = 'transformer' in .model.: no such model"),
        ({"model": {"name": "lstm", "hidden": 3}}, "unknown key 'hidden' in .model."),
        ({"model": {"name": "lstm", "hidden_size": 10**12}}, "hidden_size = 1000000000000"),
        ({"model": {"name": "lstm", "hidden_size": 60000, "embedding_dim": 60000}}, "has shape .* configuration says"),
        ({"model": {"name": "unigram"}}, "does not fit its configuration: tensor 'counts' is missing or unexpected"),
        ({"vocab_size": 3}, "says 3 tokens, .* the two files do not belong together"),
    ],
)
def test_a_hostile_configuration_is_refused_before_memory_is_taken(
    saved: Bundle, changes: dict[str, Any], said: str
) -> None:
    edit_config(saved.path, **changes)
    with pytest.raises(BundleError, match=said):
        load_bundle(saved.path)


def test_truncated_weights(saved: Bundle) -> None:
    path = saved.path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(BundleError, match="is damaged or no safetensors file"):
        load_bundle(saved.path)


def test_a_header_that_claims_an_absurd_length(saved: Bundle) -> None:
    (saved.path / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    with pytest.raises(BundleError, match="is damaged or no safetensors file"):
        load_bundle(saved.path)


def test_a_pickle_in_disguise_is_not_loaded(saved: Bundle) -> None:
    torch.save(model().state_dict(), saved.path / "model.safetensors")
    with pytest.raises(BundleError, match="is damaged or no safetensors file"):
        load_bundle(saved.path)


def test_weights_that_are_not_finite(saved: Bundle) -> None:
    path = saved.path / "model.safetensors"
    weights = load_file(path)
    weights["head.bias"][0] = float("nan")
    save_file(weights, path)
    with pytest.raises(BundleError, match=r"'head\.bias' holds values that are not finite"):
        load_bundle(saved.path)


def test_weights_of_another_type(saved: Bundle) -> None:
    path = saved.path / "model.safetensors"
    save_file({name: weight.double() for name, weight in load_file(path).items()}, path)
    with pytest.raises(BundleError, match=r"holds torch.float64, expected torch.float32"):
        load_bundle(saved.path)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file(saved: Bundle, missing: str) -> None:
    (saved.path / missing).unlink()
    with pytest.raises(AnaphoraError, match=missing):
        load_bundle(saved.path)
