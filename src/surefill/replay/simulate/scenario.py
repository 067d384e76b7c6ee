"""A scenario of the simulation as data: a market, what is asked for, and what goes wrong when.

What: `Scenario` and the happenings that it is made of: plans, faults, halts, operator's acts,
crashes, other people's meddling and orders. ``at_ms`` counts from second 0, ``Scenario.start_ns``.
Why data: a scenario that breaks something is made smaller by leaving happenings out, is told to
people line by line, and is played again from its seed in any process.
Must never: draw a number; `draw` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surefill.core.events import Act
from surefill.core.plan import ExitsByDistance, ExitsByLevel, TradePlan
from surefill.core.units import to_text
from surefill.sim.faults import NS_PER_MS, Fault
from surefill.sim.models import Delay, DelayRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One instrument's market: a walk from ``px`` (1e-9 USD) in steps of about ``unit_px``.

    ``spread_ticks`` wide, ``size`` shares displayed, a step every ``step_ms``; one step in a
    hundred is a ``gap_units`` jump (0: never).
    """

    name: str
    px: int
    unit_px: int
    spread_ticks: int
    size: int
    step_ms: int
    gap_units: int = 0
    path: tuple[tuple[int, int, int, int], ...] = ()
    """a written market instead: (ms, bid, ask, shares), prices 1e-9 USD"""


@dataclass(frozen=True, slots=True)
class Given:
    """A strategy hands over a plan."""

    at_ms: int
    plan: TradePlan
    is_legacy: bool

    def __str__(self) -> str:
        plan = self.plan
        exits = "no exits"
        match plan.exits:
            case ExitsByDistance(risk_px, rr_ppb):
                exits = f"risk {to_text(risk_px)}, ratio {to_text(rr_ppb)}"
            case ExitsByLevel(stop_px, target_px):
                exits = f"stop {to_text(stop_px)}, target {to_text(target_px)}"
            case _:
                pass
        path = "legacy path" if self.is_legacy else f"{plan.tactic} tactic"
        side = "long" if plan.sign > 0 else "short"
        managed = f", {plan.manage}" if str(plan.manage) else ""
        waits = ""
        if plan.trigger_px is not None:
            time = f" for {to_text(plan.trigger_for_ns)} s" if plan.trigger_for_ns else ""
            waits = f", waits for {to_text(plan.trigger_px)}{time}"
        return (
            f"plan {plan.plan_id}: {side} {to_text(plan.order_qty or 0)} {plan.symbol}, "
            f"signal {to_text(plan.signal_px)}, {exits}, {path}{managed}{waits}"
        )


@dataclass(frozen=True, slots=True)
class Armed:
    """A fault begins to lie in wait; see `surefill.sim.faults`. With a ``phase`` it strikes only
    while an open trade is in that phase, and a window begins when it strikes."""

    at_ms: int
    fault: Fault
    phase: str = ""

    def __str__(self) -> str:
        fault = self.fault
        rate = ""
        if fault.probability_ppb is not None:
            rate = f", {fault.probability_ppb // 10_000_000} in 100"
        elif fault.count is not None:
            rate = f", {fault.count} times"
        params = "".join(f", {name}={value}" for name, value in fault.params.items())
        when = f" when a trade is {self.phase}" if self.phase else ""
        return f"fault {fault.code.value} on {fault.target}{when}{rate}{params}"


@dataclass(frozen=True, slots=True)
class Halted:
    """Trading in a symbol is halted for ``for_ms``."""

    at_ms: int
    symbol: str
    for_ms: int

    def __str__(self) -> str:
        return f"halt of {self.symbol} for {self.for_ms / 1000:.1f} s"


@dataclass(frozen=True, slots=True)
class Operated:
    """An operator's act; ``target`` a symbol or "" for all."""

    at_ms: int
    act: Act
    target: str = ""

    def __str__(self) -> str:
        return f"operator: {self.act.value} {self.target or 'everything'}"


class Tail(StrEnum):
    """What of the last append is on the disk after a death."""

    KEPT = "KEPT"
    TORN = "TORN"
    """Its last record is missing."""
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class Crashed:
    """``kill -9``: the process dies around the append that is ``skip`` appends after ``at_ms``.

    ``sent`` requests of that decision still leave. With commands sent and a lost ``tail`` the disk
    has lied about what it kept. The process starts again ``down_ms`` later, and dies again after as
    many appends of its recovery as ``again`` says, one number for each further death.
    """

    at_ms: int
    down_ms: int
    skip: int = 0
    sent: int = 0
    tail: Tail = Tail.KEPT
    again: tuple[int, ...] = ()

    def __str__(self) -> str:
        more = f", again after {self.again} appends of the recovery" if self.again else ""
        return (
            f"kill -9 ({self.skip} appends later, {self.sent} requests sent, tail "
            f"{self.tail.value}), back {self.down_ms} ms later{more}"
        )


class Meddling(StrEnum):
    """What the venue or a person in the broker's screen does to a symbol's trade."""

    BUST = "BUST"
    CORRECT = "CORRECT"
    REJECT_ENTRY = "REJECT_ENTRY"
    REJECT_STOP = "REJECT_STOP"
    CANCEL_LEG = "CANCEL_LEG"
    CLOSE_OUTSIDE = "CLOSE_OUTSIDE"
    BLOCK_ACCOUNT = "BLOCK_ACCOUNT"


@dataclass(frozen=True, slots=True)
class Meddled:
    """Done at the first moment from ``at_ms`` on at which there is something to meddle with."""

    at_ms: int
    what: Meddling
    symbol: str

    def __str__(self) -> str:
        return f"meddling: {self.what.value} in {self.symbol}"


@dataclass(frozen=True, slots=True)
class Rested:
    """Somebody else's order begins to rest in a symbol of his own, and must be left alone (I16)."""

    at_ms: int
    symbol: str

    def __str__(self) -> str:
        return f"somebody else rests an order in {self.symbol}"


@dataclass(frozen=True, slots=True)
class BustedLate:
    """The venue takes back an entry execution of a trade that is over (V6)."""

    at_ms: int

    def __str__(self) -> str:
        return "an entry execution of a trade that is over is busted"


Happening = Given | Armed | Halted | Operated | Crashed | Meddled | Rested | BustedLate


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything that one run is made of. Faults and acts end at ``storm_ms`` (the healing)."""

    seed: int
    is_calm: bool
    date: int
    """yyyymmdd, New York"""
    start_ns: int
    close_ns: int
    storm_ms: int
    symbols: tuple[Symbol, ...]
    happenings: tuple[Happening, ...]
    switches: tuple[str, ...] = ()
    exits_beside_entry: bool = False
    requests_per_minute: int = 0
    delays: tuple[tuple[Delay, DelayRange], ...] = ()

    def at_ns(self, at_ms: int) -> int:
        """UTC ns of a moment."""
        return self.start_ns + at_ms * NS_PER_MS

    @property
    def heal_ns(self) -> int:
        """When everything works again."""
        return self.at_ns(self.storm_ms)

    @property
    def plans(self) -> tuple[Given, ...]:
        """The plans handed over."""
        return tuple(one for one in self.happenings if isinstance(one, Given))
