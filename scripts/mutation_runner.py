"""A pytest plugin that lets the mutants of a prepared copy loose, one fork each.

What: after collection, for every mutant: fork, put the mutant's code in place of the function's,
run the tests that reach the function until one fails, write one line to ``results.jsonl``.
Why not mutmut's own loop: it starts pytest anew for every mutant, which takes seconds where most
mutants die within milliseconds; and its trampolines make every call of core slower. Mutants, their
names and which test reaches which function are mutmut's (`scripts/mutants.py` asks it first).
Order of tests: what killed a sibling first, then the module's own file, then the quick ones.
Must never: run outside the copy; it changes code in memory, in children only.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import os
import resource
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

EXAMPLES = 12
"""Of every Hypothesis test, per mutant."""
CPU_S = 5
"""A child's CPU time beyond twice what its tests take: more is an endless loop."""
FAILED, SURVIVED = 1, 0

trampoline = importlib.import_module("mutmut.mutation.trampoline")  # of the extra `mutation`
Functions = dict[str, tuple[FunctionType, Any]]
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


@dataclass
class Work:
    """What there is to do and what is known."""

    tests_of: dict[str, list[str]]
    seconds: dict[str, float]
    hashes: dict[str, str]
    budget_s: float
    killers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def tests(self, mutant: str) -> list[str]:
        """The tests worth running, most deadly first, within the budget."""
        function = mutant.rpartition("__mutmut_")[0]
        module = function.rpartition(".")[0]
        own = f"test_{module.rpartition('.')[2]}.py"
        deadly, related = self.killers[function], self.killers[module]
        ranked = sorted(
            self.tests_of.get(function, []),
            key=lambda t: (-deadly[t], -related[t], own not in t, self.seconds.get(t, 0)),
        )
        chosen, total_s = [], 0.0
        for test in ranked:
            total_s += self.seconds.get(test, 0)
            if total_s > self.budget_s:
                break
            chosen.append(test)
        return chosen

    def learn(self, mutant: str, killer: str) -> None:
        """A test that killed one will kill its siblings."""
        function = mutant.rpartition("__mutmut_")[0]
        self.killers[function][killer] += 1
        self.killers[function.rpartition(".")[0]][killer] += 1


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


def _known_mutants() -> Iterator[tuple[str, str]]:
    """Every mutant of the copy and the hash of its function."""
    for path in sorted(Path("src").rglob("*.py.meta")):
        meta = json.loads(path.read_text(encoding="utf-8"))
        hashes = meta["hash_by_function_name"]
        for name in meta["exit_code_by_key"]:
            function = name.rpartition("__mutmut_")[0].rpartition(".")[2]
            yield name, hashes.get(function, "")


def _work() -> Work:
    stats = json.loads(Path("mutmut-stats.json").read_text(encoding="utf-8"))
    budget_s = float(os.environ.get("MUTATION_BUDGET_S", "1000"))
    return Work(
        tests_of=stats["tests_by_mangled_function_name"],
        seconds=stats["duration_by_test"],
        hashes=dict(_known_mutants()),
        budget_s=budget_s,
    )


def _chosen(work: Work, results: Path) -> list[str]:
    """The mutants to run now: those that match, have no result yet, or are asked for again."""
    again = os.environ.get("MUTATION_AGAIN", "")
    last: dict[str, dict[str, Any]] = {}
    if results.exists():
        for line in results.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            last[row["mutant"]] = row
            if row["killer"]:
                work.learn(row["mutant"], row["killer"])
    chosen = []
    for pattern in os.environ["MUTATION_RUN"].split():
        for name in work.hashes:
            row = last.get(name, {})
            is_known = row.get("hash") == work.hashes[name]
            wanted = not is_known or again == "all" or row.get("status") == again
            if fnmatch(name, pattern) and wanted and name not in chosen:
                chosen.append(name)
    return chosen


def _lot(mutant: str) -> bytes:
    """An order by lot that is always the same: whatever has been run, however far, is a sample."""
    return hashlib.sha256(mutant.encode()).digest()


def _install(mutant: str, functions: Functions) -> None:
    function, changed = functions[mutant]
    changed = getattr(changed, "__func__", changed)  # a class method's function
    assert isinstance(changed, FunctionType)
    function.__code__ = changed.__code__
    function.__defaults__ = changed.__defaults__
    function.__kwdefaults__ = changed.__kwdefaults__


def _first_failure(tests: list[pytest.Item]) -> str:
    """The test that notices, or nothing."""
    for item, following in zip(tests, [*tests[1:], None], strict=True):
        reports = runtestprotocol(item, log=False, nextitem=following)
        if any(report.failed for report in reports):
            return item.nodeid
    return ""


def _child(tests: list[pytest.Item], write_end: int, cpu_s: int) -> None:
    """Runs in the fork: never returns."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 2))
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


def _try(
    mutant: str, tests: list[pytest.Item], *, functions: Functions, cpu_s: int
) -> tuple[str, str]:
    """What became of a mutant, and the test that noticed."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _install(mutant, functions)
        _child(tests, write_end, cpu_s)
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


def _row(
    mutant: str, work: Work, *, items: dict[str, pytest.Item], functions: Functions
) -> dict[str, Any]:
    """One mutant tried: its line in the results."""
    nodeids = [test for test in work.tests(mutant) if test in items]
    of = len(work.tests_of.get(mutant.rpartition("__mutmut_")[0], []))
    began_s = _children_s()
    verdict, killer = "no tests", ""
    if nodeids:
        cpu_s = round(CPU_S + 2 * sum(work.seconds.get(nodeid, 0) for nodeid in nodeids))
        tests = [items[nodeid] for nodeid in nodeids]
        verdict, killer = _try(mutant, tests, functions=functions, cpu_s=cpu_s)
    if verdict == "survived" and len(nodeids) < of:
        verdict = "survived some"
    if killer:
        work.learn(mutant, killer)
    return {
        "mutant": mutant,
        "hash": work.hashes[mutant],
        "status": verdict,
        "killer": killer,
        "tests": len(nodeids),
        "of": of,
        "cpu_s": round(_children_s() - began_s, 2),
    }


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Instead of the tests: the mutants."""
    if not os.environ.get("MUTATION_RUN"):
        return None
    items = {item.nodeid: item for item in session.items}
    functions = {
        f"{function.__module__}.{name}": (function, changed)
        for function, mutants in _wrapped
        for name, changed in mutants.items()
    }
    work, results = _work(), Path(os.environ["MUTATION_RESULTS"])
    chosen = sorted(_chosen(work, results), key=_lot)
    gc.freeze()
    for at, mutant in enumerate(chosen, 1):
        row = _row(mutant, work, items=items, functions=functions)
        with results.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
        if at % 50 == 0 or at == len(chosen):
            print(f"{at}/{len(chosen)} {mutant} {row['status']}", file=sys.stderr, flush=True)
    return True
