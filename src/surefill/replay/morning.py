"""The CRWD morning both ways, over real sockets: real exchange, real executors, real journals.

What: `play_mornings(folder, reading_ns)` serves the morning twice on free loopback ports (once it
ends at the stop, once at the target) and trades each one on the legacy path and on the smart path.
A `Morning` says what became of it, by the venue's own log.
Why: the trade that started Surefill, on the code that users run: HTTP, websockets, SQLite.
How it takes seconds: the venue's clock runs in real time while orders travel and faster while
everybody only waits; the executors live in the venue's time, so their 60 s are 60 s. Exchange and
executors share this process: when a busy machine lets it stand still, the clock stands still too.
Must never: shorten a latency, a budget or a deadline by other means than that clock.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from surefill.config import Secret, Settings
from surefill.core.plan import SECOND_NS, TradePlan
from surefill.core.reasons import ReasonCode
from surefill.core.trade import Outcome
from surefill.core.units import NANO, to_usd_text
from surefill.replay.evidence import Row, rows_of
from surefill.replay.measure import entries_of
from surefill.runtime.recovery import remembered
from surefill.runtime.result import TradeResult
from surefill.sim.alpaca.app import ExchangeConfig, Venue, VenueParts, assemble
from surefill.sim.alpaca.server import listen, make_server
from surefill.sim.auditor import Violation, audit
from surefill.sim.auditor_log import owner_of
from surefill.sim.calendar import us_equity_calendar
from surefill.sim.pacing import ONE_PPB, PacedClock, PatientReading
from surefill.sim.scripts import CRWD, CRWD_SESSION, CRWD_SIGNAL_NS, CrwdEnding, crwd_morning
from surefill.smart_order_executor import SmartOrderExecutor

HOST = "127.0.0.1"
SHARES = 25
SIGNAL, STOP, TARGET, RISK = "534.82", "529.47", "536.87", "5.35"
START_NS = CRWD_SIGNAL_NS - 29 * SECOND_NS
"""The clock starts here in real time: more than enough to connect."""
FAST, FASTER = 30, 60
BUDGET_END_NS = CRWD_SIGNAL_NS + 59 * SECOND_NS
"""From here on in real time again: at 60 s the entry has to be cancelled."""
TICK_NS = 5_000_000
"""Real nanoseconds between two looks at the clock."""
STALL_NS = 4 * TICK_NS
"""Of a longer stall no more than this counts: 0.6 s of venue time at the fast speed."""
SETTLED_S, CLOSED_S = 60.0, 60.0
"""Real seconds to wait before something must be wrong."""

Lines = list[dict[str, object]]


class MorningError(RuntimeError):
    """The morning did not come to its end: this machine is too slow, or something is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """The legacy trade, by the venue's log. Prices in 1e-9 USD, ``pnl_usd`` 1e-9 USD in all."""

    shares: int
    entry_px: int
    exit_px: int
    risk_px: int
    reward_px: int
    slippage_vs_signal_bps: Decimal
    pnl_usd: int
    outcome: Outcome | None

    @property
    def rr(self) -> Decimal:
        """Reward for each dollar of risk, two decimals."""
        return (Decimal(self.reward_px) / self.risk_px).quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The plan with exits by level on the smart path. ``orders``: how many the venue ever saw."""

    code: ReasonCode | None
    sentence: str
    outcome: Outcome | None
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """The plan with exits by distance on the smart path. ``ask_px``: the market when its time was
    up; ``worked_ms``: how long its order worked, in venue time."""

    limit_px: int
    worst_px: int
    shares: int
    ask_px: int
    worked_ms: int
    sentence: str
    outcome: Outcome | None
    orders: int


@dataclass(frozen=True, slots=True)
class Morning:
    """One ending of the morning."""

    ending: CrwdEnding
    legacy: Bought
    level: Refused
    distance: Waited
    violations: tuple[Violation, ...]
    lines: int
    """of the venue's log, read by the auditor"""

    def rows(self) -> Iterator[dict[str, object]]:
        """JSON-ready, one object a plan; prices in USD as text."""
        head = {"part": "morning", "ending": self.ending.value, "symbol": CRWD, "qty": SHARES}
        legacy, level, distance = self.legacy, self.level, self.distance
        yield head | {
            "path": "legacy",
            "exits": "level",
            "outcome": _value(legacy.outcome),
            "filled": legacy.shares,
            "entry_px": to_usd_text(legacy.entry_px),
            "exit_px": to_usd_text(legacy.exit_px),
            "risk_px": to_usd_text(legacy.risk_px),
            "reward_px": to_usd_text(legacy.reward_px),
            "reward_risk": str(legacy.rr),
            "slippage_vs_signal_bps": str(legacy.slippage_vs_signal_bps),
            "pnl_usd": to_usd_text(legacy.pnl_usd),
        }
        yield head | {
            "path": "smart",
            "exits": "level",
            "outcome": _value(level.outcome),
            "reason": level.code.name if level.code is not None else None,
            "sentence": level.sentence,
            "orders": level.orders,
        }
        yield head | {
            "path": "smart",
            "exits": "distance",
            "outcome": _value(distance.outcome),
            "filled": distance.shares,
            "limit_px": to_usd_text(distance.limit_px),
            "worst_px": to_usd_text(distance.worst_px),
            "worked_ms": distance.worked_ms,
            "far_side_px": to_usd_text(distance.ask_px),
            "missed_pnl_usd": to_usd_text(legacy.pnl_usd),
            "sentence": distance.sentence,
            "orders": distance.orders,
        }


