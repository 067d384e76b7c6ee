"""What this program is made of: an inventory (CycloneDX 1.6), licences, known vulnerabilities.

    .venv/bin/python scripts/supply_chain.py build/sbom.json
    .venv/bin/python scripts/supply_chain.py build/sbom.json --report docs/reports/...
    .venv/bin/python scripts/supply_chain.py build/sbom.json --audit pip-audit

What: every distribution of this environment with version, licence and who wants it (the order path,
an extra of ours, development alone), and the digest of the program itself. ``--audit`` names a
`pip-audit` and asks it about constraints.txt; that needs its advisory service.
Exit code 1: a licence that is not on the list below, or a known vulnerability.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the helpers of the tests

from surefill.runtime.build import rules_build
from tests.support.report import Row, Stopwatch, write_section

ROOT = Path(__file__).resolve().parents[1]

FREE = ("Apache", "BSD", "MIT", "ISC", "PSF", "Python Software", "0BSD", "CC0", "Public Domain")
"""Free for every use, with the notice kept."""
WEAK = {
    "LGPL": "psycopg, of the extra `postgres`: linked as a library, not changed",
    "MPL": "bidict, orjson (the dashboard's library), certifi, pathspec, hypothesis: not changed",
    "Mozilla": "as MPL",
}
"""What binds whoever changes the library itself, and why that is nobody here."""
NAMED = {"aiosmtpd": "Apache-2.0"}
"""Distributions whose own words are too few; read in their sources."""
TITLE = "Parts of the program, their licences, known vulnerabilities"
NOTE = (
    "Written by `scripts/supply_chain.py`, which also writes the inventory (CycloneDX). The"
    " licences that bind changes of the library bind nobody here: none of them is changed."
)
HOLDERS = ("order path", "extras", "development")


@dataclass(frozen=True, slots=True)
class Part:
    """One distribution. ``holder``: the closest of `HOLDERS` that wants it."""

    name: str
    version: str
    licence: str
    holder: str

    @property
    def is_known(self) -> bool:
        """Whether its licence is on a list."""
        return any(word in self.licence for word in (*FREE, *WEAK))


def licence_of(found: Distribution) -> str:
    """As the distribution says it."""
    said = found.metadata
    name = str(said["Name"])
    if name in NAMED:
        return NAMED[name]
    classifiers = [str(text) for text in said.get_all("Classifier") or ()]
    classes = [text.split(" :: ")[-1] for text in classifiers if text.startswith("License ::")]
    own = [str(said[field]) for field in ("License-Expression", "License") if field in said]
    texts = [*own[:1], *classes] if "License-Expression" in said else [*classes, *own]
    return next((text.strip().split("\n")[0][:60] for text in texts if text), "not said")


def needs_of(name: str, extra: str) -> list[Requirement]:
    """What a distribution asks for with this extra; ours as pyproject.toml says it."""
    if name == "surefill":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        texts = project["optional-dependencies"][extra] if extra else project["dependencies"]
    else:
        try:
            texts = distribution(name).requires or ()
        except PackageNotFoundError:
            return []  # of another system, or optional
    found = [Requirement(text) for text in texts]
    return [one for one in found if not one.marker or one.marker.evaluate({"extra": extra})]


def wanted(extra: str) -> set[str]:
    """Canonical names of everything that ``surefill`` with this extra installs."""
    done: set[tuple[str, str]] = set()
    todo = [("surefill", ""), ("surefill", extra)]
    while todo:
        one = todo.pop()
        if one in done:
            continue
        done.add(one)
        for need in needs_of(*one):
            name = canonicalize_name(need.name)
            todo += [(name, more) for more in ("", *need.extras)]
    return {name for name, _ in done} - {"surefill"}


def parts() -> list[Part]:
    """Every distribution here but ours."""
    path, extras = wanted(""), wanted("all")
    made = {}
    for found in distributions():
        name = str(found.metadata["Name"])
        known = canonicalize_name(name)
        holder = HOLDERS[0] if known in path else HOLDERS[1] if known in extras else HOLDERS[2]
        if known != "surefill":
            made[known] = Part(name, found.version, licence_of(found), holder)
    return [made[name] for name in sorted(made)]


def program_digest() -> str:
    """SHA-256 over the package's own files: what runs here."""
    digest = sha256()
    for path in sorted((ROOT / "src" / "surefill").rglob("*.py")):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT / 'src').as_posix()} {len(data)}\n".encode() + data)
    return digest.hexdigest()


