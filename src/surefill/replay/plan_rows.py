"""A row of somebody's plan file as a plan to play, or everything that is wrong with it.

What: `draw_of` reads one row (column -> value, as CSV, JSON or Parquet give it) into a `Draw`;
`LeftOut` names what cannot be used: where, code, field, value, sentence; `COLUMNS` is the format.
Why: a plan that is left out in silence changes what a comparison says; so a row is read completely
or named completely, every problem of it at once.
Invariants: numbers are read exactly from their own text; an instant needs a zone, a number as an
instant is UTC ns or refused. Codes are those of the engine where it has one, else `PlanCode`.
Must never: fill in a price, a side or a stop.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from surefill.core.plan import PlanError, TradePlan, plan_problems
from surefill.core.reasons import Reason
from surefill.core.units import NANO, UnitError, to_nano
from surefill.sim.workload import Draw
from surefill.tactics.registry import PLAN_TACTICS

COLUMNS: Mapping[str, str] = {
    "at": "when the plan is handed over: RFC 3339 with its zone, or UTC ns",
    "symbol": "ticker",
    "side": "buy (long) or sell (short)",
    "qty": "whole shares",
    "signal": "the strategy's price, USD; with a trigger it may be empty",
    "trigger": "breakout: enter when the bid (short: the ask) has come to this price, USD",
    "trigger_for_s": "seconds to wait for it; to the session's last entry where it is empty",
    "stop": "stop price, USD (with target)",
    "target": "target price, USD",
    "risk": "stop distance from the fill, USD a share (with rr)",
    "rr": "target distance in multiples of risk",
    "plan_id": "unique in the file; row-N where it is empty",
    "tactic": "how to enter on the path `smart`; limit where it is empty",
    "signal_at": "when the signal price was seen, as at",
    "decision": "mid when the plan was made, USD; the tape's at signal_at where it is empty",
    "exit_at": "time exit, as at; before the close where it is empty",
    "budget_s": "seconds to get in; 60 where it is empty",
    "max_slippage": "worst entry against the signal, a fraction; 0.001 where it is empty",
    "min_rr": "least reward/risk; 2 where it is empty",
    "strategy": "who asked; decides nothing",
}
"""Column -> meaning: what a plan file may hold."""
REQUIRED = ("at", "symbol", "side", "qty", "signal")

_NS_1990 = 631_152_000 * NANO
_NS_2100 = 4_102_444_800 * NANO
_OVERRIDES = {
    "budget_s": "fill_timeout_ns",
    "max_slippage": "max_slippage_ppb",
    "min_rr": "min_rr_ppb",
}
_FIELDS = {
    "PLAN_ID": "plan_id",
    "PLAN_SYMBOL": "symbol",
    "PLAN_SIDE": "side",
    "PLAN_QTY": "qty",
    "PLAN_TACTIC": "tactic",
    "PLAN_STRATEGY": "strategy",
    "PLAN_SIGNAL": "signal",
    "PLAN_TRIGGER": "trigger",
    "PLAN_EXIT": "exit_at",
    "FRACTIONAL": "qty",
    "EXITS_MISSING": "stop, target or risk, rr",
}
_CORE_FIELDS = {
    "signal_price": "signal",
    "quantity": "qty",
    "stop_px": "stop",
    "target_px": "target",
    "risk_px": "risk",
    "rr_ppb": "rr",
} | {field: column for column, field in _OVERRIDES.items()}
_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):?(\d\d))",
    re.ASCII,
)
_EPOCH = date(1970, 1, 1).toordinal()


class PlanCode(StrEnum):
    """What the engine has no code for, because it never sees it."""

    PLAN_FILE_UNREADABLE = "PLAN_FILE_UNREADABLE"
    PLAN_COLUMN_UNKNOWN = "PLAN_COLUMN_UNKNOWN"
    PLAN_COLUMN_MISSING = "PLAN_COLUMN_MISSING"
    PLAN_ROW_INVALID = "PLAN_ROW_INVALID"
    PLAN_VALUE_MISSING = "PLAN_VALUE_MISSING"
    PLAN_TIME_INVALID = "PLAN_TIME_INVALID"
    PLAN_TIME_UNIT = "PLAN_TIME_UNIT"
    PLAN_ID_REPEATED = "PLAN_ID_REPEATED"
    PLAN_NO_TAPE = "PLAN_NO_TAPE"
    TAPE_LEFT_OUT = "TAPE_LEFT_OUT"
    PLAN_OUTSIDE_SESSION = "PLAN_OUTSIDE_SESSION"
    PLAN_OUTSIDE_TAPE = "PLAN_OUTSIDE_TAPE"
    PLAN_IN_GAP = "PLAN_IN_GAP"
    PLAN_NO_QUOTE = "PLAN_NO_QUOTE"
    PLAN_NO_SHARE = "PLAN_NO_SHARE"
    PLAN_NOT_MARKET = "PLAN_NOT_MARKET"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A plan, or a row that should be one, which is not played. ``where``: file and line, or id."""

    where: str
    code: str
    field: str
    value: str
    sentence: str

    def __str__(self) -> str:
        what = f"{self.field} = {self.value!r}: " if self.field else ""
        return f"{self.where}: {self.code}: {what}{self.sentence}"

    def to_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in LeftOut.__slots__}