def play_mornings(
    folder: Path,
    *,
    reading_ns: Callable[[], int],
    on_progress: Callable[[str], None] | None = None,
) -> tuple[Morning, ...]:
    """Both endings at once. ``folder`` takes journals and logs, ``reading_ns`` reads a clock.

    ``on_progress`` is told in words how far it is. Runs its own event loop: call it where none
    runs. Raises `MorningError`.
    """
    say = on_progress if on_progress is not None else _silent
    return asyncio.run(_play_both(folder, reading_ns, say))


async def _play_both(
    folder: Path, reading_ns: Callable[[], int], say: Callable[[str], None]
) -> tuple[Morning, ...]:
    stages = [_Stage(ending, folder / ending.value, reading_ns) for ending in CrwdEnding]
    # Each one comes to its own end, also when the other fails: what it opened has to be closed.
    played = await asyncio.gather(*(stage.play(say) for stage in stages), return_exceptions=True)
    mornings = []
    for morning in played:
        if isinstance(morning, BaseException):
            raise morning
        mornings.append(morning)
    return tuple(mornings)


def _silent(text: str) -> None:
    """Nobody listens."""


class _VenueTime:
    """The executors' clock: the venue's time, whatever its speed."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def now_ns(self) -> int:
        """UTC nanoseconds of the venue."""
        return self._venue.clock.now_ns()


def _venue(ending: CrwdEnding, reading_ns: Callable[[], int]) -> Venue:
    """The exchange of one ending, with the default latencies."""
    market = crwd_morning(ending)
    date, first_ns = CRWD_SESSION.date, market.next_ns() or START_NS
    made = assemble(
        market,
        calendar=us_equity_calendar(date, date),
        start_ns=first_ns,
        parts=VenueParts(symbols=(CRWD,)),
    )
    made.edge.advance(START_NS)
    clock = PacedClock(PatientReading(reading_ns, most_ns=STALL_NS), start_ns=START_NS)
    title = f"CRWD, the morning that ends at the {ending.value.lower()}"
    config = ExchangeConfig(start_ns=START_NS)
    return Venue(
        config,
        title,
        made.exchange,
        made.edge,
        made.face,
        made.keys,
        clock,
        made.log,
        first_ns=first_ns,
    )


class _Stage:
    """One ending: its exchange, its server, two accounts."""

    def __init__(self, ending: CrwdEnding, folder: Path, reading_ns: Callable[[], int]) -> None:
        self._ending = ending
        self._folder = folder
        self._venue = _venue(ending, reading_ns)
        self._clock = _VenueTime(self._venue)
        self._ticked = asyncio.Event()

    async def play(self, say: Callable[[str], None]) -> Morning:
        """Serve, trade, and read the log."""
        with listen(HOST, 0) as bound:
            return await self._serve(bound, say)

    async def _serve(self, bound: socket.socket, say: Callable[[str], None]) -> Morning:
        server = make_server(self._venue, with_control=False)
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        ticking = asyncio.create_task(self._tick())
        url = f"http://{HOST}:{bound.getsockname()[1]}"
        try:
            # The port listens already: clients wait in its backlog until the server runs.
            async with (
                SmartOrderExecutor(self._settings(url, is_smart=False), clock=self._clock) as old,
                SmartOrderExecutor(self._settings(url, is_smart=True), clock=self._clock) as new,
            ):
                return await self._trade(old, new, say)
        except TimeoutError:
            raise MorningError("the morning did not come to its end in time") from None
        finally:
            server.should_exit = True
            await serving
            ticking.cancel()

    async def _tick(self) -> None:
        """Look at the clock often, so that it can tell a stall from a wait."""
        while True:
            self._clock.now_ns()
            self._ticked.set()
            self._ticked = asyncio.Event()
            await asyncio.sleep(TICK_NS / NANO)

    def _settings(self, url: str, *, is_smart: bool) -> Settings:
        """What a user would have in the environment; all else is the default."""
        name = "SMART" if is_smart else "LEGACY"
        return Settings(
            use_smart_executor=is_smart,
            key_id=Secret(f"DEMO{name}"),
            secret_key=Secret("loopback-only"),
            base_url=url,
            journal_path=self._folder / "journal.db",
            log_dir=self._folder / "logs",
        )

    async def _trade(
        self, old: SmartOrderExecutor, new: SmartOrderExecutor, say: Callable[[str], None]
    ) -> Morning:
        """The morning itself; see the module docstring for the speeds."""
        say("waiting for the signal at 09:40:00")
        for executor in (old, new):
            executor.runtime.broker.watch(CRWD)
        await self._wait(CRWD_SIGNAL_NS - SECOND_NS, speed=FAST)
        await self._wait(CRWD_SIGNAL_NS + SECOND_NS // 5, speed=1)
        say("09:40:00 signal 534.82; the plan goes down both paths")
        waiting = asyncio.create_task(new.execute(_plan("crwd-distance", risk=RISK, rr="2")))
        levels = {"stop": STOP, "target": TARGET}
        try:
            legacy, level = await asyncio.gather(
                old.execute(_plan("crwd-legacy", **levels), timeout_s=SETTLED_S),
                new.execute(_plan("crwd-level", **levels), timeout_s=SETTLED_S),
            )
            say("legacy is in; the smart order waits at its limit for 60 s (30 times as fast)")
            await self._wait(BUDGET_END_NS, speed=FAST)
            async with asyncio.timeout(SETTLED_S):
                distance = await waiting
        finally:
            waiting.cancel()
        say("the morning goes on to stop and target (60 times as fast)")
        self._run(FASTER)
        async with asyncio.timeout(CLOSED_S):
            legacy = await old.closed(legacy)
        self._run(1)
        found = [
            row
            for executor, results in ((old, (legacy,)), (new, (level, distance)))
            for row in _rows(executor, results)
        ]
        return _morning(self._ending, self._venue.log.lines, (legacy, level, distance), rows=found)

    def _run(self, speed: int) -> None:
        self._venue.clock.run(speed * ONE_PPB)

    async def _wait(self, until_ns: int, *, speed: int) -> None:
        """Let clock and market come to ``until_ns`` at this speed; then on in real time."""
        self._venue.clock.run(speed * ONE_PPB, until_ns=until_ns)
        while self._clock.now_ns() < until_ns or not self._is_there(until_ns):
            await self._ticked.wait()

    def _is_there(self, until_ns: int) -> bool:
        """Whether the market has come so far: a busy exchange runs behind its clock."""
        edge = self._venue.edge
        next_ns = edge.next_ns()
        return next_ns is None or next_ns >= until_ns


def _plan(plan_id: str, **exits: Any) -> TradePlan:
    return TradePlan.of(
        CRWD,
        "buy",
        SHARES,
        plan_id=plan_id,
        signal_price=SIGNAL,
        signal_ns=CRWD_SIGNAL_NS,
        **exits,
    )


def _rows(
    executor: SmartOrderExecutor, results: tuple[TradeResult, ...]
) -> Iterator[tuple[Row, Row]]:
    """What the auditor is told of each plan: what was asked for, what is said to have become."""
    for result in results:
        found = remembered(executor.runtime.stepper, result.plan_id)
        if found is not None:
            yield rows_of(found, executor.settings.policy(), accepted_ns=result.accepted_ns)


def _morning(
    ending: CrwdEnding,
    lines: Lines,
    results: tuple[TradeResult, TradeResult, TradeResult],
    *,
    rows: list[tuple[Row, Row]],
) -> Morning:
    legacy, level, distance = results
    report = audit([plan for plan, _ in rows], lines, [claim for _, claim in rows])
    return Morning(
        ending=ending,
        legacy=_bought(lines, legacy),
        level=Refused(
            code=level.code,
            sentence=level.sentence,
            outcome=level.outcome,
            orders=len(_of_plan(lines, level.plan_id, "accept")),
        ),
        distance=_waited(lines, distance),
        violations=report.violations,
        lines=len(lines),
    )


def _bought(lines: Lines, result: TradeResult) -> Bought:
    entry = entries_of(lines)[result.plan_id]
    orders = {line["order_id"] for line in _of_plan(lines, result.plan_id, "accept")}
    exits = [
        line
        for line in lines
        if line["parent_id"] in orders and line["kind"] in ("fill", "partial_fill")
    ]
    exit_qty = sum(_int(line, "qty") for line in exits)
    exit_cost = sum(_int(line, "qty") * _int(line, "px") for line in exits)
    if exit_qty != entry.qty:
        raise MorningError("the legacy trade was not closed by its own exits")
    entry_px = entry.cost // entry.qty
    legs = {
        line["leg"]: line
        for line in lines
        if line["parent_id"] in orders and line["kind"] == "accept"
    }
    paid = Decimal((entry_px - result.signal_px) * 10_000) / result.signal_px
    return Bought(
        shares=entry.qty // NANO,
        entry_px=entry_px,
        exit_px=exit_cost // exit_qty,
        risk_px=entry_px - _int(legs["STOP"], "stop_px"),
        reward_px=_int(legs["TARGET"], "limit_px") - entry_px,
        slippage_vs_signal_bps=paid.quantize(Decimal("0.1")),
        pnl_usd=(exit_cost - entry.cost) // NANO,
        outcome=result.outcome,
    )


def _waited(lines: Lines, result: TradeResult) -> Waited:
    (order,) = _of_plan(lines, result.plan_id, "accept")
    (ended,) = _of_plan(lines, result.plan_id, "canceled")
    entry = entries_of(lines).get(result.plan_id)
    return Waited(
        limit_px=_int(order, "limit_px"),
        worst_px=result.worst_px or 0,
        shares=entry.qty // NANO if entry is not None else 0,
        ask_px=_int(ended, "ask"),
        worked_ms=(_int(ended, "venue_ns") - _int(order, "venue_ns")) // 1_000_000,
        sentence=result.sentence,
        outcome=result.outcome,
        orders=1,
    )


def _of_plan(lines: Lines, plan_id: str, kind: str) -> Lines:
    """Lines of this kind about orders that carry the plan's id."""
    found = []
    for line in lines:
        owner = owner_of(str(line["cl_ord_id"] or ""))
        if owner is not None and owner[0] == plan_id and line["kind"] == kind:
            found.append(line)
    return found


def _int(line: Mapping[str, object], name: str) -> int:
    value = line[name]
    if not isinstance(value, int):
        raise MorningError(f"the venue's log has no {name} where one belongs")
    return value


def _value(outcome: Outcome | None) -> str | None:
    return outcome.value if outcome is not None else None
