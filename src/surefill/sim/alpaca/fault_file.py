"""Faults as JSON: one from a control request, many from a scenario file.

What: `fault_of` reads ``{"code", "target", "count" | "probability", "params"}``; `read_scenario`
reads a file with a list of these, each with ``after_ms`` from the start of the venue's clock.
Invariants: unknown fields and codes are errors that name them; nothing is armed by reading.
Must never: guess a default target other than "everything".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from surefill.core.units import NANO, UnitError, to_nano
from surefill.sim.faults import PPB, Fault, FaultCode, FaultError

BY_CALENDAR = {
    "V11": "V11, a half day, is made by the calendar: --start 2026-11-27T17:00:00Z, its last hour",
    "V22": "V22, an auction, is made by the calendar: --start just before 09:30 or 16:00 New York",
}
"""Codes of the catalogue that nobody arms -> what to do instead."""
FIELDS = frozenset({"code", "target", "count", "probability", "params"})


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault and when it is armed, in milliseconds of venue time from the start."""

    after_ms: int
    fault: Fault


def fault_of(body: Mapping[str, object]) -> Fault:
    """The fault an object describes; `FaultError` says what is wrong with it."""
    unknown = sorted(set(body) - FIELDS)
    if unknown:
        raise FaultError(f"unknown field {unknown[0]!r}; known: {', '.join(sorted(FIELDS))}")
    try:
        code = FaultCode(str(body.get("code")))
    except ValueError:
        if str(body.get("code")) in BY_CALENDAR:
            raise FaultError(BY_CALENDAR[str(body["code"])]) from None
        known = ", ".join(FaultCode)
        raise FaultError(f"unknown fault {body.get('code')!r}; known: {known}") from None
    params = body.get("params") or {}
    if not isinstance(params, dict):
        raise FaultError("params is an object")
    count = body.get("count")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
        raise FaultError("count must be a whole number")
    return Fault(
        code=code,
        target=str(body.get("target", "*")),
        count=count,
        probability_ppb=_probability(body.get("probability")),
        params=params,
    )


def _probability(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise FaultError("probability must be a number")
    try:
        return to_nano(value) * PPB // NANO
    except UnitError as error:
        raise FaultError(f"probability: {error}") from None


def read_scenario(path: Path) -> list[Planned]:
    """The faults of a file, in its order."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise FaultError(f"cannot read the fault file {path}: {error.strerror}") from None
    except ValueError:
        raise FaultError(f"the fault file {path} is not JSON") from None
    if not isinstance(rows, list):
        raise FaultError(f"the fault file {path} must hold a list")
    return [_planned(path, number, row) for number, row in enumerate(rows, start=1)]


def _planned(path: Path, number: int, row: object) -> Planned:
    where = f"{path}, fault {number}"
    if not isinstance(row, dict):
        raise FaultError(f"{where}: expected an object")
    after_ms = row.get("after_ms", 0)
    if isinstance(after_ms, bool) or not isinstance(after_ms, int) or after_ms < 0:
        raise FaultError(f"{where}: after_ms must be a whole number, not negative")
    try:
        fault = fault_of({key: value for key, value in row.items() if key != "after_ms"})
    except FaultError as error:
        raise FaultError(f"{where}: {error}") from None
    return Planned(after_ms, fault)
