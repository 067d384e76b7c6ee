"""Which tests run the line that a mutant changes, and what each test costs.

What: `record` runs every collected test once and notes the lines of core that it ran and its CPU
time; `Module.lines` finds the lines of the statement that a mutant changes; `Coverage.tests_of`
brings the two together. What was noted is kept in ``tests.json`` and used again for the tests of a
file, as long as it and everything that tests share are what they were.
Why lines and not functions: a function of the core is reached by hundreds of tests, most of its
lines by a few; a survivor costs what its tests cost.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import json
import os
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any

import coverage
import pytest

CORE = Path("src") / "surefill" / "core"
Lines = dict[str, list[int]]
"""Module of core -> lines of its file."""
Run = Callable[[pytest.Item], bool]
"""Runs a test; whether it passed."""


@dataclass
class Coverage:
    """What every test runs, and how long it takes."""

    seconds: dict[str, float] = field(default_factory=dict)
    """CPU time of a test with its set-up, s."""
    at: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    """Module -> line -> the tests that run it."""

    def learn(self, test: str, seconds: float, lines: Lines) -> None:
        """One test's part."""
        self.seconds[test] = seconds
        for module, numbers in lines.items():
            of_module = self.at.setdefault(module, defaultdict(list))
            for number in numbers:
                of_module[number].append(test)

    def tests_of(self, module: str, lines: range | list[int]) -> list[str]:
        """The tests that run any of these lines."""
        of_module = self.at.get(module, {})
        found = {test: None for number in lines for test in of_module.get(number, ())}
        return list(found)


def _digest(paths: list[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        found.update(str(path).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def _digests(files: set[str]) -> dict[str, str]:
    """Test file -> the digest of all that its tests' records depend on."""
    own = {Path(name) for name in files}
    shared = [p for folder in ("src", "tests") for p in sorted(Path(folder).rglob("*.py"))]
    common = _digest([path for path in shared if path not in own])
    return {str(path): common + _digest([path]) for path in own}


def record(items: list[pytest.Item], notes: Path, run: Run) -> Coverage:
    """What the tests run: from the notes where they still hold, else by running them."""
    by_file: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        by_file[item.nodeid.partition("::")[0]].append(item)
    digests = _digests(set(by_file))
    known: dict[str, Any] = {}
    if notes.exists():
        known = json.loads(notes.read_text(encoding="utf-8"))
    kept: dict[str, Any] = {}
    for file, tests in by_file.items():
        if any(known.get(test.nodeid, {}).get("digest") != digests[file] for test in tests):
            print(f"noting what the {len(tests)} tests of {file} run", file=sys.stderr, flush=True)
            known |= {name: row | {"digest": digests[file]} for name, row in _apart(tests, run)}
            notes.write_text(json.dumps(known), encoding="utf-8")
        kept |= {test.nodeid: known[test.nodeid] for test in tests if test.nodeid in known}
    found = Coverage()
    for name, row in kept.items():
        if row["passed"]:
            found.learn(name, row["seconds"], row["lines"])
        else:
            print(f"fails without a mutant, left out: {name}", file=sys.stderr)
    return found


def _apart(tests: list[pytest.Item], run: Run) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run the tests of a file in a fork, traced."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        try:
            rows = "".join(json.dumps(row) + "\n" for row in _traced(tests, run).items())
            with os.fdopen(write_end, "w") as out:
                out.write(rows)
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as reader:
        yield from (json.loads(line) for line in reader)
    os.waitpid(pid, 0)


def _traced(tests: list[pytest.Item], run: Run) -> dict[str, dict[str, Any]]:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    rows: dict[str, dict[str, Any]] = {}
    cov = coverage.Coverage(data_file=None, include=[f"{CORE}/*"], config_file=False)
    forget = _memories()
    cov.start()
    for test in tests:
        forget()
        cov.switch_context(test.nodeid)
        began_s = time.process_time()
        passed = run(test)
        seconds = round(time.process_time() - began_s, 4)
        rows[test.nodeid] = {"passed": passed, "seconds": seconds, "lines": defaultdict(list)}
    cov.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a file runs nothing of core
        data = cov.get_data()
    seen = (
        (Path(file).stem, line, name)
        for file in data.measured_files()
        for line, names in data.contexts_by_lineno(file).items()
        for name in names
    )
    for module, line, name in seen:
        if name in rows:
            rows[name]["lines"][module].append(line)
    return rows


def _memories() -> Callable[[], None]:
    """Empties what `surefill.core.memory` remembers: one test's answer would hide its lines from
    the next."""
    cells = [
        cell
        for function in gc.get_objects()
        if isinstance(function, FunctionType)
        and function.__module__.startswith("surefill.core.")
        and ".<locals>.answer_of" in function.__code__.co_qualname
        for cell in function.__closure__ or ()
    ]

    def forget() -> None:
        for cell in cells:
            if isinstance(cell.cell_contents, dict):
                cell.cell_contents.clear()
            elif isinstance(cell.cell_contents, tuple):
                cell.cell_contents = None

    return forget


class Module:
    """The copy of a module with all its mutants: which lines of the program each of them changes.

    In the copy the function in use comes first, and every mutant is a function below it.
    """

    def __init__(self, name: str) -> None:
        """``name``: of the module, without its package."""
        self.name = name
        path = CORE / f"{name}.py"
        self._text = path.read_text(encoding="utf-8").splitlines()
        self._functions = {
            min([node.lineno, *(d.lineno for d in node.decorator_list)]): node
            for node in ast.walk(ast.parse(path.read_bytes()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }

    def lines(self, function: FunctionType, changed: FunctionType) -> list[int]:
        """The lines of the statements that the mutant changes; all of the function's, if it changes
        the head (whoever calls the function runs it)."""
        before = self._functions[function.__code__.co_firstlineno]
        after = self._functions[changed.__code__.co_firstlineno]
        first, last = self._changed(before, after)
        found = [
            number
            for start, end in _statements(before)
            if start <= last and first <= end
            for number in range(start, end + 1)
        ]
        assert before.end_lineno is not None
        return found or list(range(before.body[0].lineno, before.end_lineno + 1))

    def _changed(self, before: _Function, after: _Function) -> tuple[int, int]:
        """First and last line that differ, by the numbers of the function in use."""
        old, new = self._body(before), self._body(after)
        shorter = min(len(old), len(new))
        start = next((n for n in range(shorter) if old[n] != new[n]), shorter)
        end = next((n for n in range(shorter - start) if old[-1 - n] != new[-1 - n]), 0)
        return before.lineno + start, max(before.lineno + start, before.lineno + len(old) - 1 - end)

    def _body(self, node: _Function) -> list[str]:
        text = self._text[node.lineno - 1 : node.end_lineno]
        return [text[0].replace(f"def {node.name}(", "def f(", 1), *text[1:]]


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _statements(function: _Function) -> Iterator[tuple[int, int]]:
    """First and last line of every statement, of a compound one its head."""
    for node in ast.walk(function):
        if not isinstance(node, ast.stmt) or node is function:
            continue
        assert node.end_lineno is not None
        body = getattr(node, "body", None)
        if isinstance(node, ast.Match):
            yield node.lineno, node.cases[0].pattern.lineno - 1
        elif body:
            yield node.lineno, max(node.lineno, body[0].lineno - 1)
        else:
            yield node.lineno, node.end_lineno


def frozen() -> None:
    """Let forks share what is there: nothing of it will be collected."""
    gc.collect()
    gc.freeze()
