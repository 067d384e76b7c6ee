"""A pytest plugin that lets the mutants of a prepared copy loose, one fork each.

What: after collection, for every mutant: fork, put the mutant's code in place of the function's,
run the tests that run its line until one fails, write one line to ``results.jsonl``.
Why not mutmut's own loop: it starts pytest anew for every mutant, which takes seconds where most
mutants die within milliseconds; and its trampolines make every call of core slower. Mutants and
their names are mutmut's (`scripts/mutants.py` has it write them); which test runs which line is
noted by `scripts/mutation_coverage.py`.
Order of tests: most mutants killed for the second first: of the same function, of the same module;
then the module's own file; then the quick ones. A mutant that outlived that begins with the file.
Must never: run outside the copy; it changes code in memory, in children only.
"""

from __future__ import annotations

import fnmatch
import hashlib
import importlib
import json
import os
import resource
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

from scripts import mutation_coverage

EXAMPLES = 12
"""Of every Hypothesis test, per mutant."""
CPU_S, TIMES, REAL_S = 1.5, 6, 120
"""A test that takes this much longer than without a mutant, or this long at all, will not end."""
MEMORY_BYTES = 6 << 30
FAILED, SURVIVED = 1, 0
RELATED, OWN, NEGLIGIBLE_S = 0.2, 0.05, 0.01
"""What a killed mutant of the same module counts, and being the module's own test, beside a killed
mutant of the same function; what no test costs less than."""

trampoline = importlib.import_module("mutmut.mutation.trampoline")  # of the extra `mutation`
Functions = dict[str, tuple[FunctionType, FunctionType]]
"""A mutant's name -> the function in use, and what stands in for it."""
_wrapped: list[tuple[FunctionType, dict[str, Any]]] = []


def _no_trampoline(
    mutants: dict[str, Any], is_classmethod: bool = False
) -> Callable[[FunctionType], FunctionType]:
    def keep(function: FunctionType) -> FunctionType:
        _wrapped.append((function, mutants))
        return function

    return keep


if os.environ.get("MUTATION_RUN"):
    trampoline.__dict__["wrap_in_trampoline"] = _no_trampoline


def _function_of(mutant: str) -> str:
    return mutant.rpartition("__mutmut_")[0]


def _module_of(mutant: str) -> str:
    return mutant.split(".")[2]  # surefill.core.MODULE.x_...


@dataclass
class Work:
    """What there is to do and what is known."""

    hashes: dict[str, str]
    """Of the function of every mutant of the copy."""
    functions: Functions
    budget_s: float
    coverage: mutation_coverage.Coverage = field(default_factory=mutation_coverage.Coverage)
    modules: dict[str, mutation_coverage.Module] = field(default_factory=dict)
    killers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    outlived: set[str] = field(default_factory=set)
    """Mutants that killers of their siblings were asked in vain before."""

    def all_tests(self, mutant: str) -> list[str]:
        """The tests that run what the mutant changes, most promising first."""
        module, function = _module_of(mutant), _function_of(mutant)
        if module not in self.modules:
            self.modules[module] = mutation_coverage.Module(module)
        lines = self.modules[module].lines(*self.functions[mutant])
        own = f"/test_{module}.py::"
        deadly, related = self.killers[function], self.killers[module]

        def promise(test: str) -> float:
            worth = OWN * (own in test)
            if mutant not in self.outlived:
                worth += deadly[test] + RELATED * related[test]
            return worth / (NEGLIGIBLE_S + self.coverage.seconds[test])

        seconds = self.coverage.seconds
        return sorted(
            self.coverage.tests_of(module, lines), key=lambda t: (-promise(t), seconds[t])
        )

    def within_budget(self, tests: list[str]) -> list[str]:
        """As many as there is time for, and one at least."""
        chosen: list[str] = []
        total_s = 0.0
        for test in tests:
            total_s += self.coverage.seconds[test]
            if chosen and total_s > self.budget_s:
                break
            chosen.append(test)
        return chosen

    def learn(self, mutant: str, killer: str) -> None:
        """A test that killed one will kill its siblings."""
        self.killers[_function_of(mutant)][killer] += 1
        self.killers[_module_of(mutant)][killer] += 1


def _few_examples(item: pytest.Item) -> None:
    test = getattr(item, "obj", None)
    drawn = getattr(test, "_hypothesis_internal_use_settings", None)
    if drawn is None:
        return
    few = settings(
        drawn,
        max_examples=min(EXAMPLES, drawn.max_examples),
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),  # a mutant need not be shrunk
    )
    test._hypothesis_internal_use_settings = few  # type: ignore[union-attr]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Draw little."""
    for item in items:
        _few_examples(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> pytest.TestReport | None:
    """That a test failed is enough: showing how takes longer than the test."""
    if call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception):
        return None
    when = call.when
    assert when != "collect"
    return pytest.TestReport(item.nodeid, item.location, {}, "failed", "noticed", when)


