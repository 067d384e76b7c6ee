"""Mutation testing of core: change the code in every small way and see whether a test notices.

    python scripts/mutants.py                                 # everything; some hours on one core
    python scripts/mutants.py --only pricing exits            # these modules of core
    python scripts/mutants.py --only exits --budget 2         # with two seconds of tests for each
    python scripts/mutants.py --again "survived some"         # then those that outlived that
    python scripts/mutants.py --only session --tests tests/core/test_session.py   # a minute

What: prepares a copy of source and tests, lets mutmut (extra `mutation`) write the mutants into it
(minutes), notes what every test runs (minutes), and asks of each mutant the tests that run its line
(a twentieth of a second if it is killed, as a rule). A run that is stopped goes on where it was;
what is changed is done again. What came of it is written by `scripts/mutation_report.py`.
Why a prepared copy: mutmut leaves decorated functions alone, and core's properties and remembered
functions hold a good part of its arithmetic; in the copy their decorators are applied by name,
which is the same program.
Must never: touch the working tree; what it writes lies below ``--folder`` (build/mutation).
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "mutation"
PLAIN = "_plain"
"""What the undecorated function is called in the copy."""
UNDONE = {"property", "remembered", "remembered_once"}
LEFT_OUT = (
    "test_exits_of_a_million_fills_are_on_the_grid_and_keep_the_promise",
    "test_a_ratio_of_exactly_the_minimum_is_accepted_a_million_times",
)
"""Of tests/core/test_pricing.py: a million cases each, too slow to be asked a thousand times."""
CORE = ROOT / "src" / "surefill" / "core"
PLUGINS = [ROOT / "scripts" / f"mutation_{name}.py" for name in ("runner", "coverage")]
NICE = 15
TESTS = ["tests/core", "tests/tactics"]
DESELECTED = [f"--deselect=tests/core/test_pricing.py::{name}" for name in LEFT_OUT]


def undecorated(source: str) -> str:
    """The same module with ``@property`` and ``@remembered`` applied by assignment."""
    lines = source.splitlines()
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]
    for node in sorted(functions, key=lambda function: -function.lineno):
        names = [d.id for d in node.decorator_list if isinstance(d, ast.Name)]
        if not names or not set(names) <= UNDONE or len(names) != len(node.decorator_list):
            continue
        indent = " " * node.col_offset
        value = node.name + PLAIN
        for name in reversed(names):
            value = f"{name}({value})"
        assert node.end_lineno is not None
        lines.insert(node.end_lineno, f"{indent}{node.name} = {value}")
        head = lines[node.lineno - 1]
        lines[node.lineno - 1] = head.replace(f"def {node.name}(", f"def {node.name}{PLAIN}(", 1)
        for decorator in reversed(node.decorator_list):
            del lines[decorator.lineno - 1]
    return "\n".join(lines) + "\n"


def prepare(folder: Path, modules: Sequence[str] = ()) -> None:
    """Bring the copy up to date and write the mutants of what has changed in core; of ``modules``
    only, if any are given, because they take a second each and more."""
    for name in ("src", "tests"):
        for path in sorted((ROOT / name).rglob("*")):
            is_ours = path.is_file() and "__pycache__" not in path.parts
            if is_ours and ".egg-info" not in str(path) and path.parent != CORE:
                _put(folder / path.relative_to(ROOT), path.read_bytes())
        for path in (folder / name).rglob("*.py"):
            if not (ROOT / path.relative_to(folder)).exists():
                path.unlink()
    for path in (ROOT / "pyproject.toml", *PLUGINS):
        _put(folder / path.relative_to(ROOT), path.read_bytes())
    hashes: dict[str, str] = {}
    for path in sorted(CORE.glob("*.py")):
        hashes |= _mutate(path, folder, is_wanted=not modules or path.stem in modules)
    (folder / "mutants.json").write_text(json.dumps(hashes), encoding="utf-8")


def _mutate(path: Path, folder: Path, *, is_wanted: bool) -> dict[str, str]:
    """Write one module with all its mutants, unless it lies there already, or as it is, if they are
    not wanted; mutant -> the hash of its function, by which a result is known to hold still."""
    plain = undecorated(path.read_text(encoding="utf-8"))
    kept = folder / "plain" / path.name
    names = kept.with_suffix(".json")
    if not kept.exists() or kept.read_text(encoding="utf-8") != plain:
        if not is_wanted:
            kept.unlink(missing_ok=True)
            _put(folder / path.relative_to(ROOT), plain.encode())
            return {}
        mutation = importlib.import_module("mutmut.mutation.file_mutation")
        made = mutation.mutate_file_contents(path.name, plain)
        hashes = {
            f"surefill.core.{path.stem}.{name}": made.hash_by_function_name[
                name.rpartition("__mutmut_")[0]
            ]
            for name in made.mutant_names
        }
        _put(folder / path.relative_to(ROOT), made.code.encode())
        _put(names, json.dumps(hashes).encode())
        _put(kept, plain.encode())
    found: dict[str, str] = json.loads(names.read_text(encoding="utf-8"))
    return found


def _put(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def let_loose(folder: Path, options: argparse.Namespace) -> int:
    """Run them: see `scripts/mutation_runner.py`."""
    chosen = options.names + [f"surefill.core.{module}.*" for module in options.only]
    environment = {
        **os.environ,
        "MUTATION_RUN": " ".join(chosen or ["surefill.core.*"]),
        "MUTATION_RESULTS": str(folder.resolve() / "results.jsonl"),
        "MUTATION_BUDGET_S": str(options.budget),
        "MUTATION_AGAIN": options.again,
        "PYTHONPATH": os.pathsep.join(["src", "."]),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
    command += ["--assert=plain", "-p", "no:randomly", "-p", "scripts.mutation_runner"]
    command += [*options.tests, *DESELECTED]
    return subprocess.call(command, cwd=folder, env=environment)


def main() -> None:
    """Prepare, mutate, run; one worker, politely."""
    raw = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the copy lies")
    parser.add_argument("--only", nargs="+", default=[], metavar="MODULE", help="modules of core")
    parser.add_argument("--names", nargs="+", default=[], metavar="PATTERN", help="mutants by name")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="which may be asked")
    parser.add_argument("--again", default="", help="also those whose last result was this, or all")
    parser.add_argument("--budget", type=float, default=1000, help="seconds of tests per mutant")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs found")
    options = parser.parse_args()
    if importlib.util.find_spec("mutmut") is None:
        parser.error("mutmut is not installed: scripts/setup all,dev,mutation")
    if options.fresh:
        shutil.rmtree(options.folder, ignore_errors=True)
    os.nice(max(0, NICE - os.nice(0)))
    options.folder = options.folder.resolve()
    os.chdir(ROOT)  # mutmut looks for its settings here
    prepare(options.folder, () if options.names else options.only)
    raise SystemExit(let_loose(options.folder, options))


if __name__ == "__main__":
    main()
