"""The proof: many plans through the production engine, judged by the independent auditor.

    result = play_lane(Lane(name="a", seed=7, market=SyntheticDay(20260302, SYMBOLS)))
    total = prove(lanes, workers=2)         # the same in other processes, summed
    print(total.render())

What: `Lane` (one run: a market, a mix of plans, the switches of the venue, drills), `play_lane`,
`prove`, `Proof` (the sum, with its table).
Why: a claim like "covered within 1.5 s" is worth what its test is: seeded markets and plans, a
venue with its real delays, people interfering, and a judge that shares no code with the executor.
Invariants: a lane is a function of its fields: same truth log and same journal in every process,
Python hash seed and time zone. Halts are excused for their symbol only; nothing else is excused.
Must never: read a clock, or leave a plan out of what the auditor sees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import takewhile
from multiprocessing import get_context
from random import Random

from surefill.core.plan import SECOND_NS
from surefill.core.risk import Limits
from surefill.core.session import Session
from surefill.core.state import Denial
from surefill.core.trade import Outcome
from surefill.core.units import NANO
from surefill.replay.drills import DrillMix, Drills
from surefill.replay.evidence import rows_of
from surefill.replay.harness import Arrival, VirtualConfig, VirtualRun
from surefill.sim.alpaca.switches import split_pairs
from surefill.sim.auditor import AuditLimits, AuditReport, Excuse, Violation, audit
from surefill.sim.calendar import session_on, us_equity_calendar
from surefill.sim.columns import ColumnMarket, TapeColumns, columns_of_rows, only_evidence
from surefill.sim.market import Halt, HaltedMarket, MarketSource, MergedMarket
from surefill.sim.models import DEFAULT_DELAYS, Delay, DelayRange
from surefill.sim.profiles import PROFILES
from surefill.sim.synthetic import SyntheticTape
from surefill.sim.tape import find_tape, open_tape
from surefill.sim.workload import Draw, Mix, sample_plans

EASY_LIMITS = Limits(
    order_qty_max=10**8 * NANO,
    order_notional_max_usd=10**10 * NANO,
    total_notional_max_usd=10**11 * NANO,
    daily_loss_max_usd=10**10 * NANO,
)
"""The gate must not turn away plans that are sized to fill in parts."""
CASH_USD = 200_000_000 * NANO
LEAD_IN_NS = 5 * SECOND_NS
AFTER_NS = 240 * SECOND_NS
"""How long a lane may run on after its last plan."""


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """Recorded tapes of one day (yyyymmdd) under ``root``."""

    root: str
    date: int
    symbols: tuple[str, ...]

    def columns(self, window_ns: tuple[int, int]) -> tuple[TapeColumns, ...]:
        """Quotes and prints of every symbol in the window (UTC ns)."""
        start_ns, end_ns = window_ns
        days = [find_tape(self.root, symbol, self.date) for symbol in self.symbols]
        return tuple(open_tape(day, start_ns=start_ns, end_ns=end_ns).columns() for day in days)


@dataclass(frozen=True, slots=True)
class SyntheticDay:
    """Synthetic tapes of one day (yyyymmdd); ``symbols`` are (symbol, profile name) pairs."""

    date: int
    symbols: tuple[tuple[str, str], ...]
    seed: int = 0

    def columns(self, window_ns: tuple[int, int]) -> tuple[TapeColumns, ...]:
        """Quotes and prints of every symbol from the open to the end of the window (UTC ns)."""
        session, (_, end_ns) = session_on(self.date), window_ns
        tapes = [
            SyntheticTape(self.seed, symbol, session, profile=PROFILES[profile])
            for symbol, profile in self.symbols
        ]
        return tuple(
            columns_of_rows(tape.symbol, takewhile(lambda row: row[0] < end_ns, tape.rows()))
            for tape in tapes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One run. ``start_s`` after the open comes the first plan, ``length_s`` later no more.

    ``switches`` are ``name=value``; ``delays`` replace those of the default model; ``halts`` is the
    number of trading halts laid over the tape.
    """

    name: str
    seed: int
    market: RecordedDay | SyntheticDay
    start_s: int = 60
    length_s: int = 2_000
    mix: Mix = field(default_factory=Mix)
    drills: DrillMix = field(default_factory=DrillMix)
    switches: tuple[str, ...] = ()
    exits_beside_entry: bool = False
    delays: tuple[tuple[Delay, DelayRange], ...] = ()
    halts: int = 0
    halt_s: tuple[int, int] = (15, 40)


