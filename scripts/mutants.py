"""Mutation testing of core: change the code in every small way and see whether a test notices.

    python scripts/mutants.py                                 # everything; hours on one core
    python scripts/mutants.py --only pricing exits            # these modules of core
    python scripts/mutants.py --only exits --budget 6         # with six seconds of tests for each
    python scripts/mutants.py --again "survived some"         # then those that outlived that

What: prepares a copy of source and tests, lets mutmut (extra `mutation`) write the mutants into it
and runs them there, by lot; a run that is stopped goes on where it was. What came of it is written
by `scripts/mutation_report.py`.
Why a prepared copy: mutmut leaves decorated functions alone, and core's properties and remembered
functions hold a good part of its arithmetic; in the copy their decorators are applied by name,
which is the same program.
Must never: touch the working tree; what it writes lies below ``--folder`` (build/mutation).
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "mutation"
PLAIN = "_plain"
"""What the undecorated function is called in the copy."""
UNDONE = {"property", "remembered"}
LEFT_OUT = (
    "test_exits_of_a_million_fills_are_on_the_grid_and_keep_the_promise",
    "test_a_ratio_of_exactly_the_minimum_is_accepted_a_million_times",
)
"""Of tests/core/test_pricing.py: a million cases each, too slow to be asked a thousand times."""
RUNNER = ROOT / "scripts" / "mutation_runner.py"
SELECTION = [
    *("tests/core", "tests/tactics"),
    *(f"--deselect=tests/core/test_pricing.py::{name}" for name in LEFT_OUT),
]
SETTINGS = f"""
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/surefill/core/*"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "mutation_runner"]
also_copy = ["mutation_runner.py"]
pytest_add_cli_args_test_selection = {SELECTION!r}
use_git_change_detection = false
"""


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


def prepare(folder: Path) -> None:
    """Bring the copy up to date. Unchanged files keep their time, so that mutmut keeps results."""
    for name in ("src", "tests"):
        for path in sorted((ROOT / name).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and ".egg-info" not in str(path):
                _put(folder / path.relative_to(ROOT), _as_copied(path))
    for name in ("src", "tests"):
        for path in (folder / name).rglob("*.py"):
            if not (ROOT / path.relative_to(folder)).exists():
                path.unlink()
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8") + SETTINGS
    _put(folder / "pyproject.toml", settings.encode())
    _put(folder / "mutation_runner.py", RUNNER.read_bytes())


def _as_copied(path: Path) -> bytes:
    if path.parent == ROOT / "src" / "surefill" / "core" and path.suffix == ".py":
        return undecorated(path.read_text(encoding="utf-8")).encode()
    return path.read_bytes()


def _put(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def make_mutants(folder: Path, mutmut: Path) -> None:
    """Let mutmut write the mutants and find out which test reaches which function; it has no other
    way to be asked for that than to run one of them, of a function that one test is enough for."""
    one = "surefill.core.memory.x_remembered__mutmut_1"
    subprocess.run([mutmut, "run", "--max-children", "1", one], cwd=folder, check=True)


def let_loose(folder: Path, options: argparse.Namespace) -> int:
    """Run them: see `scripts/mutation_runner.py`."""
    chosen = options.names + [f"surefill.core.{module}.*" for module in options.only]
    environment = {
        **os.environ,
        "MUTATION_RUN": " ".join(chosen or ["surefill.core.*"]),
        "MUTATION_RESULTS": str(folder.resolve() / "results.jsonl"),
        "MUTATION_BUDGET_S": str(options.budget),
        "MUTATION_AGAIN": options.again,
        "PYTHONPATH": "src",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
    command += ["-p", "mutation_runner", *SELECTION]
    return subprocess.call(command, cwd=folder / "mutants", env=environment)


def main() -> None:
    """Prepare, mutate, run; one worker, politely."""
    raw = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the copy lies")
    parser.add_argument("--only", nargs="+", default=[], metavar="MODULE", help="modules of core")
    parser.add_argument("--names", nargs="+", default=[], metavar="PATTERN", help="mutants by name")
    parser.add_argument("--again", default="", help="also those whose last result was this, or all")
    parser.add_argument("--budget", type=float, default=1000, help="seconds of tests per mutant")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs found")
    options = parser.parse_args()
    mutmut = Path(sys.executable).parent / "mutmut"
    if not mutmut.exists():
        parser.error("mutmut is not installed: scripts/setup all,dev,mutation")
    if options.fresh:
        shutil.rmtree(options.folder, ignore_errors=True)
    prepare(options.folder)
    os.nice(19)
    make_mutants(options.folder, mutmut)
    raise SystemExit(let_loose(options.folder, options))


if __name__ == "__main__":
    main()
