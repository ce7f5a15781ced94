"""KenLM reads what is written here and scores it alike; skipped where its Python module is not installed."""

import math
from pathlib import Path
from random import Random

import numpy as np
import pytest

from anaphora.models.language_model import SpecialIds
from anaphora.models.ngram.arpa import write_arpa
from anaphora.models.ngram.model import NGramLanguageModel
from anaphora.models.registry import build_model, model_config

kenlm = pytest.importorskip("kenlm", reason="KenLM's Python module is not installed: pip install kenlm")

WORDS = ["<unk>", "<eos>", *"abcdefghij"]
UNK, EOS = 0, 1


def sentences(count: int, seed: int) -> list[list[int]]:
    chance = Random(seed)
    return [[min(2 + int(chance.expovariate(0.5)), 11) for _ in range(chance.randint(0, 9))] for _ in range(count)]


def fitted(name: str) -> NGramLanguageModel:
    model = build_model(model_config(name), len(WORDS))
    assert isinstance(model, NGramLanguageModel)
    token_ids = np.array([token for line in sentences(400, seed=1) for token in (*line, EOS)])
    return model.fit(token_ids, SpecialIds(unk_id=UNK, eos_id=EOS, start_id=EOS))


@pytest.mark.filterwarnings("ignore:.*no discounts can be estimated")  # letters have few counts
@pytest.mark.parametrize("name", ["kn2", "kn3", "kn5", "katz3", "wb4", "abs3", "okn3", "additive2"])
def test_kenlm_scores_what_we_wrote_as_we_do(tmp_path: Path, name: str) -> None:
    query = fitted(name).query()
    write_arpa(tmp_path / "model.arpa", query, WORDS)
    theirs = kenlm.Model(str(tmp_path / "model.arpa"))
    for line in sentences(30, seed=2):
        line = [token if token % 7 else UNK for token in line]
        text = " ".join(WORDS[token] if token != UNK else "unheard" for token in line)
        history, ours = [EOS], []
        for token in (*line, EOS):
            ours.append(query.log_prob(token, history) / math.log(10))
            history.append(token)
        assert ours == pytest.approx([score for score, _, _ in theirs.full_scores(text)], abs=1e-5)
