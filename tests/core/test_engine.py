"""The engine: start-up order, routing, the gate's view, polls, halts."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.engine import Engine, EngineConfig
from surefill.core.events import (
    AccountRead,
    Act,
    BudgetChanged,
    CalendarRead,
    EngineStarted,
    InstrumentRead,
    MarketUpdated,
    OperatorActed,
    OrdersRead,
    PlanSubmitted,
    Position,
    PositionAdopted,
    PositionsRead,
    ReadFailed,
    ReportReceived,
    RequestAnswered,
    StreamChanged,
    TimePassed,
    Unavailable,
    Verb,
)
from surefill.core.fix import Feed
from surefill.core.market import MarketView
from surefill.core.plan import Policy, TradePlan
from surefill.core.risk import Limits
from surefill.core.session import Calendar
from surefill.core.state import Mode
from surefill.core.units import NANO
from surefill.tactics.registry import TACTICS
from tests.support.core import ACCOUNT, CALENDAR, START_NS, SYMBOL, Bench, S, covered_bench
from tests.support.runtime import readiness


def engine() -> Engine:
    """A new engine."""
    return Engine(EngineConfig(account="A1", limits=Limits()), TACTICS)


def test_ready_only_when_everything_was_read_since_the_start() -> None:
    one, now = engine(), START_NS
    assert one.next_deadline() is None
    started = one.step(EngineStarted(1, "b", "s", now), now)
    assert [type(command).__name__ for command in started.commands] == [
        "QueryOrders",
        "QueryPositions",
        "QueryFills",
        "QueryAccount",
    ]
    after_ns = one.read_after_ns(now)
    for event in (
        CalendarRead(CALENDAR, now),
        OrdersRead((), after_ns, now, now),
        AccountRead(ACCOUNT, now),
        StreamChanged(True, now),
    ):
        one.step(event, now)
        assert one.state.mode is Mode.RECONCILING
    one.step(PositionsRead((), now, now), now)
    assert one.state.mode is Mode.READY
    one.step(StreamChanged(False, now), now)
    assert one.state.mode is Mode.READY, "a lost stream is polled; cover does not wait"


def test_a_listing_that_starts_too_late_is_not_complete() -> None:
    b = covered_bench()
    before_ns = b.engine.state.orders_read_ns
    b.feed(OrdersRead((), b.now, b.now, b.now))
    assert b.engine.state.orders_read_ns == before_ns


def test_not_ready_denies() -> None:
    one = engine()
    b = Bench(submit=False)
    step = one.step(PlanSubmitted(b.plan, Policy(), False, b.now), b.now)
    assert len(step.denials) == 1
    codes = [reason.code.name for reason in step.denials[0].reasons]
    assert codes[0] == "ENGINE_NOT_READY"
    assert "SESSION_CLOSED" in codes
    assert "POSITION_UNKNOWN" in codes


def test_a_closing_request_is_carried_out_once() -> None:
    b = covered_bench()
    asked = OperatorActed(Act.REDUCE, "p1", "ann", "", b.now, 40 * NANO, "exit-1")
    first = b.feed(asked)
    assert [closing.key for closing in first.closings] == ["exit-1"]
    assert b.trade.keep_qty == 60 * NANO
    assert b.feed(asked).is_empty
    assert b.trade.keep_qty == 60 * NANO
    other = engine()
    other.load(None, [b.trade], [], closing_keys=["exit-1"])
    assert other.step(asked, b.now).is_empty, "nor after a restart"
    assert not b.feed(replace(asked, key="")).is_empty
    assert b.trade.keep_qty == 20 * NANO


def test_a_start_does_not_believe_yesterdays_instruments() -> None:
    """What may be traded and borrowed changes over night."""
    one = engine()
    for event in readiness():
        one.step(event, START_NS)
    assert one.state.instrument(SYMBOL) is not None
    one.step(EngineStarted(2, "b", "s", START_NS), START_NS)
    assert one.state.instrument(SYMBOL) is None


def test_loading_what_a_journal_remembers() -> None:
    one = engine()
    one.load(None, [], ["p7"])
    assert one.book.known_as("p7") == ""
    assert one.state.mode is Mode.STARTING
    b = covered_bench()
    one.load(b.engine.state, [b.trade], ["p1"])
    assert one.state.mode is Mode.STARTING
    assert not one.state.is_stream_up
    assert one.book.open == {"p1": b.trade}


def test_one_plan_id_is_used_once() -> None:
    b = Bench()
    b.news()
    assert b.submit_plan(b.plan).is_empty
    assert b.submit_plan(replace(b.plan, symbol="ZED")).is_empty
    second = b.submit_plan(replace(b.plan, plan_id="p2"))
    assert [reason.code.name for reason in second.denials[0].reasons] == ["SYMBOL_BUSY"]


def test_shares_that_were_there_become_a_trade_and_are_not_foreign_any_more() -> None:
    one, now = engine(), START_NS
    one.step(EngineStarted(1, "b", "s", now), now)
    for event in readiness(now):
        if isinstance(event, PositionsRead):
            event = replace(event, positions=(Position(SYMBOL, 100 * NANO, 99 * NANO),))
        one.step(event, now)
    plan = TradePlan.of(SYMBOL, "buy", 60, plan_id="a1", signal_price=99, stop=97, target=105)
    adopted = one.step(PositionAdopted(plan, Policy(), "ann", now), now)
    (trade,) = adopted.trades
    assert trade.position_qty == 60 * NANO
    assert one.state.foreign == (Position(SYMBOL, 40 * NANO, 99 * NANO),)
    more = replace(plan, plan_id="a2")
    (denial,) = one.step(PositionAdopted(more, Policy(), "ann", now), now).denials
    assert [reason.code.name for reason in denial.reasons] == [
        "ADOPT_SYMBOL_BUSY",
        "ADOPT_QTY_UNAVAILABLE",
    ]


def test_events_that_change_nothing_leave_no_step() -> None:
    b = Bench()
    b.accepts("E1")
    instrument = b.engine.state.instruments[0]
    for event in (
        InstrumentRead(instrument, b.now),
        CalendarRead(CALENDAR, b.now),
        ReadFailed("orders", "500", b.now),
        TimePassed(),
        RequestAnswered("p9", Verb.SUBMIT, "x", Unavailable("x"), b.now, b.now),
        MarketUpdated(MarketView("ZED", Feed.TEST)),
    ):
        assert b.feed(event).is_empty, event
    stranger = b.report(b.rows["E1"])
    stranger = replace(stranger, order_id="z", cl_ord_id="z", symbol="ZED")
    assert b.feed(ReportReceived(stranger)).is_empty
    assert b.feed(ReportReceived(replace(stranger, symbol="ACME"))).is_empty, "nothing held yet"


def test_account_budget_and_instruments_are_learnt() -> None:
    b = Bench(submit=False)
    b.feed(BudgetChanged(12, 40, b.now))
    assert (b.engine.state.requests_left, b.engine.state.requests_reserved) == (12, 40)
    b.submit_plan(b.plan)
    assert b.news() == ["DENIED"]
    changed = replace(b.engine.state.instruments[0], is_tradable=False)
    b.feed(InstrumentRead(changed, b.now))
    assert b.engine.state.instruments == (changed,)


def test_a_new_calendar_is_looked_at_by_every_trade() -> None:
    b = covered_bench(flat_by_close=True)
    session = CALENDAR.sessions[0]
    early = replace(session, close_ns=b.now + 300 * S, post_ns=b.now + 600 * S)
    b.feed(CalendarRead(Calendar((early,)), b.now))
    assert b.news() == ["replace X1 -> T1 limit 99.49"], "a half day after all"


def test_without_a_quote_there_is_no_trade_and_no_view() -> None:
    b = Bench(submit=False)
    b.engine.views.clear()
    step = b.submit_plan(b.plan)
    assert [reason.code.name for reason in step.denials[0].reasons] == ["QUOTE_MISSING"]
    assert step.views == ()


def test_orders_with_our_prefix_that_no_journal_knows_are_shown_once() -> None:
    b = Bench()
    b.accepts("E1")
    b.news()
    ghost = replace(b.report(b.rows["E1"]), order_id="z", cl_ord_id=f"sf-{b.engine.tag}-p9-E1")
    for _ in range(2):
        b.feed(OrdersRead((ghost,), b.engine.read_after_ns(b.now), b.now, b.now))
    assert b.news() == ["ALARM ORDER_UNKNOWN"]
    assert b.engine.state.unknown_orders == (ghost.cl_ord_id,)


def test_polls_quicken_while_the_stream_is_down() -> None:
    b = covered_bench()
    start = len(b.asked())
    b.run(28)
    assert b.asked()[start:] == []
    b.run(2)
    assert b.asked()[start:] == ["? orders"]
    b.feed(StreamChanged(False, b.now))
    start = len(b.asked())
    b.run(5.1)
    assert b.asked()[start:].count("? orders") == 6, "at once, then every second"


def test_the_account_is_read_every_minute_while_anything_is_open() -> None:
    b = covered_bench()
    start = len(b.asked())
    b.run(61)
    assert {"? account", "? positions"} <= set(b.asked()[start:])
    b.fills("X1", 100)
    b.run(5)
    assert b.engine.next_deadline() is None, "nothing open, nothing to do"


def test_an_idle_engine_reads_the_account_now_and_then_where_it_is_told_to() -> None:
    config = EngineConfig(account="A1", limits=Limits(), idle_poll_ns=120 * S)
    one, now = Engine(config, TACTICS), START_NS
    one.step(EngineStarted(1, "b", "s", now), now)
    for event in readiness(now):
        one.step(event, now)
    assert one.next_deadline() == now + 120 * S
    assert one.step(TimePassed(), now + 119 * S).is_empty
    asked = one.step(TimePassed(), now + 120 * S).commands
    assert [type(command).__name__ for command in asked] == ["QueryAccount", "QueryPositions"]
    assert one.next_deadline() == now + 240 * S
    never = Engine(EngineConfig(account="A1", limits=Limits()), TACTICS)
    for event in (EngineStarted(1, "b", "s", now), *readiness(now)):
        never.step(event, now)
    assert never.next_deadline() is None


def test_a_broken_invariant_halts_new_risk_and_says_so() -> None:
    b = covered_bench()
    b.may_break = True
    b.engine.book.put(replace(b.trade, orders=(*b.trade.orders, b.trade.orders[-1])))
    b.operator(Act.RESUME)
    assert "ALARM INVARIANT_BROKEN" in b.news()
    halt = b.engine.state.halt
    assert halt is not None
    b.feed(ReadFailed("x", "x", b.now))
    b.operator(Act.FLATTEN)
    assert b.engine.state.halt == halt


def test_a_stray_report_of_a_position_reads_the_positions() -> None:
    b = covered_bench()
    execution = replace(b.history[0], order_id="z", cl_ord_id="z", exec_id="z")
    start = len(b.asked())
    b.streams(execution)
    assert "? positions" in b.asked()[start:]
    start = len(b.asked())
    b.streams(replace(execution, exec_id=None, order_id="y", cl_ord_id="y"))
    assert "? positions" not in b.asked()[start:]


def test_a_trigger_is_seen_in_ready_only_and_counts_as_an_entry() -> None:
    b = Bench(submit=False, limits=Limits(duplicate_ns=S))
    b.submit_plan(replace(b.plan, trigger_px=b.at(0)))
    b.engine.state = replace(b.engine.state, mode=Mode.RECONCILING)
    b.quote(0, 2)
    assert b.trade.is_waiting
    b.engine.state = replace(b.engine.state, mode=Mode.READY)
    b.run(5)
    b.quote(0, 2)
    assert not b.trade.is_waiting
    assert [one.at_ns for one in b.engine.state.entered] == [b.trade.accepted_ns, b.now]
