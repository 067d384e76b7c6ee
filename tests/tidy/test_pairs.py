"""One test file per source file, at the same place, and no test file without its source."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from tests.tidy import tables
from tests.tidy.source import Source, excused, package, parse, sources

PACKAGE = "src/surefill/"


def place_of_tests(path: str) -> str:
    """``src/surefill/a/b.py`` -> ``tests/a/test_b.py``; packages and programs lose underscores."""
    folder, _, name = path.removeprefix(PACKAGE).rpartition("/")
    parts = ["tests", *([folder] if folder else []), f"test_{name.strip('_').replace('__', '')}"]
    return "/".join(parts)


def says_only_what_it_is(source: Source) -> bool:
    """Whether a file has nothing but a docstring (most ``__init__.py``)."""
    return all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for node in source.tree.body
    )


def untested(code: Iterable[Source], tests: set[str]) -> list[str]:
    """Source files whose test file is missing."""
    pairs = {
        source.path: place_of_tests(source.path)
        for source in code
        if not says_only_what_it_is(source)
    }
    return [f"{path} needs {test}" for path, test in sorted(pairs.items()) if test not in tests]


def homeless(code: Iterable[Source], tests: set[str]) -> list[str]:
    """Test files whose source file is missing."""
    wanted = {place_of_tests(source.path) for source in code}
    return [
        test
        for test in sorted(tests - wanted)
        if not excused(test, tables.FREE_TEST_DIRECTORIES) and not excused(test, tables.EXTRA_TESTS)
    ]


def known_tests() -> set[str]:
    """Every ``test_*.py``."""
    names = {source.path for source in sources("tests")}
    return {name for name in names if name.rpartition("/")[2].startswith("test_")}


def test_every_source_file_has_its_test_file() -> None:
    missing = untested(package(), known_tests())
    assert not missing, "\n".join(missing)


def test_every_test_file_has_its_source_file() -> None:
    extra = homeless(package(), known_tests())
    assert not extra, "no source file (or a row in tables.EXTRA_TESTS): " + ", ".join(extra)


def test_both_directions_can_fail() -> None:
    code = [parse("src/surefill/core/plan.py", "x = 1")]
    assert untested(code, set()) == ["src/surefill/core/plan.py needs tests/core/test_plan.py"]
    assert homeless(code, {"tests/core/test_plan.py"}) == []
    assert homeless(code, {"tests/core/test_plans.py"}) == ["tests/core/test_plans.py"]


def test_names_of_packages_and_programs() -> None:
    assert place_of_tests("src/surefill/__init__.py") == "tests/test_init.py"
    assert place_of_tests("src/surefill/tactics/__init__.py") == "tests/tactics/test_init.py"
    assert place_of_tests("src/surefill/__main__.py") == "tests/test_main.py"
    assert untested([parse("src/surefill/core/__init__.py", '"""Only words."""')], set()) == []
