"""What a plan says about its exits after the entry: how the stop follows the market.

What: `Management` (break-even, trailing), `Distance` (USD a share, or a multiple of the initial
risk), `management_of` (from what people type) and `management_problems`.
Why apart from the plan: most plans say nothing of it, and what they do not say changes nothing.
Invariants: every distance is positive; the stop only ever tightens (`core.ratchet`).
Must never: name a price: where a stop comes to lie follows from what really filled.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.reasons import Reason, ReasonCode
from surefill.core.units import NANO, UnitError, to_nano, to_text

RISK_UNIT = "R"
EXIT_AFTER_NS_MAX = 30 * 86_400 * NANO


@dataclass(frozen=True, slots=True)
class Distance:
    """How far from the entry's average: ``px`` in 1e-9 USD a share, or ``r_ppb`` times the initial
    risk a share (ppb). Exactly one of them."""

    px: int | None = None
    r_ppb: int | None = None

    def __str__(self) -> str:
        if self.px is not None:
            return to_text(self.px)
        return f"{to_text(self.r_ppb or 0)}{RISK_UNIT}"

    def is_reached(self, gain: int, *, qty: int, risk: int) -> bool:
        """Whether a gain is at least this far. ``gain`` and ``risk`` (what was put at risk) in
        1e-18 USD over ``qty`` (1e-9 share)."""
        if self.px is not None:
            return gain >= self.px * qty
        return gain * NANO >= (self.r_ppb or 0) * risk

    def over(self, *, qty: int, risk: int) -> int:
        """The distance times ``qty``, 1e-27 USD, exactly."""
        if self.px is not None:
            return self.px * qty * NANO
        return (self.r_ppb or 0) * risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Management:
    """How the stop follows the market; it only tightens.

    ``break_even_at``: once the position could be closed that far in profit, the stop goes to the
    entry's average. ``trail``: the stop follows the best such price at this distance, from
    ``trail_from`` on (``None``: from the entry on). ``exit_after_ns``: the trade is closed that
    long after its first fill.
    """

    break_even_at: Distance | None = None
    trail: Distance | None = None
    trail_from: Distance | None = None
    exit_after_ns: int | None = None

    def __str__(self) -> str:
        texts = []
        if self.break_even_at is not None:
            texts.append(f"break-even at {self.break_even_at}")
        if self.trail is not None:
            begin = f" from {self.trail_from} on" if self.trail_from is not None else ""
            texts.append(f"trailing {self.trail}{begin}")
        if self.exit_after_ns is not None:
            texts.append(f"closed {to_text(self.exit_after_ns)} s after the first fill")
        return ", ".join(texts)

    @property
    def moves_stop(self) -> bool:
        """Whether the market can move the stop at all."""
        return self.break_even_at is not None or self.trail is not None

    @property
    def distances(self) -> tuple[tuple[str, Distance], ...]:
        """(name, distance) of those that are given."""
        named = (
            ("break_even", self.break_even_at),
            ("trail", self.trail),
            ("trail_from", self.trail_from),
        )
        return tuple((name, distance) for name, distance in named if distance is not None)


NOTHING = Management()


def management_of(
    problems: list[Reason],
    *,
    break_even: object = None,
    trail: object = None,
    trail_from: object = None,
    exit_after_s: object = None,
) -> Management:
    """From what people type: USD a share, or a multiple of the risk such as ``1R``; seconds. What
    cannot be read is added to ``problems``."""
    return Management(
        break_even_at=_distance("break_even", break_even, problems),
        trail=_distance("trail", trail, problems),
        trail_from=_distance("trail_from", trail_from, problems),
        exit_after_ns=_nanoseconds(exit_after_s, problems),
    )


def _nanoseconds(value: object, problems: list[Reason]) -> int | None:
    try:
        return None if value is None else to_nano(str(value))
    except UnitError:
        problems.append(Reason.of(ReasonCode.PLAN_EXIT_AFTER_INVALID, value=value))
        return None


def _distance(field: str, value: object, problems: list[Reason]) -> Distance | None:
    if value is None:
        return None
    text = str(value).strip()
    is_multiple = text[-1:].upper() == RISK_UNIT
    try:
        nano = to_nano(text[:-1] if is_multiple else text)
    except UnitError:
        problems.append(Reason.of(ReasonCode.PLAN_DISTANCE_INVALID, field=field, value=value))
        return None
    return Distance(r_ppb=nano) if is_multiple else Distance(px=nano)


def management_problems(manage: Management) -> list[Reason]:
    """What is wrong with it by itself, in field order."""
    problems = [
        Reason.of(ReasonCode.PLAN_DISTANCE_INVALID, field=name, value=distance)
        for name, distance in manage.distances
        if not _is_one(distance)
    ]
    if manage.trail_from is not None and manage.trail is None:
        problems.append(Reason.of(ReasonCode.PLAN_TRAIL_MISSING, value=manage.trail_from))
    if manage.exit_after_ns is not None and not 0 < manage.exit_after_ns <= EXIT_AFTER_NS_MAX:
        value = to_text(manage.exit_after_ns)
        problems.append(Reason.of(ReasonCode.PLAN_EXIT_AFTER_INVALID, value=value))
    return problems


def _is_one(distance: Distance) -> bool:
    """Whether exactly one of both is given, and positive."""
    px, r_ppb = distance.px, distance.r_ppb
    return (px is None) != (r_ppb is None) and (px or r_ppb or 0) > 0


def mistyped(manage: object) -> list[tuple[str, object]]:
    """(name, value) of what is not of its declared kind, as when a plan is built in code."""
    if type(manage) is not Management:
        return [("manage", manage)]
    wrong: list[tuple[str, object]] = []
    if type(manage.exit_after_ns) not in (int, type(None)):
        wrong.append(("exit_after_ns", manage.exit_after_ns))
    for name, distance in manage.distances:
        if type(distance) is not Distance:
            wrong.append((name, distance))
            continue
        values = (distance.px, distance.r_ppb)
        wrong += [(name, value) for value in values if type(value) not in (int, type(None))]
    return wrong
