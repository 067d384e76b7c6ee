"""The numbers of the house: sizes, nesting, parameters, public names, settings, dependencies."""

from __future__ import annotations

import ast
import dataclasses
import tomllib
from importlib.util import find_spec

import pytest

import surefill
from tests.tidy import numbers, tables
from tests.tidy.source import ROOT, everything, parse
from tests.tidy.test_never import hold


def project() -> dict[str, list[str]]:
    """The ``[project]`` table's dependency lists."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {"base": data["project"]["dependencies"]}


def test_files_are_short() -> None:
    hold(numbers.long_file, everything())


def test_functions_are_short() -> None:
    hold(numbers.long_function, everything())


def test_classes_are_short() -> None:
    hold(numbers.long_class, everything())


def test_functions_are_flat() -> None:
    hold(numbers.deep_function, everything())


def test_parameters_have_names() -> None:
    hold(numbers.many_positional, everything())


def test_few_public_names() -> None:
    assert len(surefill.__all__) <= tables.PUBLIC_NAMES_MAX


def test_few_settings() -> None:
    if find_spec("surefill.config") is None:
        pytest.skip("surefill.config does not exist yet")
    from surefill.config import Settings

    names = [field.name for field in dataclasses.fields(Settings)]
    assert len(names) <= tables.SETTINGS_MAX, f"{len(names)} settings: {names}"


def test_few_runtime_dependencies() -> None:
    assert len(project()["base"]) <= tables.RUNTIME_DEPENDENCIES_MAX


# Each number can fail -------------------------------------------------------------------------

PATH = "src/surefill/core/x.py"


def test_a_long_file_is_found() -> None:
    assert not list(numbers.long_file([parse(PATH, "x = 1\n" * 500)]))
    assert list(numbers.long_file([parse(PATH, "x = 1\n" * 501)]))


def test_a_long_function_is_found_and_its_docstring_is_free() -> None:
    head = 'def f():\n    """One.\n\n    Two.\n    """\n'
    assert not list(numbers.long_function([parse(PATH, head + "    x = 1\n" * 59)]))
    assert list(numbers.long_function([parse(PATH, head + "    x = 1\n" * 60)]))


def test_a_long_class_is_found() -> None:
    assert not list(numbers.long_class([parse(PATH, "class C:\n" + "    x = 1\n" * 299)]))
    assert list(numbers.long_class([parse(PATH, "class C:\n" + "    x = 1\n" * 300)]))


@pytest.mark.parametrize(
    ("depth", "body"),
    [
        (0, "x = 1"),
        (1, "if a:\n    x = 1\nelif b:\n    x = 2\nelif c:\n    x = 3\nelse:\n    x = 4"),
        (2, "if a:\n    x = 1\nelse:\n    for b in c:\n        x = 2"),
        (2, "match a:\n    case 1:\n        if b:\n            x = 1\n    case _:\n        x = 2"),
        (3, "for a in b:\n    with c:\n        while d:\n            x = 1"),
        (2, "try:\n    x = 1\nexcept ValueError:\n    if a:\n        x = 2\nfinally:\n    x = 3"),
        (4, "for a in b:\n    if c:\n        if d:\n            if e:\n                x = 1"),
        (1, "if a:\n    def g():\n        if b:\n            if c:\n                x = 1"),
    ],
)
def test_nesting_is_counted_as_a_reader_does(depth: int, body: str) -> None:
    assert numbers.nesting(ast.parse(body).body) == depth


def test_a_deep_function_is_found() -> None:
    lines = ["def f():"] + ["    " * n + "if a:" for n in range(1, 5)] + ["    " * 5 + "x = 1"]
    assert list(numbers.deep_function([parse(PATH, "\n".join(lines))]))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def f(a, b, c): ...", False),
        ("def f(a, b, c, d): ...", True),
        ("def f(a, b, c, *, d, e): ...", False),
        ("class C:\n    def f(self, a, b, c): ...", False),
        ("class C:\n    def f(self, a, b, c, d): ...", True),
        ("def execute_trade(a, b, c, d, e, g): ...", True),
    ],
)
def test_many_positional_parameters_are_found(text: str, found: bool) -> None:
    assert bool(list(numbers.many_positional([parse(PATH, text)]))) is found


def test_the_signatures_users_know_are_excused() -> None:
    text = "def execute_trade(a, b, c, d, e, g): ..."
    path = "src/surefill/blocking_executor.py"
    assert not list(numbers.many_positional([parse(path, text)]))
