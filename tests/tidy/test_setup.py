"""Set-up on a bare machine: what is missing is named, with the package that brings it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tidy.source import ROOT

TOOLS = ("cat", "cksum", "dirname", "rm", "sed", "sh", "tail", "tr")

OLD = """#!/bin/sh
[ "$1" = --version ] && echo "Python 3.9.2" && exit 0
exit 1
"""
NO_VENV = """#!/bin/sh
case "$2" in
*ensurepip*) exit 1 ;;
*print*) echo 3.11 ;;
esac
exit 0
"""

# A virtual environment that notes what is asked of it; `FAILS` says which of the two does not work.
PIP = """#!/bin/sh
case "$*" in
*"config list"*) printf "%s\\n" "global.index-url='file:///first'" \
    "global.extra-index-url='file:///a file:///b'" "global.find-links='/wheels'" ;;
*"install"*) echo "pip $*" >>"$CALLS" ;;
esac
exit 0
"""
UV = """#!/bin/sh
echo "uv $* from $UV_DEFAULT_INDEX, $UV_INDEX, $UV_FIND_LINKS; $UV_INDEX_STRATEGY" >>"$CALLS"
exit "$UV_EXIT"
"""


def set_up(folder: Path, python: str | None) -> subprocess.CompletedProcess[str]:
    """Run the script on a machine that has a few tools and, perhaps, this ``python3``."""
    tools, project = folder / "bin", folder / "project"
    tools.mkdir()
    for name in TOOLS:
        where = shutil.which(name)
        assert where is not None
        (tools / name).symlink_to(where)
    if python is not None:
        (tools / "python3").write_text(python)
        (tools / "python3").chmod(0o755)
    (project / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts/setup", project / "scripts/setup")
    return subprocess.run(
        [project / "scripts/setup", "all"],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("python", "advice"),
    [
        (None, "apt-get install python3 python3-venv"),
        (OLD, "found Python 3.9.2"),
        (OLD, "apt-get install python3.11 python3.11-venv"),
        (NO_VENV, "apt-get install python3-venv        (or python3.11-venv)"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_made(
    python: str | None, advice: str, tmp_path: Path
) -> None:
    done = set_up(tmp_path, python)
    assert done.returncode == 2
    assert advice in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "project" / ".venv").exists()


def installed(folder: Path, *, uv_exit: int) -> list[str]:
    """What is asked of the installers in a project whose virtual environment exists."""
    project, calls = folder / "project", folder / "calls.txt"
    (project / "scripts").mkdir(parents=True)
    (project / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "scripts/setup", project / "scripts/setup")
    for name in ("pyproject.toml", "constraints.txt"):
        (project / name).touch()
    for name, text in (("python", PIP), ("uv", UV)):
        (project / ".venv" / "bin" / name).write_text(text)
        (project / ".venv" / "bin" / name).chmod(0o755)
    env = {"PATH": os.environ["PATH"], "CALLS": str(calls), "UV_EXIT": str(uv_exit)}
    subprocess.run([project / "scripts/setup", "all"], env=env, capture_output=True, check=True)
    return calls.read_text().splitlines()


def test_packages_come_from_where_pip_is_told_to_take_them(tmp_path: Path) -> None:
    uv = installed(tmp_path, uv_exit=0)[-1]
    assert uv.startswith("uv pip install --quiet --constraint constraints.txt --editable .[all]")
    assert uv.endswith("from file:///first, file:///a file:///b, /wheels; unsafe-best-match")


def test_where_the_quick_installer_fails_pip_does_it(tmp_path: Path) -> None:
    calls = installed(tmp_path, uv_exit=1)
    assert calls[-2].startswith("uv pip install")
    assert calls[-1].startswith("pip -m pip")
    assert calls[-1].endswith("--constraint constraints.txt --editable .[all]")


def test_both_commands_set_up_for_themselves() -> None:
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "\ndemo: " in rules
    assert "@scripts/setup all\n" in rules
    assert "\ntest: check " in rules
    assert "@scripts/setup all,dev\n" in rules


def test_ci_runs_the_test_command_and_nothing_from_outside() -> None:
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert lines[-1] == "exec make test"
    installers = ["scripts/setup_postgres", "scripts/setup_browser", "scripts/setup_prometheus"]
    assert lines[-4:-1] == installers
    for name in (".ci/run", "scripts/setup", *installers):
        assert os.access(ROOT / name, os.X_OK)
