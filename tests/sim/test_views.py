"""Listings: scopes, held legs, nesting, paging; positions and account."""

from __future__ import annotations

import pytest

from surefill.core.fix import Side
from surefill.core.units import NANO, to_nano
from surefill.sim.types import OrderSnapshot, Refusal, RefusalKind
from tests.sim.venue import ME, SYM, Floor, refusal_of


def ids(found: list[OrderSnapshot]) -> list[str]:
    return [order.order_id for order in found]


class TestListings:
    def test_scopes(self) -> None:
        floor = Floor()
        done = floor.order("buy", 1, "market")
        open_ = floor.order("buy", 1, limit="99")
        assert ids(floor.orders("OPEN")) == [open_]
        assert ids(floor.orders("CLOSED")) == [done]
        assert ids(floor.orders("ALL")) == [done, open_]

    def test_held_legs_are_missing_from_the_open_list(self) -> None:
        """B-07: the armed stop is invisible there, nested or not."""
        floor = Floor()
        entry, target, stop = floor.bracket("buy", 1, "100.05", tp="102", sl="99")
        assert ids(floor.orders("OPEN")) == [target]
        assert floor.orders("OPEN", nested=True) == []
        assert ids(floor.orders("ALL")) == [entry, stop, target], "the target is newly submitted"
        (family,) = floor.orders("ALL", nested=True)
        assert ids(list(family.legs)) == [target, stop]

    def test_oco_nests_its_stop(self) -> None:
        floor = Floor()
        floor.long()
        target, stop = floor.oco("sell", 100, tp="102", sl="99")
        shown = floor.exchange.order(ME, target, nested=True)
        assert ids(list(shown.legs)) == [stop]
        assert floor.exchange.order(ME, stop, nested=True).legs == ()
        assert floor.exchange.order(ME, target).legs == ()

    def test_pending_replacement_is_open(self) -> None:
        floor = Floor()
        old = floor.order("buy", 1, limit="99")
        new = floor.replace(old, limit="98")
        assert ids(floor.orders("OPEN")) == [old, new.order_id]

    def test_filters(self) -> None:
        floor = Floor()
        first = floor.order("buy", 1, limit="99")
        second = floor.order("buy", 1, limit="98")
        floor.quote("49.99", "50.01", symbol="B")
        third = floor.order("sell", 1, limit="51", symbol="B")
        assert ids(floor.orders(symbols=frozenset({"B"}))) == [third]
        assert ids(floor.orders(side=Side.SELL)) == [third]
        assert ids(floor.orders(after_order_id=first)) == [second, third]
        assert ids(floor.orders(before_order_id=third)) == [first, second]
        middle_ns = floor.at(second).submitted_ns
        assert ids(floor.orders(after_ns=middle_ns)) == [third]
        assert ids(floor.orders(until_ns=middle_ns)) == [first]
        assert ids(floor.orders(limit=2, descending=True)) == [third, second]
        with pytest.raises(Refusal):
            floor.orders(after_order_id="nobody")

    def test_unknown_orders(self) -> None:
        floor = Floor()
        unknown = RefusalKind.ORDER_NOT_FOUND
        assert refusal_of(floor.exchange.order, ME, "x") is unknown
        assert refusal_of(floor.exchange.order_by_cl_ord_id, ME, "x") is unknown


class TestPositions:
    def test_values(self) -> None:
        floor = Floor()
        floor.long()
        floor.print("110")
        (view,) = floor.exchange.positions(ME)
        assert (view.symbol, view.qty, view.available_qty) == (SYM, 100 * NANO, 100 * NANO)
        assert view.cost == 100 * NANO * to_nano("100.01")
        assert (view.current_px, view.market_value_usd) == (to_nano("110"), to_nano("11000"))
        assert view.marginable
        assert floor.exchange.position(ME, view.asset_id) == view

    def test_short_is_negative(self) -> None:
        floor = Floor()
        floor.short()
        view = floor.exchange.position(ME, SYM)
        assert (view.qty, view.market_value_usd) == (-100 * NANO, -to_nano("10000"))

    def test_flat_is_absent(self) -> None:
        floor = Floor()
        floor.long()
        floor.order("sell", 100, "market")
        assert floor.exchange.positions(ME) == []
        assert refusal_of(floor.exchange.position, ME, SYM) is RefusalKind.POSITION_NOT_FOUND
        assert refusal_of(floor.exchange.position, ME, "X") is RefusalKind.POSITION_NOT_FOUND


def test_account() -> None:
    floor = Floor()
    floor.long()
    view = floor.exchange.account_view(ME)
    assert view.cash_usd == to_nano("89999")
    assert view.cash_exact == view.cash_usd * NANO
    assert (view.long_value_usd, view.short_value_usd) == (to_nano("10000"), 0)
    assert view.equity_usd == to_nano("99999")
    assert view.last_equity_usd == to_nano("100000")
    assert view.initial_margin_usd == to_nano("5000")
    assert view.maintenance_margin_usd == to_nano("3000")
    assert view.buying_power_usd == to_nano("389996")
    assert (view.multiplier, view.shorting_enabled, view.blocked) == (4, True, False)


def test_fills_after_a_number() -> None:
    floor = Floor()
    floor.long(1)
    floor.order("buy", 1, "market")
    assert [fill.seq for fill in floor.exchange.fills(ME)] == [1, 2]
    assert [fill.seq for fill in floor.exchange.fills(ME, after_seq=1)] == [2]


class TestBooks:
    def test_they_add_up_after_fills_busts_and_corrections(self) -> None:
        floor = Floor()
        floor.long()
        floor.order("sell", 40, "market")
        first, second = floor.exchange.fills(ME)
        floor.exchange.correct(first.exec_id, to_nano("100.00"))
        floor.exchange.bust(second.exec_id)
        books = floor.exchange.books(ME)
        assert books.breaks == ()
        assert [entry.kind for entry in books.entries] == ["execution"] * 2 + [
            "correction",
            "execution",
        ]
        assert books.cash == books.opening_cash - 100 * NANO * to_nano("100.00")

    def test_a_break_is_named(self) -> None:
        floor = Floor()
        floor.long()
        ledger = floor.exchange._venue.ledgers[ME]
        ledger.cash += 1
        ledger.fees += 1
        ledger.positions[SYM].qty += 1
        cash, fees, shares = floor.exchange.books(ME).breaks
        assert (cash[:4], fees[:4], shares[:4]) == ("cash", "fees", SYM)
