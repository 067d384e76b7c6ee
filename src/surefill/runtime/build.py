"""Which program decided: the version, and a digest of the code that decides.

What: `rules_build`, which every start writes into its first record. Why not the version alone: code
changes between two versions, and a journal that is decided again by other code proves nothing; with
the digest `journal verify` knows, instead of calling the difference damage.
Invariants: the same files give the same text in every process and on every machine.
Must never: decide anything by it but whether two runs can be compared.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from importlib.resources import files

from surefill.runtime.account import BUILD

DECIDING = ("surefill.core", "surefill.tactics", "surefill.journal")
"""The packages whose code makes commands, images and their bytes."""
SHOWN = 12


@cache
def rules_build() -> str:
    """``surefill 0.2.0, rules 3f9a01c2d4e5``."""
    digest = blake2b(digest_size=16)
    for package in DECIDING:
        modules = (part for part in files(package).iterdir() if part.name.endswith(".py"))
        for module in sorted(modules, key=lambda part: part.name):
            text = module.read_bytes().replace(b"\r\n", b"\n")
            digest.update(f"{package}/{module.name} {len(text)}\n".encode() + text)
    return f"{BUILD}, rules {digest.hexdigest()[:SHOWN]}"