@dataclass(frozen=True, slots=True)
class LaneResult:
    """What became of a lane. ``truth`` and ``journal`` are the heads of the two hash chains;
    ``denials`` and ``alarms`` count reason codes, ``acts`` what people did."""

    name: str
    report: AuditReport
    truth: str
    journal: str
    records: int
    requests: int
    denials: tuple[tuple[str, int], ...]
    alarms: tuple[tuple[str, int], ...]
    acts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """The sum of many lanes."""

    lanes: tuple[LaneResult, ...]

    @property
    def violations(self) -> tuple[tuple[str, Violation], ...]:
        """(lane, violation) of all lanes."""
        return tuple((lane.name, one) for lane in self.lanes for one in lane.report.violations)

    def count(self, name: str) -> int:
        """The sum of one field of `AuditCounts`."""
        return sum(int(getattr(lane.report.counts, name)) for lane in self.lanes)

    @property
    def outcomes(self) -> dict[Outcome, int]:
        """Outcome -> plans; an outcome that was not reached has 0."""
        counted = _sum(lane.report.counts.outcomes for lane in self.lanes)
        return {outcome: counted[outcome.value] for outcome in Outcome}

    @property
    def window_max_ns(self) -> int:
        """The longest stretch (venue time) in which any share of any plan had no stop, except where
        the venue refused the stop or the shares were being closed (`CoverStats.exposed`)."""
        stats = (one for lane in self.lanes for one in lane.report.cover.values())
        return max((one.window_max_ns for one in stats), default=0)

    def render(self) -> str:
        """A table for people."""
        plans = max(1, self.count("plans"))
        rows = [("lanes", str(len(self.lanes)))]
        for name in ("plans", "entered", "missed", "denied", "orders", "fills", "lines"):
            rows.append((name, str(self.count(name))))
        for name in ("shorts", "partial_entries", "plans_raced", "uncapped"):
            number = self.count(name)
            rows.append((name.replace("_", " "), f"{number} ({100 * number // plans} %)"))
        rows += [(f"outcome {name.value}", str(number)) for name, number in self.outcomes.items()]
        for title, pairs in (
            ("denied", (lane.denials for lane in self.lanes)),
            ("alarm", (lane.alarms for lane in self.lanes)),
            ("drill", (lane.acts for lane in self.lanes)),
        ):
            rows += [(f"{title} {name}", str(n)) for name, n in sorted(_sum(pairs).items())]
        rows += [(f"cover {lane.name}", _cover_text(lane.report)) for lane in self.lanes]
        rows.append(("violations", str(len(self.violations))))
        lines = [f"{name:<36}{value}" for name, value in rows]
        lines += [
            f"{lane} {one.code} {one.plan_id or '(run)'}: {one.sentence}"
            for lane, one in self.violations[:40]
        ]
        return "\n".join(lines) + "\n"


def prove(lanes: Sequence[Lane], *, workers: int = 1) -> Proof:
    """Play all lanes, in ``workers`` processes of their own (1: in this one)."""
    if workers <= 1:
        return Proof(tuple(play_lane(lane) for lane in lanes))
    # Fresh interpreters: a fork of a process with threads (event loops, tests) may hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return Proof(tuple(pool.map(play_lane, lanes)))


