"""import-linter's contracts, run from pytest so that the tests alone catch a broken layer.

The two rules at the end prove that the contracts can break, on a package made for the purpose.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.source import ROOT

PROGRAM = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
)


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run every contract of the folder's pyproject.toml on the package below its ``src``."""
    program = f"import sys; sys.path.insert(0, 'src'); {PROGRAM}"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_layers_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize(
    ("path", "text", "contract"),
    [
        ("core/plan.py", "import surefill.tactics", "Imports point downward only"),
        ("core/plan.py", "import sqlite3", "core and tactics do no I/O"),
        ("tactics/limit.py", "import surefill.ports", "tactics import only core"),
        ("sim/exchange.py", "import surefill.brokers", "Imports point downward only"),
        ("brokers/rest.py", "import surefill.sim", "Imports point downward only"),
        ("helpers/any.py", "x = 1", "Imports point downward only"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    path: str, text: str, contract: str, tmp_path: Path
) -> None:
    package = tmp_path / "src" / "surefill"
    for name in ("core", "tactics", "journal", "sim", "brokers", "helpers"):
        if name == "helpers" and not path.startswith(name):
            continue
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "ports.py").write_text("")
    (package / path).write_text(text)
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [line for line in done.stdout.splitlines() if line.endswith("BROKEN")]
    assert any(line.startswith(contract) for line in broken), done.stdout
