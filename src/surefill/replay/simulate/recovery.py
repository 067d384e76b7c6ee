"""How long a new process needs until every trade that it finds bare is covered, and in which order.

What: `recover` -> `Recovery`: many entries are sent at one instant, the process dies before any of
their fills can be heard, all fill, and a new process starts under the broker's request limit.
Why: restarts with a few trades are in every tenth seed; what a thousand take is bound by the number
of requests a minute, and has to be known before it is needed (I3 d, I17).
Invariants: times come from the venue's log; no fault, no other load.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from surefill.core.commands import SubmitOrder
from surefill.core.fix import Leg, Side
from surefill.core.market import Nbbo
from surefill.core.plan import SECOND_NS, ExitsByDistance, TradePlan
from surefill.core.units import CENT, NANO
from surefill.core.values import replace
from surefill.journal.memory import MemoryDisk
from surefill.replay.harness import Arrival, Fate, VirtualConfig, VirtualRun
from surefill.replay.simulate.play import CASH_USD, LIMITS
from surefill.runtime.stepper import Decided
from surefill.sim.auditor_log import owner_of
from surefill.sim.calendar import session_on, us_equity_calendar
from surefill.sim.faults import Fault, FaultCode
from surefill.sim.market import QuoteEvent, ScriptedMarket

DATE = 20260302
DOWN_NS = 2 * SECOND_NS
PATIENCE_NS = 900 * SECOND_NS
QUOTE_EVERY_NS = 20 * SECOND_NS
BID_PX = 100 * NANO
REQUESTS_PER_MINUTE = 200


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a start did. ``covered_ns``: for every bare trade the time from the start of the process
    to its working stop, ascending; ``requests``: sent by the new process until the last of them,
    ``reads`` among them; ``lost_ms``: for so long after the start every order sent was lost."""

    bare: int
    covered: int
    covered_ns: tuple[int, ...]
    requests: int
    reads: int = 0
    lost_ms: int = 0

    def as_row(self) -> dict[str, int | float]:
        """For a report; times in s."""
        times = self.covered_ns

        def at(percent: int) -> float:
            return round(times[-(-percent * len(times) // 100) - 1] / SECOND_NS, 1)

        return {
            "bare": self.bare,
            "covered": self.covered,
            "first_s": round(times[0] / SECOND_NS, 1),
            "half_s": at(50),
            "p99_s": at(99),
            "last_s": at(100),
            "requests": self.requests,
            "reads": self.reads,
            "lost_s": round(self.lost_ms / 1_000, 1),
        }


def recover(bare: int, *, covered: int | None = None, lost_ms: int = 0) -> Recovery:
    """A start with so many bare trades, and ``covered`` (a fifth as many) that are covered. Orders
    that are sent in the first ``lost_ms`` never arrive, and nobody says so."""
    covered = max(1, bare // 5) if covered is None else covered
    session = session_on(DATE)
    start_ns = session.open_ns + 600 * SECOND_NS
    names = [f"S{n:04d}" for n in range(covered + bare)]
    run = _run(names, start_ns)
    run.start()
    _hand_over(run, names[:covered], 5 * SECOND_NS)
    doom = _Doom(bare)
    run.fated = doom.fated
    _hand_over(run, names[covered:], DOWN_NS)
    assert not run.is_alive
    run.fated = _spared
    face: Any = run.edge.face  # whichever protocol the venue is served by
    face.limit = type(face.limit)(REQUESTS_PER_MINUTE)
    began_ns = run.edge.now_ns
    if lost_ms:
        run.edge.arm(Fault(FaultCode.N1, "POST", params={"for_ms": lost_ms}))
    run.restart()
    missing = set(names[covered:])
    armed: dict[str, int] = {}
    while missing and run.edge.now_ns < began_ns + PATIENCE_NS:
        run.run_until(run.edge.now_ns + SECOND_NS)
        armed = _armed_since(run, began_ns)
        missing -= armed.keys()
    assert not missing, f"{len(missing)} trades were never covered"
    sent = run.broker.requests
    times = tuple(sorted(armed.values()))
    requests, reads = sum(sent.values()), sent.get("GET", 0)
    return Recovery(bare, covered, times, requests, reads=reads, lost_ms=lost_ms)


def _hand_over(run: VirtualRun, names: list[str], for_ns: int) -> None:
    now_ns = run.edge.now_ns
    run.play([Arrival(now_ns, _plan(name, now_ns)) for name in names], until_ns=now_ns + for_ns)
    run.run_until(now_ns + for_ns)


def _spared(decided: Decided, written: int) -> Fate | None:
    return None


class _Start(VirtualRun):
    """A run whose new process has the request budget of production, and reads no reference data:
    these reads wait behind everything that protects."""

    def restart(self) -> None:
        super().restart()
        self._unwatched.clear()

    def _boot(self, disk: MemoryDisk) -> None:
        super()._boot(disk)
        if self.starts:
            self.broker.limit_requests(REQUESTS_PER_MINUTE)


class _Doom:
    """Kills the process with the decision that sends the last of so many entries."""

    def __init__(self, entries: int) -> None:
        self._left = entries

    def fated(self, decided: Decided, written: int) -> Fate | None:
        """Asked after every append."""
        sent = [one for one in decided.commands if isinstance(one, SubmitOrder)]
        self._left -= sum(one.spec.leg is Leg.ENTRY for one in sent)
        return Fate(len(decided.commands)) if self._left <= 0 and sent else None


def _armed_since(run: VirtualRun, began_ns: int) -> dict[str, int]:
    """plan id -> when its stop began to work, after ``began_ns``."""
    plans: dict[object, str] = {}
    armed: dict[str, int] = {}
    for line in run.log.lines:
        owner = owner_of(str(line["cl_ord_id"] or ""))
        if owner is not None:
            plans[line["order_id"]] = owner[0]
        at_ns = int(str(line["venue_ns"]))
        plan_id = plans.get(line["order_id"]) or plans.get(line["parent_id"])
        if line["kind"] == "armed" and at_ns >= began_ns and plan_id is not None:
            armed.setdefault(plan_id, at_ns - began_ns)
    return armed


def _run(names: list[str], start_ns: int) -> VirtualRun:
    """An account without limits that would get in the way, and one quiet market for each name."""
    end_ns = start_ns + PATIENCE_NS + 60 * SECOND_NS
    events = [
        QuoteEvent(name, Nbbo(BID_PX, 1_000 * NANO, BID_PX + 2 * CENT, 1_000 * NANO, at_ns, at_ns))
        for at_ns in range(start_ns - 4 * SECOND_NS, end_ns, QUOTE_EVERY_NS)
        for name in names
    ]
    limits = replace(LIMITS, open_trades_max=2 * len(names), quote_age_max_ns=60 * SECOND_NS)
    config = VirtualConfig(limits=limits, cash_usd=CASH_USD, requests_per_minute=0)
    return _Start(
        ScriptedMarket(events, name="recovery"),
        us_equity_calendar(DATE, DATE),
        start_ns=start_ns - 3 * SECOND_NS,
        config=config,
    )


def _plan(name: str, now_ns: int) -> TradePlan:
    return TradePlan(
        plan_id=name,
        symbol=name,
        side=Side.BUY,
        signal_px=BID_PX + 2 * CENT,
        exits=ExitsByDistance(NANO, 2 * NANO),
        order_qty=100 * NANO,
        signal_ns=now_ns,
        tactic="limit",
    )