def play_lane(lane: Lane) -> LaneResult:
    """Play one lane to its end and have it judged."""
    session = session_on(lane.market.date)
    first_ns = session.open_ns + lane.start_s * SECOND_NS
    last_ns = first_ns + lane.length_s * SECOND_NS
    tapes = lane.market.columns((first_ns - 60 * SECOND_NS, last_ns + AFTER_NS))
    halts = _halts(lane, tuple(tape.symbol for tape in tapes), session)
    run = _run_of(lane, _market(tapes, halts), first_ns)
    drills = Drills(run, lane.drills, seed=lane.seed)
    draws = drills.last_ones(
        sample_plans(tapes, lane.mix, seed=lane.seed, window=(first_ns, last_ns))
    )
    drills.arm(draws)
    run.start()
    run.play(
        [Arrival(draw.at_ns, draw.plan, draw.is_legacy) for draw in draws],
        until_ns=last_ns + AFTER_NS,
    )
    report = _judge(run, draws, _limits(drills, halts))
    denials = (end for end in run.finished.values() if isinstance(end, Denial))
    return LaneResult(
        name=lane.name,
        report=report,
        truth=str(run.log.lines[-1]["hash"]),
        journal=run.journal.head()[1],
        records=run.stepper.seq,
        requests=sum(run.broker.requests.values()),
        denials=_counted(denial.reasons[0].code.name for denial in denials),
        alarms=_counted(alarm.reason.code.name for _, alarm in run.alarms),
        acts=tuple(sorted(drills.done.items())),
    )


def _run_of(lane: Lane, market: MarketSource, first_ns: int) -> VirtualRun:
    switches, face = split_pairs(lane.switches)
    config = VirtualConfig(
        seed=lane.seed,
        limits=EASY_LIMITS,
        cash_usd=CASH_USD,
        requests_per_minute=0,  # three trades a slot on one account: the budget is another test
        switches=switches,
        face=face,
        exits_beside_entry=lane.exits_beside_entry,
        delays={**DEFAULT_DELAYS, **dict(lane.delays)},
    )
    calendar = us_equity_calendar(lane.market.date, lane.market.date)
    return VirtualRun(market, calendar, start_ns=first_ns - LEAD_IN_NS, config=config)


def _market(tapes: Sequence[TapeColumns], halts: Sequence[Halt]) -> MarketSource:
    market = MergedMarket([ColumnMarket(only_evidence(tape)) for tape in tapes])
    return HaltedMarket(market, halts) if halts else market


def _halts(lane: Lane, symbols: Sequence[str], session: Session) -> tuple[Halt, ...]:
    """Halts at seeded times, of each symbol in turn, never two of one symbol at once."""
    chance = Random(f"{lane.seed}:halts")
    slot_s = lane.length_s // max(1, lane.halts)
    halts = []
    for n in range(lane.halts):
        length_s = chance.randint(*lane.halt_s)
        at_s = lane.start_s + n * slot_s + chance.randrange(max(1, slot_s - length_s - 1))
        start_ns = session.open_ns + at_s * SECOND_NS
        halts.append(Halt(symbols[n % len(symbols)], start_ns, start_ns + length_s * SECOND_NS))
    return tuple(halts)


def _limits(drills: Drills, halts: Iterable[Halt]) -> AuditLimits:
    excuses = tuple(Excuse(halt.start_ns, halt.end_ns, symbol=halt.symbol) for halt in halts)
    return AuditLimits(others=frozenset(drills.others), foreign_orders=True, excuses=excuses)


def _judge(run: VirtualRun, draws: Sequence[Draw], limits: AuditLimits) -> AuditReport:
    """Every plan that was handed over, ended or not, against everything that happened."""
    plans, claims = [], []
    for draw in draws:
        plan_id = draw.plan.plan_id
        ended = run.finished.get(plan_id) or run.engine.book.open[plan_id]
        plan, claim = rows_of(ended, run.config.policy, accepted_ns=draw.at_ns)
        plans.append(plan)
        claims.append(claim)
    return audit(plans, run.log.lines, claims, limits=limits)


def _counted(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(names).items()))


def _sum(pairs: Iterable[Iterable[tuple[str, int]]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in pairs:
        total.update(dict(one))
    return total


def _cover_text(report: AuditReport) -> str:
    stats = report.cover["smart"]
    spans = (stats.window_p50_ns, stats.window_p99_ns, stats.window_max_ns)
    shown = " / ".join(str(ns // 1_000_000) for ns in spans)
    exposed = (
        f"{stats.exposed} exposed or being closed (max {stats.exposed_max_ns // 1_000_000} ms)"
    )
    return f"{shown} ms p50/p99/max in {stats.windows} windows, {exposed}"
