"""Make a virtual environment for a client that ours cannot hold; print the path of its Python.

    python scripts/sdk_env.py alpaca-py-0.43

Each lies under build/sdks, is made once for its pins, and takes what it can share from the
environment that runs this script: only the pinned packages are installed, without their
dependencies, through pip's own configuration. The older SDK needs websockets 10 and urllib3 1.26
where we pin newer ones; Schemathesis would add its plugin to every run of pytest.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHERE = ROOT / "build" / "sdks"

SDKS: dict[str, tuple[str, ...]] = {
    "alpaca-py-0.43": ("alpaca-py==0.43.5",),
    "alpaca-trade-api": (
        "alpaca-trade-api==3.2.0",
        "deprecation==2.1.0",
        "urllib3==1.26.20",
        "websocket-client==1.9.2",
        "websockets==10.4",
    ),
    "schemathesis": (
        "schemathesis==4.32.5",
        "graphql-core==3.3.2",
        "harfile==0.6.0",
        "hypothesis-graphql==0.13.5",
        "jsonschema_rs==0.60.3",
        "MarkupSafe==3.0.4",
        "pyrate-limiter==4.5.1",
        "Werkzeug==3.1.9",
    ),
}
"""name -> exact pins. The newest minor version of alpaca-py is in constraints.txt itself."""


def make(name: str) -> Path:
    """The environment's Python. ``subprocess.CalledProcessError``: no network, no such version."""
    folder = WHERE / name
    python = folder / "bin" / "python"
    stamp = folder / "pins"
    shared = sysconfig.get_paths()["purelib"]
    wanted = "\n".join((sys.version, shared, *SDKS[name]))
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    _run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder))
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet")
    _run(*pip, "--no-input", "--no-deps", *SDKS[name])
    own = _run(str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])")
    # After the environment's own packages on the path: what is pinned here wins.
    (Path(own.strip()) / "shared.pth").write_text(shared + "\n", encoding="utf-8")
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def main() -> None:
    """Make what is asked for."""
    try:
        python = make(sys.argv[1])
    except subprocess.CalledProcessError as error:
        sys.exit(f"{sys.argv[1]} cannot be installed: {error.stderr.strip()[-500:]}")
    sys.stdout.write(f"{python}\n")


if __name__ == "__main__":
    main()