class _Refused(ValueError):
    """One value that cannot be read."""

    def __init__(self, code: PlanCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def required(given: Collection[str]) -> tuple[str, ...]:
    """What a plan needs; the signal price of a breakout may be left out."""
    return tuple(name for name in REQUIRED if name != "signal" or "trigger" not in given)


def stamp_ns(value: object) -> int:
    """UTC ns of an instant. Raises ``ValueError``, `LeftOut`'s code among its attributes."""
    if isinstance(value, datetime):
        value = value.isoformat()
    text = str(value).strip()
    if re.fullmatch(r"-?\d+", text, re.ASCII):
        if not _NS_1990 <= int(text) < _NS_2100:
            raise _Refused(PlanCode.PLAN_TIME_UNIT, "as a number an instant is UTC nanoseconds")
        return int(text)
    match = _STAMP.fullmatch(text)
    if match is None:
        raise _Refused(
            PlanCode.PLAN_TIME_INVALID, "an instant is RFC 3339 with its zone, or UTC nanoseconds"
        )
    day, hour, minute, second, fraction, sign, off_hour, off_minute = match.groups()
    try:
        days = date.fromisoformat(day).toordinal() - _EPOCH
    except ValueError:
        raise _Refused(PlanCode.PLAN_TIME_INVALID, "there is no such day") from None
    seconds = ((days * 24 + int(hour)) * 60 + int(minute)) * 60 + int(second)
    if sign:
        offset = (int(off_hour) * 60 + int(off_minute)) * 60
        seconds -= offset if sign == "+" else -offset
    return seconds * NANO + int((fraction or "0").ljust(9, "0"))


def draw_of(row: Mapping[str, object], where: str, *, fallback_id: str) -> Draw | list[LeftOut]:
    """The plan of a row whose columns are known ones, or everything that is wrong with it."""
    given = {name: value for name, value in row.items() if _is_given(value)}
    bad = [
        LeftOut(where, PlanCode.PLAN_VALUE_MISSING, name, "", "a plan needs it")
        for name in required(given)
        if name not in given
    ]
    at_ns = _instant(given, "at", where, bad=bad)
    signal_ns = _instant(given, "signal_at", where, bad=bad)
    exit_at_ns = _instant(given, "exit_at", where, bad=bad)
    overrides = _overrides(given, where, bad)
    decision_px = _number(given, "decision", where, bad=bad)
    if decision_px is not None and decision_px <= 0:
        value = _shown(given["decision"])
        bad.append(LeftOut(where, "PLAN_NUMBER_INVALID", "decision", value, "must be positive"))
    if "at" not in given or "side" not in given or not {"signal", "trigger"} & given.keys():
        return bad
    try:
        plan = TradePlan.of(
            str(given.get("symbol", "")),
            str(given["side"]),
            given.get("qty"),
            plan_id=str(given.get("plan_id", fallback_id)),
            signal_price=given.get("signal"),
            trigger=given.get("trigger"),
            trigger_for_s=given.get("trigger_for_s"),
            stop=given.get("stop"),
            target=given.get("target"),
            risk=given.get("risk"),
            rr=given.get("rr"),
            tactic=str(given.get("tactic", "limit")),
            signal_ns=signal_ns,
            exit_at_ns=exit_at_ns,
            flat_by_close=True,
            overrides=overrides,
            strategy=str(given.get("strategy", "")),
        )
    except PlanError as error:
        return bad + [_left_out(reason, where, given) for reason in error.problems]
    known = {one.field for one in bad}
    found = [_left_out(reason, where, given) for reason in plan_problems(plan, PLAN_TACTICS)]
    bad += [one for one in found if one.field not in known]
    if bad or at_ns is None:
        return bad
    return Draw(at_ns, plan, False, decision_px)


def _is_given(value: object) -> bool:
    return value is not None and str(value).strip() != ""


def _instant(
    given: Mapping[str, object], name: str, where: str, *, bad: list[LeftOut]
) -> int | None:
    """UTC ns of a column; ``None`` when it is absent, or bad and told so."""
    if name not in given:
        return None
    try:
        return stamp_ns(given[name])
    except _Refused as error:
        bad.append(LeftOut(where, error.code, name, _shown(given[name]), str(error)))
        return None


def _overrides(
    given: Mapping[str, object], where: str, bad: list[LeftOut]
) -> tuple[tuple[str, int], ...]:
    found = []
    for column, field in _OVERRIDES.items():
        number = _number(given, column, where, bad=bad)
        if number is not None:
            found.append((field, number))
    return tuple(found)


def _number(
    given: Mapping[str, object], name: str, where: str, *, bad: list[LeftOut]
) -> int | None:
    """A number of a column in 1e-9; ``None`` when it is absent, or bad and told so."""
    if name not in given:
        return None
    try:
        return to_nano(str(given[name]))
    except UnitError as error:
        value = _shown(given[name])
        bad.append(LeftOut(where, "PLAN_NUMBER_INVALID", name, value, str(error)))
        return None


def _left_out(reason: Reason, where: str, given: Mapping[str, object]) -> LeftOut:
    context = dict(reason.context)
    name = context.get("field", "")
    column = _CORE_FIELDS.get(name, name)
    if not column:
        code = reason.code.name
        column = next((field for start, field in _FIELDS.items() if code.startswith(start)), "")
    value = _shown(given.get(column, context.get("value", "")))
    return LeftOut(where, reason.code.name, column, value, reason.sentence)


def _shown(value: object) -> str:
    """A value as it stood there, bounded and printable."""
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    return "".join(char if char.isprintable() else " " for char in text)[:80]
