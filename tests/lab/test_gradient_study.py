"""The three experiments: radius^lag exactly, before and after training, and steps that are clipped."""

from pathlib import Path

import pytest
import torch

from anaphora.errors import ConfigError
from anaphora.lab.gradient_study import study_cell, study_cells, study_model, study_radii, train_briefly
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel


def test_gradients_vanish_and_explode_with_the_spectral_radius() -> None:
    study = study_radii((0.5, 0.8, 1.0, 1.2), hidden_size=8, lags=50)
    shares = [flow.norms[50] / flow.norms[0] for flow in study.flows]
    assert shares == pytest.approx([0.5**50, 0.8**50, 1.0, 1.2**50], rel=1e-3)
    assert shares[1] == pytest.approx(1.4e-5, rel=0.02)  # the textbook's figure
    assert [flow.memory_length for flow in study.flows] == [7, 21, None, None]


def test_training_stretches_the_memory_of_an_elman_cell() -> None:
    before, after = study_cell("elman", lags=20).flows
    assert (before.stage, after.stage) == ("initial", "trained")
    assert before.clipped_share is None
    assert after.clipped_share is not None
    assert after.norms[20] / after.norms[0] > 10 * before.norms[20] / before.norms[0]
    assert after.spectral_radii["l0.h"] > before.spectral_radii["l0.h"]


def test_all_cells_stand_in_one_picture(tmp_path: Path) -> None:
    study = study_cells(hidden_size=4, lags=5, steps=1)
    assert [flow.name for flow in study.flows] == ["elman", "elman", "gru", "gru", "lstm", "lstm"]
    study.plot(tmp_path / "cells.png")
    assert (tmp_path / "cells.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_cell_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"no cell 'lsmt': it is one of elman, gru, lstm; did you mean 'lstm'\?"):
        study_cell("lsmt")


def test_a_model_is_studied_on_its_own_text_and_left_alone() -> None:
    model = RecurrentLanguageModel(RecurrentConfig(name="gru", embedding_dim=4, hidden_size=4), vocab_size=9)
    before = [parameter.clone() for parameter in model.parameters()]
    (flow,) = study_model(model, torch.arange(900) % 9, lags=10, steps=3, max_grad_norm=1e-6, name="my model").flows
    assert flow.name == "my model"
    assert flow.clipped_share == 1.0
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))


def test_no_step_is_clipped_at_a_norm_out_of_reach_and_no_step_has_no_share() -> None:
    model = RecurrentLanguageModel(RecurrentConfig(name="elman", embedding_dim=4, hidden_size=4), vocab_size=9)
    assert train_briefly(model, torch.arange(900) % 9, steps=3, max_grad_norm=1e6)[1] == 0.0
    assert train_briefly(model, torch.arange(900) % 9, steps=0, max_grad_norm=1.0)[1] is None
