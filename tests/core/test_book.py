"""The book: how events find their trades, how long closed ones are watched."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.book import WATCH_NS, Book, fingerprint
from surefill.core.fix import Feed, OrdStatus
from surefill.core.market import MarketView, Nbbo
from surefill.core.order import OrderState
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.tactic import Tactic
from surefill.core.trade import Outcome, Trade
from surefill.core.units import NANO
from surefill.tactics.limit import LimitTactic
from surefill.tactics.registry import TACTICS
from tests.support.core import START_NS, Bench, covered_bench

BENCH = covered_bench()
COVERED = BENCH.trade
ENTERING = Bench().trade
REPORT = BENCH.report(BENCH.rows["E1"])


def named(trade: Trade, plan_id: str, **more: object) -> Trade:
    """The trade under another id."""
    plan = replace(trade.plan, plan_id=plan_id)
    return replace(trade, plan=plan, **more)  # type: ignore[arg-type]


def closed(trade: Trade, at_ns: int = START_NS) -> Trade:
    """The trade after its end."""
    orders = tuple(replace(order, state=OrderState.CANCELED) for order in trade.orders)
    return replace(trade, orders=orders, outcome=Outcome.CLOSED_STOP, closed_ns=at_ns)


def book(*trades: Trade) -> Book:
    """A book of these trades."""
    made = Book()
    for trade in trades:
        made.put(trade)
    return made


def test_one_plan_one_fingerprint() -> None:
    assert fingerprint(COVERED.plan) == fingerprint(ENTERING.plan)
    assert fingerprint(COVERED.plan) != fingerprint(replace(COVERED.plan, order_qty=99 * NANO))


def test_known_plans() -> None:
    one = book(COVERED)
    assert one.known_as("p1") == fingerprint(COVERED.plan)
    assert one.known_as("p2") is None
    one.close_plan(replace(COVERED.plan, plan_id="p2"))
    assert one.known_as("p2") == fingerprint(replace(COVERED.plan, plan_id="p2"))
    one.put(closed(COVERED))
    assert one.known_as("p1") == fingerprint(COVERED.plan)


def test_open_closed_and_open_again() -> None:
    one = book(COVERED)
    assert one.of_symbol("ACME") == [COVERED]
    assert one.of_symbol("NONE") == []
    one.put(closed(COVERED))
    assert (one.open, one.of_symbol("ACME")) == ({}, [])
    assert one.get("p1") == closed(COVERED)
    one.put(COVERED)
    assert one.of_symbol("ACME") == [COVERED]
    assert len(one.watched) == 0
    assert one.get("nobody") is None


def test_closed_trades_are_watched_for_two_days() -> None:
    one = book(closed(named(COVERED, "old")))
    one.put(closed(named(COVERED, "new"), START_NS + WATCH_NS))
    assert list(one.watched) == ["old", "new"]
    one.put(closed(named(COVERED, "newer"), START_NS + WATCH_NS + 1))
    assert list(one.watched) == ["new", "newer"]
    assert one.known_as("old") is not None, "its id stays used for ever"


def test_owner_by_broker_id_by_chain_and_by_our_own_id() -> None:
    one = book(COVERED)
    assert one.owner(REPORT) == COVERED
    assert one.owner(replace(REPORT, order_id="new", replaces=REPORT.order_id)) == COVERED
    assert one.owner(replace(REPORT, order_id="new")) == COVERED
    stranger = replace(REPORT, order_id="new", cl_ord_id="dashboard")
    assert one.owner(stranger) is None
    assert one.owner(replace(stranger, cl_ord_id=f"sf-{COVERED.tag}-p1-E9")) is None
    assert one.owner(replace(stranger, cl_ord_id=f"sf-{COVERED.tag}-p9-E1")) is None


def test_wakes_in_order_of_time_and_only_the_latest_wish_counts() -> None:
    first, second = named(COVERED, "a", wake_ns=200), named(COVERED, "b", wake_ns=100)
    one = book(first, second)
    assert one.next_wake_ns() == 100
    one.put(replace(second, wake_ns=300))
    assert one.next_wake_ns() == 200
    assert one.due(150) == []
    assert [trade.trade_id for trade in one.due(300)] == ["a", "b"]
    assert one.next_wake_ns() is None
    one.put(replace(first, wake_ns=None))
    assert one.due(10**18) == []


def test_bare_trades_first() -> None:
    bare = replace(COVERED, orders=COVERED.orders[:1], groups=())
    one = book(named(COVERED, "covered"), named(bare, "bare"))
    assert [trade.trade_id for trade in one.bare_first()] == ["bare", "covered"]


def test_entering_and_committed() -> None:
    assert not book(COVERED).is_entering()
    one = book(ENTERING, named(ENTERING, "other"))
    one.put(closed(named(ENTERING, "other")))
    assert one.is_entering()
    one.put(COVERED)
    assert not one.is_entering(), "the same trade, its entry filled"
    assert book(named(COVERED, "a"), named(COVERED, "b")).committed_usd() == 2 * 10_010 * NANO
    assert Book().committed_usd() == 0


def test_whom_a_quote_concerns() -> None:
    def view(bid: int, ask: int) -> MarketView:
        nbbo = Nbbo(bid * NANO, NANO, ask * NANO, NANO, 1, 1)
        return MarketView("ACME", Feed.TEST, nbbo)

    one = book(ENTERING)
    assert list(one.concerned(view(100, 101), TACTICS)) == []
    reactive: dict[str, Tactic] = {"limit": LimitTactic(is_reactive=True)}
    assert list(one.concerned(view(100, 101), reactive)) == [ENTERING]
    between = replace(ENTERING, orders=())
    assert list(book(between).concerned(view(100, 101), reactive)) == [between]
    over = replace(between, entry_end=Reason.of(ReasonCode.ENTRY_TIMEOUT))
    assert list(book(over).concerned(view(100, 101), reactive)) == []
    one = book(COVERED)
    assert list(one.concerned(view(100, 101), TACTICS)) == []
    assert list(one.concerned(view(96, 97), TACTICS)) == [COVERED], "through the stop"
    assert list(one.concerned(MarketView("ACME", Feed.TEST), TACTICS)) == []
    stuck = replace(COVERED, through_since_ns=1)
    assert list(book(stuck).concerned(view(96, 97), TACTICS)) == []
    assert list(book(stuck).concerned(view(100, 101), TACTICS)) == [stuck]
    leaving = replace(COVERED, exit_reason=Reason.of(ReasonCode.TIME_EXIT))
    assert list(book(leaving).concerned(view(100, 101), TACTICS)) == [leaving]


def test_a_report_says_where_it_belongs_even_when_it_is_old() -> None:
    one = book(closed(COVERED))
    assert one.owner(replace(REPORT, ord_status=OrdStatus.FILLED)) == closed(COVERED)


def test_a_breakout_is_looked_at_when_somebody_pays_its_trigger() -> None:
    plan = replace(ENTERING.plan, trigger_px=100 * NANO, tactic="marketable")
    waiting = replace(ENTERING, plan=plan, orders=())
    one = book(waiting, named(ENTERING, "p2"))
    assert one.waiting_trades() == 1
    assert one.committed_usd() == book(ENTERING).committed_usd()

    def looked(bid_px: int) -> list[str]:
        nbbo = Nbbo(bid_px, NANO, 101 * NANO, NANO, 1, 1)
        view = MarketView(plan.symbol, Feed.TEST, nbbo)
        return [trade.trade_id for trade in one.concerned(view, TACTICS)]

    assert looked(100 * NANO - 1) == []
    assert looked(100 * NANO) == ["p1"]
