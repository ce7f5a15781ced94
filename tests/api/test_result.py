"""The result of `train` is JSON all through."""

import json

from anaphora.api import TrainResult


def test_it_is_json_all_through(trained: TrainResult) -> None:
    values = json.loads(json.dumps(trained.to_json(), allow_nan=False))
    assert values["model"] == str(trained.model)
    assert values["baselines"]["uniform"]["test"]["tokens"] == values["test"]["tokens"]