def inventory(found: list[Part]) -> dict[str, object]:
    """CycloneDX 1.6, JSON."""
    own = distribution("surefill").version
    main = {
        "type": "application",
        "name": "surefill",
        "version": own,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "hashes": [{"alg": "SHA-256", "content": program_digest()}],
        "properties": [{"name": "surefill:build", "value": rules_build()}],
    }
    components = [
        {
            "type": "library",
            "name": one.name,
            "version": one.version,
            "purl": f"pkg:pypi/{canonicalize_name(one.name)}@{one.version}",
            "licenses": [{"license": {"name": one.licence}}],
            "scope": "optional" if one.holder != HOLDERS[0] else "required",
            "properties": [{"name": "surefill:wanted-by", "value": one.holder}],
        }
        for one in found
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": main},
        "components": components,
    }


def audited(program: str) -> tuple[str, bool]:
    """What `pip-audit` says about constraints.txt, and whether it found something. It also says
    "none found" when it could ask about nothing: what was skipped is counted."""
    words = [program, "-r", str(ROOT / "constraints.txt"), "--no-deps", "--disable-pip"]
    done = subprocess.run([*words, "-f", "json"], capture_output=True, text=True, timeout=600)
    try:
        rows = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return "not answered: its advisory service cannot be reached from here", False
    asked = [row for row in rows if "vulns" in row]
    bad = [f"{row['name']} {one['id']}" for row in asked for one in row["vulns"]]
    text = f"{len(asked)} of {len(rows)} distributions could be asked about; "
    return text + (f"found: {', '.join(bad)}" if bad else "none found among them"), bool(bad)


def main() -> int:
    """Write the inventory; exit code 1 for what should not be there."""
    parser = argparse.ArgumentParser(description="inventory, licences, vulnerabilities")
    parser.add_argument("sbom", type=Path)
    parser.add_argument("--audit", metavar="PROGRAM", help="a pip-audit to ask")
    parser.add_argument("--report", metavar="FILE")
    args = parser.parse_args()
    watch, found = Stopwatch(), parts()
    args.sbom.parent.mkdir(parents=True, exist_ok=True)
    args.sbom.write_text(json.dumps(inventory(found), indent=1) + "\n", encoding="utf-8")
    unknown = [f"{one.name} ({one.licence})" for one in found if not one.is_known]
    weak = [f"{one.name} ({one.licence})" for one in found if is_weak(one)]
    held = Counter(one.holder for one in found)
    said, is_bad = audited(args.audit) if args.audit else ("not asked", False)
    rows: list[Row] = [
        *watch.rows(len(found), "distributions")[:3],
        ("build", rules_build()),
        ("SHA-256 of the package's files", program_digest()),
        *((f"distributions of the {name}", str(held[name])) for name in HOLDERS),
        ("licences that bind changes of the library", ", ".join(weak) or "none"),
        ("licences on no list", ", ".join(unknown) or "none"),
        ("known vulnerabilities, by pip-audit", said),
    ]
    write_section(TITLE, rows, path=args.report, note=NOTE)
    return 1 if unknown or is_bad else 0


def is_weak(one: Part) -> bool:
    """Whether its licence binds whoever changes it."""
    return any(word in one.licence for word in WEAK)


if __name__ == "__main__":
    sys.exit(main())
