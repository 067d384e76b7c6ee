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
SCALE_OUTS_MAX = 4
"""Each is an exit group of its own: a request to cover it, and one for each move of its stop."""
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


@dataclass(frozen=True, slots=True)
class ScaleOut:
    """A nearer target for a part: ``share_ppb`` of what was entered. ``target_nano`` is meant as
    the plan's own target is: a price (1e-9 USD), or a multiple of the distance at risk (ppb)."""

    share_ppb: int
    target_nano: int

    def __str__(self) -> str:
        return f"{to_text(self.share_ppb * 100)}%:{to_text(self.target_nano)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Management:
    """How the stop follows the market; it only tightens.

    ``break_even_at``: once the position could be closed that far in profit, the stop goes to the
    entry's average. ``trail``: the stop follows the best such price at this distance, from
    ``trail_from`` on (``None``: from the entry on). ``exit_after_ns``: the trade is closed that
    long after its first fill. ``scale_outs``: parts that leave before the plan's own target,
    nearest first; what they leave, and every share that does not divide, waits for that one.
    """

    break_even_at: Distance | None = None
    trail: Distance | None = None
    trail_from: Distance | None = None
    exit_after_ns: int | None = None
    scale_outs: tuple[ScaleOut, ...] = ()

    def __str__(self) -> str:
        texts = []
        if self.break_even_at is not None:
            texts.append(f"break-even at {self.break_even_at}")
        if self.trail is not None:
            begin = f" from {self.trail_from} on" if self.trail_from is not None else ""
            texts.append(f"trailing {self.trail}{begin}")
        texts += [f"scale-out {scale_out}" for scale_out in self.scale_outs]
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
    scale_out: object = (),
) -> Management:
    """From what people type: USD a share, or a multiple of the risk such as ``1R``; seconds; for a
    scale-out ``50%:1`` (or several, in a list). What cannot be read is added to ``problems``."""
    return Management(
        break_even_at=_distance("break_even", break_even, problems),
        trail=_distance("trail", trail, problems),
        trail_from=_distance("trail_from", trail_from, problems),
        exit_after_ns=_nanoseconds(exit_after_s, problems),
        scale_outs=_scale_outs(scale_out, problems),
    )


def _scale_outs(value: object, problems: list[Reason]) -> tuple[ScaleOut, ...]:
    given = (value,) if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        given = () if given is None else (given,)
    read = [_scale_out(str(one), problems) for one in given]
    return tuple(one for one in read if one is not None)


def _scale_out(text: str, problems: list[Reason]) -> ScaleOut | None:
    share, _, target = text.partition(":")
    try:
        if not share.endswith("%"):
            raise UnitError(text)
        return ScaleOut(to_nano(share[:-1]) // 100, to_nano(target))
    except UnitError:
        says = "is not SHARE%:TARGET, as in 50%:1"
        problems.append(Reason.of(ReasonCode.PLAN_SCALE_OUT_INVALID, value=text, says=says))
        return None


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


def scale_out_problems(manage: Management, *, sign: int, between: tuple[int, int]) -> list[Reason]:
    """What is wrong with several targets: each lies ``between`` the signal and the plan's own (in
    its terms: prices, or multiples from 0), beyond the one before; their shares leave some for it.
    """
    problems, left_ppb = [], NANO
    before, last_nano = between
    for one in manage.scale_outs:
        left_ppb -= one.share_ppb
        says = ""
        if one.share_ppb <= 0 or left_ppb <= 0:
            says = "is no share above 0 % that leaves some for the plan's own target"
        elif sign * (one.target_nano - before) <= 0 or sign * (last_nano - one.target_nano) <= 0:
            says = "does not lie between the one before it and the plan's own target"
        elif len(manage.scale_outs) > SCALE_OUTS_MAX:
            says = f"is one of more than {SCALE_OUTS_MAX}"
        if says:
            problems.append(Reason.of(ReasonCode.PLAN_SCALE_OUT_INVALID, value=one, says=says))
        before = one.target_nano
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
    if type(manage.scale_outs) is not tuple:
        return [*wrong, ("scale_outs", manage.scale_outs)]
    for one in manage.scale_outs:
        numbers = (one.share_ppb, one.target_nano) if type(one) is ScaleOut else ()
        if [type(number) for number in numbers] != [int, int]:
            wrong.append(("scale_outs", repr(one)))
    for name, distance in manage.distances:
        if type(distance) is not Distance:
            wrong.append((name, distance))
            continue
        values = (distance.px, distance.r_ppb)
        wrong += [(name, value) for value in values if type(value) not in (int, type(None))]
    return wrong
