"""A broker's history as parents: entries and exits, splits, replacements, gaps, missed orders."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.events import ExecutionReport
from surefill.core.fix import ExecType, Leg, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.units import NANO
from surefill.tca.facts import Fate
from surefill.tca.imported import parents_of
from surefill.tca.parent import Paper
from tests.tca.parents import SECOND_NS, START_NS, px

S = OrdStatus


def order(key: str, side: Side, qty: int, at: int, **more: object) -> ExecutionReport:
    """A filled market order; ``at``: seconds after the start when it was submitted."""
    given: dict[str, object] = {
        "exec_type": ExecType.ORDER_STATUS,
        "ord_status": S.FILLED,
        "order_id": key,
        "cl_ord_id": f"c-{key}",
        "symbol": "ACME",
        "side": side,
        "ord_type": OrdType.MARKET,
        "tif": TimeInForce.DAY,
        "order_qty": qty * NANO,
        "cum_qty": qty * NANO,
        "venue_ns": START_NS + (at + 1) * SECOND_NS,
        "recv_ns": 0,
        "submitted_ns": START_NS + at * SECOND_NS,
    }
    return ExecutionReport(**(given | more))  # type: ignore[arg-type]


def done(of: ExecutionReport, qty: int, at: str, second: int) -> ExecutionReport:
    """An execution of an order."""
    return replace(
        of,
        exec_type=ExecType.TRADE,
        last_qty=qty * NANO,
        last_px=px(at),
        exec_id=f"{of.order_id}-{second}",
        venue_ns=START_NS + second * SECOND_NS,
        legs=(),
    )


BUY, SELL = Side.BUY, Side.SELL


def bracket() -> ExecutionReport:
    stop = order("s", SELL, 100, 0, ord_type=OrdType.STOP, stop_px=px("98"), cum_qty=0)
    target = order("t", SELL, 100, 0, ord_type=OrdType.LIMIT, limit_px=px("104"))
    return order("e", BUY, 100, 0, legs=(target, stop))


def test_a_bracket_is_one_entry_with_its_levels_and_exits() -> None:
    entry = bracket()
    target = entry.legs[0]
    fills = (done(entry, 60, "100.10", 2), done(entry, 40, "100.20", 3))
    out = done(target, 100, "104", 50)
    (found,) = parents_of([entry], [out, *fills, fills[0]], signals={"c-e": px("100")})
    assert (found.plan_id, found.path, found.fate) == ("c-e", "market", Fate.ENTERED)
    assert (found.qty, found.cost) == (100 * NANO, NANO * (60 * px("100.10") + 40 * px("100.20")))
    assert (found.signal_px, found.paper) == (px("100"), Paper.SIGNAL)
    assert (found.stop_px, found.target_px) == (px("98"), px("104"))
    assert [one.leg for one in found.closings] == [Leg.TARGET]
    assert found.is_flat
    assert found.arrival_ns == START_NS
    assert found.end_ns == START_NS + 3 * SECOND_NS


def test_orders_alone_count_at_their_average() -> None:
    entry = replace(bracket(), avg_px=px("100.14"), legs=())
    (found,) = parents_of([entry], [])
    assert [(one.qty, one.px) for one in found.fills] == [(100 * NANO, px("100.14"))]
    assert (found.stop_px, found.paper) == (None, Paper.UNKNOWN)


def test_executions_alone_stand_for_their_orders() -> None:
    buy = done(order("e", BUY, 10, 0, cl_ord_id="", submitted_ns=0), 10, "100", 5)
    sell = done(order("x", SELL, 10, 0, cl_ord_id=""), 10, "99", 9)
    (found,) = parents_of([], [buy, sell])
    assert (found.plan_id, found.arrival_ns) == ("e", START_NS + 5 * SECOND_NS)
    assert found.made == -10 * NANO * NANO


def test_an_order_through_zero_closes_and_opens() -> None:
    buy, turn = order("e", BUY, 30, 0), order("x", SELL, 50, 4)
    back = order("b", BUY, 20, 9)
    fills = [done(buy, 30, "10", 1), done(turn, 50, "11", 5), done(back, 20, "10", 10)]
    first, second = parents_of([buy, turn, back], fills)
    assert (first.sign, first.made) == (1, 30 * NANO * NANO)
    assert (second.sign, second.qty, second.order_qty) == (-1, 20 * NANO, 20 * NANO)
    assert second.made == 20 * NANO * NANO


def test_exits_close_the_oldest_entry_first() -> None:
    one, two, out = order("1", BUY, 10, 0), order("2", BUY, 10, 1), order("x", SELL, 15, 2)
    stop = replace(out, ord_type=OrdType.STOP, stop_px=px("9.50"))
    fills = [done(one, 10, "10", 1), done(two, 10, "10", 2), done(stop, 15, "9.40", 3)]
    first, second = parents_of([one, two, stop], fills)
    assert (first.is_flat, second.is_flat) == (True, False)
    assert [(c.qty, c.stop_px) for c in second.closings] == [(5 * NANO, px("9.50"))]


def test_replaced_orders_are_one_order() -> None:
    first = order("a", BUY, 10, 0, ord_status=S.REPLACED, ord_type=OrdType.LIMIT, cum_qty=4 * NANO)
    second = order("b", BUY, 10, 5, ord_type=OrdType.LIMIT, replaces="a")
    fills = [done(first, 4, "10", 2), done(second, 6, "10.01", 7)]
    (found,) = parents_of([second, first], fills)
    assert (found.plan_id, found.qty, found.fate) == ("c-a", 10 * NANO, Fate.ENTERED)
    assert found.arrival_ns == START_NS


def ended(key: str, status: OrdStatus, at: int, side: Side = BUY) -> ExecutionReport:
    return order(key, side, 10, at, ord_status=status, cum_qty=0, ord_type=OrdType.LIMIT)


def test_orders_that_never_filled_are_missed_entries_unless_they_were_exits() -> None:
    buy = order("in", BUY, 10, 20)
    orders = [
        ended("m", S.CANCELED, 0),
        ended("r", S.REJECTED, 1),
        ended("open", S.NEW, 2),
        buy,
        ended("exit", S.EXPIRED, 30, SELL),
        ended("more", S.EXPIRED, 31),
        replace(bracket(), cl_ord_id="c-z", symbol="BETA", ord_status=S.CANCELED, cum_qty=0),
    ]
    found = parents_of(orders, [done(buy, 10, "10", 21)])
    fates = {one.plan_id: one.fate for one in found}
    assert fates == {
        "c-m": Fate.NOT_ENTERED,
        "c-z": Fate.NOT_ENTERED,
        "c-r": Fate.REJECTED,
        "c-in": Fate.ENTERED,
        "c-more": Fate.NOT_ENTERED,
    }
    missed = next(one for one in found if one.plan_id == "c-m")
    assert (missed.missed_qty, missed.budget_ns) == (10 * NANO, START_NS + SECOND_NS)


def test_an_entry_that_still_works_is_pending() -> None:
    part = order("e", BUY, 10, 0, ord_status=S.PARTIALLY_FILLED, cum_qty=4 * NANO)
    (found,) = parents_of([part], [done(part, 4, "10", 1)])
    assert (found.fate, found.missed_qty) == (Fate.PENDING, 0)


def test_executions_say_more_than_an_older_export_of_the_order() -> None:
    stale = order("e", BUY, 10, 0, ord_status=S.NEW, cum_qty=0)
    (found,) = parents_of([stale], [done(stale, 4, "10", 1), done(stale, 6, "10", 2)])
    assert found.fate is Fate.ENTERED
    part = replace(done(stale, 4, "10", 1), ord_status=S.PARTIALLY_FILLED, cum_qty=4 * NANO)
    rest = replace(done(stale, 6, "10", 2), ord_status=S.FILLED)
    (alone,) = parents_of([], [rest, part])
    assert (alone.fate, alone.qty) == (Fate.ENTERED, 10 * NANO)
