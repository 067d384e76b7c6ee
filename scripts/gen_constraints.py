"""Write constraints.txt: the exact versions installed in this environment, names and numbers only.

Why a file without addresses or hashes: it must work against whichever index a user's pip is set to.
"""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

HEAD = (
    "# Exact versions the tests ran with, for Python 3.11 to 3.13. Written by `make constraints`.\n"
)
NOT_PINNED = {"pip", "setuptools", "wheel", "surefill"}
"""Ours, and the installer's own tools, which a fresh venv brings along."""


def pins() -> list[str]:
    """``name==version`` of everything installed, sorted without regard to case."""
    found = {(str(d.metadata["Name"]), d.version) for d in distributions()}
    kept = [(name, version) for name, version in found if name.lower() not in NOT_PINNED]
    return [f"{name}=={version}" for name, version in sorted(kept, key=lambda pin: pin[0].lower())]


def main() -> None:
    """Rewrite the file next to pyproject.toml."""
    root = Path(__file__).resolve().parent.parent
    (root / "constraints.txt").write_text(HEAD + "\n".join(pins()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