def _chosen(work: Work, results: Path) -> list[str]:
    """The mutants to run now: those that match, have no result yet, or are asked for again. In the
    order of the patterns, and within one by a lot that is always the same: whatever has been run,
    however far, is a sample."""
    again = os.environ.get("MUTATION_AGAIN", "")
    last: dict[str, dict[str, Any]] = {}
    if results.exists():
        for line in results.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            last[row["mutant"]] = row
            if row["killer"]:
                work.learn(row["mutant"], row["killer"])
    chosen: dict[str, None] = {}
    names = sorted(work.hashes, key=_lot)
    for pattern in os.environ["MUTATION_RUN"].split():
        found = [pattern] if pattern in work.hashes else fnmatch.filter(names, pattern)
        chosen |= dict.fromkeys(found)
    known = {name for name in chosen if last.get(name, {}).get("hash") == work.hashes[name]}
    asked = {name for name in known if again in ("all", last[name]["status"])}
    work.outlived |= asked
    return [name for name in chosen if name not in known or name in asked]


def _lot(mutant: str) -> bytes:
    return hashlib.sha256(mutant.encode()).digest()


def _install(function: FunctionType, changed: FunctionType) -> None:
    function.__code__ = changed.__code__
    function.__defaults__ = changed.__defaults__
    function.__kwdefaults__ = changed.__kwdefaults__


def _passes(item: pytest.Item, following: pytest.Item | None = None) -> bool:
    reports = runtestprotocol(item, log=False, nextitem=following)
    return not any(report.failed for report in reports)


def _first_failure(tests: list[tuple[pytest.Item, float]]) -> str:
    """The test that notices, or nothing. A test that does not end is ended by its timer."""
    following = [item for item, _ in tests[1:]]
    for (item, seconds), after in zip(tests, [*following, None], strict=True):
        signal.setitimer(signal.ITIMER_PROF, CPU_S + TIMES * seconds)
        signal.setitimer(signal.ITIMER_REAL, REAL_S)
        if not _passes(item, after):
            return item.nodeid
    return ""


def _child(tests: list[tuple[pytest.Item, float]], write_end: int) -> None:
    """Runs in the fork: never returns."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    verdict = FAILED  # if pytest itself falls over here, that is the mutant's doing
    try:
        killer = _first_failure(tests)
        os.write(write_end, killer.encode())
        verdict = FAILED if killer else SURVIVED
    finally:
        os._exit(verdict)


def _try(mutant: str, work: Work, tests: list[tuple[pytest.Item, float]]) -> tuple[str, str]:
    """What became of a mutant, and the test that noticed."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _install(*work.functions[mutant])
        _child(tests, write_end)
    os.close(write_end)
    with os.fdopen(read_end) as reader:
        killer = reader.read()
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return "timeout", ""
    return ("killed" if os.WEXITSTATUS(status) == FAILED else "survived"), killer


def _children_s() -> float:
    """CPU time of all children so far, s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _row(mutant: str, work: Work, items: dict[str, pytest.Item]) -> dict[str, Any]:
    """One mutant tried: its line in the results."""
    there = work.all_tests(mutant)
    asked = work.within_budget(there)
    began_s = _children_s()
    verdict, killer = "no tests", ""
    if asked:
        tests = [(items[nodeid], work.coverage.seconds[nodeid]) for nodeid in asked]
        verdict, killer = _try(mutant, work, tests)
    if verdict == "survived" and len(asked) < len(there):
        verdict = "survived some"
    if killer:
        work.learn(mutant, killer)
    return {
        "mutant": mutant,
        "hash": work.hashes[mutant],
        "status": verdict,
        "killer": killer,
        "tests": len(asked),
        "of": len(there),
        "cpu_s": round(_children_s() - began_s, 2),
    }


def _all_functions() -> Functions:
    found: Functions = {}
    for function, mutants in _wrapped:
        for name, changed in mutants.items():
            changed = getattr(changed, "__func__", changed)  # a class method's function
            assert isinstance(changed, FunctionType)
            found[f"{function.__module__}.{name}"] = function, changed
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Instead of the tests: the mutants."""
    if not os.environ.get("MUTATION_RUN"):
        return None
    results = Path(os.environ["MUTATION_RESULTS"])
    hashes = json.loads(Path("mutants.json").read_text(encoding="utf-8"))
    work = Work(hashes, _all_functions(), float(os.environ.get("MUTATION_BUDGET_S", "1000")))
    chosen = _chosen(work, results)
    mutation_coverage.frozen()
    work.coverage = mutation_coverage.record(session.items, Path("tests.json"), _passes)
    items = {item.nodeid: item for item in session.items}
    for at, mutant in enumerate(chosen, 1):
        row = _row(mutant, work, items)
        with results.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
        if at % 50 == 0 or at == len(chosen):
            print(f"{at}/{len(chosen)} {mutant} {row['status']}", file=sys.stderr, flush=True)
    return True
