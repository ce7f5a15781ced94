"""What an adaptation may be made of, and the line that names it."""

import pytest

from anaphora.errors import ConfigError
from anaphora.evaluation.adapt.settings import AdaptSettings, CacheSettings, DynamicSettings


def test_the_line_holds_every_value() -> None:
    settings = AdaptSettings(
        dynamic=DynamicSettings(
            segment=5, learning_rate=5e-5, decay=0.002, floor=0.5, epsilon=2e-5, statistics_tokens=1000
        ),
        cache=CacheSettings(window=100, theta=0.3, weight=0.2),
    )
    assert str(settings) == (
        "dynamic,segment=5,learning_rate=5e-05,decay=0.002,floor=0.5,epsilon=2e-05,statistics_tokens=1000"
        "+cache,window=100,theta=0.3,weight=0.2"
    )


@pytest.mark.parametrize(("method", "dynamic", "cache"), [("dynamic", 1, 0), ("cache", 0, 1), ("both", 1, 1)])
def test_a_method_by_name(method: str, dynamic: bool, cache: bool) -> None:
    settings = AdaptSettings.of(method)
    assert (settings.dynamic is not None, settings.cache is not None) == (dynamic, cache)


def test_values_find_their_part() -> None:
    settings = AdaptSettings.of("both", {"segment": "7", "theta": "0.25"})
    assert (settings.values["segment"], settings.values["theta"]) == (7, 0.25)
    changed = settings.changed("weight", 0.4).changed("decay", 0.0)
    assert changed.values == {**settings.values, "weight": 0.4, "decay": 0.0}


def test_no_key_belongs_to_both() -> None:
    assert not set(DynamicSettings.model_fields) & set(CacheSettings.model_fields)


@pytest.mark.parametrize(
    ("method", "values", "message"),
    [
        ("dynamics", {}, "adapt = 'dynamics': use one of dynamic, cache, both; did you mean 'dynamic'"),
        ("cache", {"segment": 5}, "unknown key 'segment' for adapt = 'cache'"),
        ("both", {"windw": 5}, "unknown key 'windw' for adapt = 'both'; did you mean 'window'"),
        ("cache", {"weight": 1}, r"weight = 1 in \[cache\]: should be less than 1"),
        ("dynamic", {"learning_rate": "fast"}, r"learning_rate = 'fast' in \[dynamic\]"),
    ],
)
def test_what_cannot_be(method: str, values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AdaptSettings.of(method, values)


def test_nothing_to_adapt() -> None:
    with pytest.raises(ConfigError, match="nothing would adapt: give dynamic, cache, or both"):
        AdaptSettings()
