"""A broker's exported history as parents of cost analysis: files in, plans out.

What: `read_exported` reads files that somebody saved from the broker's API, and optionally what the
signals were; nothing connects.
Why here: which adapter understands the files is a matter of composition.
Must never: send anything, or need a key.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from surefill.brokers.alpaca.history import read_export
from surefill.core.units import UnitError, to_nano
from surefill.tca.imported import parents_of
from surefill.tca.parent import Parent


class ExportError(ValueError):
    """Files that hold no history, or signals that cannot be read."""


@dataclass(frozen=True, slots=True)
class Exported:
    """``fees_usd``: 1e-9 USD over the whole export; ``notes``: what was left out, for people."""

    parents: tuple[Parent, ...]
    fees_usd: int
    notes: tuple[str, ...]


def read_exported(files: Iterable[Path], signals: Path | None = None) -> Exported:
    """The plans of these files. Raises `ExportError`, ``OSError``."""
    known = read_signals(signals) if signals is not None else {}
    found = read_export(path.read_bytes() for path in files)
    if not found.orders and not found.fills:
        text = found.unreadable[0].text if found.unreadable else "no order and no execution in them"
        raise ExportError(f"no history in these files: {text}")
    parents = parents_of(found.orders, found.fills, signals=known)
    notes = []
    if found.unreadable:
        first = found.unreadable[0]
        notes.append(f"{len(found.unreadable)} records could not be read ({first.text})")
    if found.passed:
        notes.append(f"{found.passed} records of other kinds were passed over")
    if known:
        used = sum(1 for one in parents if one.signal_px is not None)
        notes.append(f"signals found for {used} of {len(parents)} entries")
    return Exported(parents, found.fees_usd, tuple(notes))


def read_signals(path: Path) -> dict[str, int]:
    """Order id or client order id -> signal price (1e-9 USD), from a CSV file with the columns
    ``id`` and ``signal``. Raises `ExportError`, ``OSError``."""
    found = {}
    with path.open(newline="", encoding="utf-8") as file:
        for n, row in enumerate(csv.DictReader(file), 2):
            try:
                found[row["id"]] = to_nano(row["signal"])
            except (KeyError, UnitError) as error:
                raise ExportError(f"{path}, line {n}: id,signal expected ({error})") from None
    return found
