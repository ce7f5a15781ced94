"""The line that says what was measured."""

from anaphora import __version__
from anaphora.evaluation.signature import Signature


def test_every_condition_is_in_the_line() -> None:
    signature = Signature(
        unknown="scored", split="test", lanes=4, tokenizer="1f0c93ab77aa", corpus="77d0e12c0000", model="b90a41f7eeee"
    )
    assert str(signature) == (
        "tokens:all|unknown:scored|context:stream|lanes:4|split:test|tokenizer:1f0c93ab|corpus:77d0e12c"
        f"|model:b90a41f7|version:{__version__}"
    )


def test_what_has_no_hash_is_a_dash() -> None:
    line = str(Signature(unknown="none", split="valid"))
    assert "|tokenizer:-|corpus:-|model:-|" in line
    assert "|lanes:1|" in line


def test_an_adaptation_stands_in_the_line_and_a_static_model_has_none() -> None:
    adapted = Signature(unknown="none", split="test", adapt="cache,window=500,theta=0.6,weight=0.1")
    assert "|lanes:1|adapt:cache,window=500,theta=0.6,weight=0.1|split:test|" in str(adapted)
    assert "adapt" not in str(Signature(unknown="none", split="test"))


def test_a_condition_stands_in_the_line() -> None:
    assert "|lanes:1|condition:pos|split:test|" in str(Signature(unknown="none", split="test", condition="pos"))
    assert "condition" not in str(Signature(unknown="none", split="test"))
