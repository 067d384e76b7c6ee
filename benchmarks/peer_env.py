"""The programs that we are measured against, each in an environment of its own, pinned exactly.

    python -m benchmarks.peer_env nautilus        # make it, print the path of its Python

Each lies under build/bench and is made once for its pins, through pip's own configuration. A peer's
program (benchmarks/peers) runs in its environment, with this repository's root on its path, and
prints one line of JSON: what it found and how long that took.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WHERE = ROOT / "build" / "bench"

PEERS: dict[str, tuple[str, ...]] = {
    "nautilus": ("nautilus_trader==1.221.0", "numpy==2.4.6"),
    "hftbacktest": ("hftbacktest==2.4.4", "numba==0.68.1", "numpy==2.2.6"),
    "fastapi": (
        "fastapi==0.165.0",
        "httptools==0.9.0",
        "pydantic==2.14.3",
        "starlette==1.10.0",
        "uvicorn==0.54.0",
        "uvloop==0.23.0",
    ),
    "alpaca-py": ("alpaca-py==0.44.0",),
    "plot": ("matplotlib==3.11.2",),
}
"""name -> exact pins. 1.221 is the newest Nautilus with wheels for our oldest Python."""


class NoPeer(RuntimeError):
    """The peer cannot be had here: no network, or no such version for this Python."""


def python_of(name: str) -> Path:
    """The peer's Python; made when it is not there. Raises `NoPeer`."""
    folder = WHERE / name
    python, stamp = folder / "bin" / "python", folder / "pins"
    wanted = "\n".join((sys.version, *PEERS[name]))
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    try:
        _run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder))
        pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet")
        _run(*pip, "--no-input", *PEERS[name])
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise NoPeer(f"{name}: {said.strip()[-300:]}") from None
    stamp.write_text(wanted, encoding="utf-8")
    return python


def program(name: str, script: str, *args: object) -> list[str]:
    """The command line of a peer's program. Raises `NoPeer`."""
    path = ROOT / "benchmarks" / "peers" / f"{script}.py"
    return [str(python_of(name)), str(path), *map(str, args)]


def environment() -> dict[str, str]:
    """The surroundings of a peer's program: the repository's root on its path, bytecode kept."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(ROOT)}


def ask(name: str, script: str, *args: object) -> dict[str, Any]:
    """Run a peer's program; what it says. Raises `NoPeer`, also when the program fails."""
    try:
        said = _run(*program(name, script, *args), env=environment())
    except subprocess.CalledProcessError as error:
        raise NoPeer(f"{name}: {error.stderr.strip()[-300:]}") from None
    found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    return found


def _run(*command: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return done.stdout


def main() -> None:
    """Make what is asked for."""
    try:
        sys.stdout.write(f"{python_of(sys.argv[1])}\n")
    except NoPeer as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
