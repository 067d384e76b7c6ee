"""Measures against what the engine itself knows: a day of plans whose requests go wrong, its facts
against the results that callers got, its doubts against the trades as their records retell them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import takewhile

import pytest

from surefill.core.order import OrderState
from surefill.core.plan import SECOND_NS
from surefill.core.trade import Trade
from surefill.journal.record import Record
from surefill.replay.harness import Arrival, VirtualConfig, VirtualRun
from surefill.replay.proof import CASH_USD, EASY_LIMITS
from surefill.replay.retell import moments
from surefill.runtime.result import result_of
from surefill.sim.calendar import session_on, us_equity_calendar
from surefill.sim.columns import ColumnMarket, columns_of_rows
from surefill.sim.faults import Fault, FaultCode, FaultPlan, Param
from surefill.sim.profiles import PROFILES
from surefill.sim.synthetic import SyntheticTape
from surefill.sim.workload import Mix, sample_plans
from surefill.tca.doubts import Doubts
from surefill.tca.facts import Fate
from surefill.tca.history import IncidentKind, read_history
from surefill.tca.metrics import metrics_of

pytestmark = pytest.mark.slow

DATE = 20260302
LENGTH_NS = 400 * SECOND_NS
TROUBLES: tuple[tuple[FaultCode, dict[str, Param]], ...] = (
    (FaultCode.N2, {}),
    (FaultCode.N2, {"accept_delay_ms": 3_000}),
    (FaultCode.N3, {"status": 504, "effect": True}),
    (FaultCode.N3, {"status": 504, "effect": False}),
)
Span = tuple[str, int, int | None]


def arm(faults: FaultPlan, fault: Fault, played: VirtualRun) -> None:
    """The next order request goes wrong."""
    faults.arm(fault, played.edge.now_ns)


@pytest.fixture(scope="module")
def run() -> VirtualRun:
    """About sixty plans, both ways and both paths; every fourteen seconds a lost order request."""
    session = session_on(DATE)
    first_ns = session.open_ns + 60 * SECOND_NS
    end_ns = first_ns + LENGTH_NS
    tape = SyntheticTape(8, "ACME", session, profile=next(iter(PROFILES.values())))
    last_ns = end_ns + 240 * SECOND_NS
    columns = columns_of_rows("ACME", takewhile(lambda row: row[0] < last_ns, tape.rows()))
    mix = Mix(spacing_s=20, legacy_percent=30, hold_s=(5, 12), budget_s=(4, 8))
    draws = sample_plans([columns], mix, seed=8, window=(first_ns, end_ns))
    faults = FaultPlan(8)
    played = VirtualRun(
        ColumnMarket(columns),
        us_equity_calendar(DATE, DATE),
        start_ns=first_ns - 5 * SECOND_NS,
        config=VirtualConfig(seed=8, limits=EASY_LIMITS, cash_usd=CASH_USD, requests_per_minute=0),
        faults=faults,
    )
    for n in range(28):
        code, params = TROUBLES[n % len(TROUBLES)]
        fault = Fault(code, "POST /v2/orders", params=params)
        played.at(first_ns + n * 14 * SECOND_NS, partial(arm, faults, fault))
    played.start()
    played.play(
        [Arrival(draw.at_ns, draw.plan, draw.is_legacy) for draw in draws],
        until_ns=last_ns,
    )
    return played


def test_facts_are_what_callers_were_told(run: VirtualRun) -> None:
    history = read_history(run.journal)
    assert {fact.plan_id for fact in history.facts} == run.finished.keys()
    entered = 0
    for fact in history.facts:
        told = result_of(run.finished[fact.plan_id])
        assert (fact.fate is Fate.DENIED) == told.is_denied
        assert (fact.fate is Fate.ENTERED) == told.is_entered
        if fact.fate is not Fate.ENTERED:
            continue
        entered += 1
        assert fact.pnl_usd == told.pnl_usd
        for ppb, shown, unit in (
            (fact.slippage_vs_signal_ppb, told.slippage_vs_signal_bps, 100_000),
            (fact.rr_signal_ppb, told.rr_at_fill, 10**9),
            (fact.r_ppb, told.r_realized, 10**9),
        ):
            assert (ppb is None) == (shown is None)
            if ppb is not None and shown is not None:
                assert abs(ppb - int(shown * unit)) <= unit // 100
    assert entered > 5
    assert {fact.path for fact in history.facts} == {"smart", "legacy"}


def test_doubts_are_those_of_the_retold_trades(run: VirtualRun) -> None:
    records = [Record.from_bytes(entry.record) for entry in run.journal.records()]
    doubts = Doubts()
    for record in records:
        doubts.take(record)
    mine = sorted((one.cl_ord_id, one.since_ns, one.end_ns) for one in doubts.all())
    trades = [trade for trade in run.finished.values() if isinstance(trade, Trade)]
    theirs = sorted(span for trade in trades for span in retold_doubts(records, trade))
    assert mine == theirs
    assert len(mine) > 2
    incidents = read_history(run.journal).incidents
    found = [one for one in incidents if one.kind is IncidentKind.IN_DOUBT]
    assert len(found) == len(mine), "records that were skipped say nothing about doubts"
    longest = max((end or 0) - since for _, since, end in mine)
    assert metrics_of((), incidents).doubt_longest_ns == longest


def retold_doubts(records: list[Record], final: Trade) -> Iterator[Span]:
    """When each order was in doubt, by the order machine itself."""
    since: dict[str, int] = {}
    for moment in moments(records, final):
        now = moment.record.now_ns
        doubted = {o.key for o in moment.after.orders if o.state is OrderState.IN_DOUBT}
        for key in doubted - since.keys():
            since[key] = now
        for key in since.keys() - doubted:
            yield key, since.pop(key), now
    yield from ((key, at_ns, None) for key, at_ns in since.items())
