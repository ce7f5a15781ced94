"""The tree of errors: all under one root, as drawn in the module's docstring."""

import inspect

from anaphora import errors


def test_every_error_has_the_one_root_and_stands_in_the_drawing() -> None:
    drawing = inspect.getdoc(errors) or ""
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        assert issubclass(kind, errors.AnaphoraError | Warning), name
        assert f" {name} " in drawing.replace("\n", " "), name


def test_user_errors_exit_with_two() -> None:
    assert errors.AnaphoraError("x").exit_code == 2
