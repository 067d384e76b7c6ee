"""Transitions that the exchange scenarios do not show: caps, switches, the guarded fill."""

from __future__ import annotations

import pytest

from surefill.core.units import NANO, to_nano, to_text
from surefill.sim.assets import Asset, AssetTable
from surefill.sim.exchange import Exchange
from surefill.sim.lifecycle import stop_cap_px
from surefill.sim.models import FeeModel, LatencyModel
from surefill.sim.switches import Switches
from surefill.sim.truth import TruthLog
from surefill.sim.types import RefusalKind
from tests.sim.venue import (
    CALENDAR,
    CLOSE_NS,
    ME,
    START_NS,
    SYM,
    Floor,
    refusal_of,
    request,
)

K = RefusalKind


@pytest.mark.parametrize(
    ("stop", "cap"), [("50", "51.25"), ("49.99", "51.9896"), ("100", "102.5"), ("1", "1.04")]
)
def test_cap_of_a_buy_stop(stop: str, cap: str) -> None:
    assert stop_cap_px(to_nano(stop)) == to_nano(cap)


def test_a_fill_beyond_the_limit_is_impossible() -> None:
    floor = Floor()
    order = floor.exchange._venue.orders[floor.order("buy", 100, limit="99")]
    with pytest.raises(AssertionError, match="beyond its limit"):
        floor.exchange._desk.fill(order, to_nano("99.01"), NANO)
    sale = Floor()
    order = sale.exchange._venue.orders[sale.order("sell", 100, limit="101")]
    with pytest.raises(AssertionError, match="beyond its limit"):
        sale.exchange._desk.fill(order, to_nano("100.99"), NANO)


def test_a_triggered_buy_stop_never_fills_beyond_its_cap() -> None:
    floor = Floor()
    floor.short()
    order = floor.exchange._venue.orders[floor.order("buy", 100, "stop", stop="101")]
    floor.quote("104", "104.01")
    floor.print("104")
    with pytest.raises(AssertionError, match="beyond its limit"):
        floor.exchange._desk.fill(order, to_nano("103.53"), NANO)


def test_more_than_the_leaves_is_impossible() -> None:
    floor = Floor()
    order = floor.exchange._venue.orders[floor.order("buy", 100, limit="99")]
    with pytest.raises(AssertionError):
        floor.exchange._desk.fill(order, to_nano("99"), 101 * NANO)
    floor.halt()
    with pytest.raises(AssertionError, match="halted"):
        floor.exchange._desk.fill(order, to_nano("99"), NANO)


def test_accepted_instead_of_pending_new() -> None:
    """U1: the older answer; and without the event before NEW."""
    floor = Floor("post_status=accepted", "stream_pending_new=off", "stream_pending_cancel=off")
    sent = floor.send("buy", 1, limit="99")
    assert (sent.status, sent.not_routed) == ("PENDING_NEW", True)
    floor.wait()
    assert not floor.at(sent.order_id).not_routed
    floor.cancel(sent.order_id)
    assert floor.events() == ["NEW", "CANCELED"]
    replaced = floor.replace(floor.order("buy", 1, limit="99"), limit="98")
    assert replaced.not_routed


def test_order_that_arrives_after_the_close_does_not_work() -> None:
    """Sent one nanosecond before the close: expired before it is routed."""
    floor = Floor(start_ns=CLOSE_NS - 1)
    order = floor.order("buy", 1, limit="100.05")
    assert (floor.status(order), floor.position()) == ("EXPIRED", 0)


def test_expired_while_the_cancel_travels() -> None:
    floor = Floor(start_ns=CLOSE_NS - 50_000_000)
    order = floor.send("buy", 1, limit="99").order_id
    floor.wait(49)
    floor.cancel(order)
    assert floor.status(order) == "EXPIRED"
    assert "CANCEL_REJECTED" not in floor.events()


def test_expired_while_the_replacement_travels() -> None:
    floor = Floor(start_ns=CLOSE_NS - 50_000_000)
    order = floor.send("buy", 1, limit="99").order_id
    floor.wait(49)
    new = floor.replace(order, limit="98", wait_ms=1000)
    assert (floor.status(order), floor.status(new.order_id)) == ("EXPIRED", "REJECTED")


def test_day_orders_beyond_the_calendar_have_no_end() -> None:
    floor = Floor(start_ns=START_NS + 30 * 24 * 3600 * NANO)
    assert floor.send("buy", 1, limit="99").expires_ns is None


def test_fees_leave_the_cash() -> None:
    exchange = Exchange(
        seed=1,
        calendar=CALENDAR,
        start_ns=START_NS,
        switches=Switches(),
        latency=LatencyModel.none(),
        log=TruthLog(),
        assets=AssetTable(),
        fees=FeeModel(per_share_usd=to_nano("0.005")),
    )
    floor = Floor()
    floor.exchange = exchange
    exchange.open_account(ME)
    floor.quote("99.99", "100.00")
    exchange.submit(ME, request("buy", 100, "market"))
    floor.wait(0)
    assert exchange.account_view(ME).cash_usd == to_nano("89999.50")
    assert exchange.position(ME, SYM).qty == 100 * NANO


class TestCancelRaces:
    def test_cancel_takes_a_moment(self) -> None:
        floor = Floor()
        entry = floor.order("buy", 100, limit="99.00")
        floor.cancel(entry, wait_ms=1)
        assert floor.status(entry) == "PENDING_CANCEL"
        floor.wait(100)
        assert floor.status(entry) == "CANCELED"

    def test_fill_during_the_cancel_wins(self) -> None:
        """R2: partial, cancel, the rest fills before the cancel."""
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=40)
        entry = floor.order("buy", 100, limit="100.01")
        floor.events()
        floor.cancel(entry, wait_ms=1)
        floor.quote("99.99", "100.00", ask_size=100)
        floor.wait(100)
        assert floor.status(entry) == "FILLED"
        assert floor.events() == ["PENDING_CANCEL", "FILL", "CANCEL_REJECTED"]

    def test_partial_fill_during_the_cancel_counts(self) -> None:
        """R3: partial, cancel, another partial, canceled: cum is both."""
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=40)
        entry = floor.order("buy", 100, limit="100.01")
        floor.cancel(entry, wait_ms=1)
        floor.quote("99.99", "100.00", ask_size=25)
        assert floor.status(entry) == "PENDING_CANCEL"
        floor.wait(100)
        assert (floor.status(entry), floor.filled(entry), floor.position()) == ("CANCELED", 65, 65)

    def test_cancel_before_the_acknowledgement(self) -> None:
        """R4: cancel and acknowledgement cross; the end is canceled, or filled, never both."""
        floor = Floor()
        sent = floor.send("buy", 100, limit="99.00")
        floor.cancel(sent.order_id)
        assert (floor.status(sent.order_id), floor.filled(sent.order_id)) == ("CANCELED", 0)
        sent = floor.send("buy", 100, limit="100.05")
        floor.cancel(sent.order_id)
        assert floor.status(sent.order_id) in ("CANCELED", "FILLED")

    def test_shares_come_back_after_78_ms(self) -> None:
        floor = Floor()
        floor.long()
        stop = floor.order("sell", 100, "stop", stop="99.00")
        floor.exchange.cancel(ME, stop)
        while floor.status(stop) != "CANCELED":
            floor.wait(1)
        assert floor.refused("sell", 100, "market").kind is RefusalKind.INSUFFICIENT_QTY
        floor.wait(77)
        assert floor.refused("sell", 100, "market").kind is RefusalKind.INSUFFICIENT_QTY
        floor.wait(2)
        floor.order("sell", 100, "market")
        assert floor.position() == 0

    def test_cancel_of_terminal_orders(self) -> None:
        floor = Floor()
        canceled = floor.order("buy", 1, limit="99.00")
        filled = floor.order("buy", 1, limit="100.05")
        floor.cancel(canceled)
        floor.cancel(canceled)
        assert refusal_of(floor.cancel, filled) is RefusalKind.NOT_CANCELABLE
        assert refusal_of(floor.cancel, "nobody") is RefusalKind.ORDER_NOT_FOUND
        strict = Floor("cancel_of_canceled=422", "cancel_of_pending_cancel=422")
        order = strict.order("buy", 1, limit="99.00")
        strict.cancel(order, wait_ms=0)
        assert refusal_of(strict.cancel, order) is RefusalKind.NOT_CANCELABLE
        strict.wait()
        assert refusal_of(strict.cancel, order) is RefusalKind.NOT_CANCELABLE

    def test_second_cancel_while_pending_changes_nothing(self) -> None:
        floor = Floor()
        order = floor.order("buy", 1, limit="99.00")
        floor.events()
        floor.cancel(order, wait_ms=0)
        floor.cancel(order)
        assert floor.events() == ["PENDING_CANCEL", "CANCELED"]

    def test_cancel_all_answers_per_order(self) -> None:
        floor = Floor()
        floor.long()
        first = floor.order("buy", 1, limit="99.00")
        target, _stop = floor.oco("sell", 100, tp="101", sl="99")
        results = floor.exchange.cancel_all(ME)
        assert [item.order_id for item in results] == [first, target]
        assert all(item.refusal is None for item in results)
        floor.wait()
        assert floor.orders("OPEN") == []
        assert floor.exchange.cancel_all(ME) == []

    def test_cancel_all_reports_what_cannot_be_canceled(self) -> None:
        floor = Floor()
        order = floor.order("buy", 1, limit="99.00")
        floor.replace(order, limit="98.00")
        kinds = [item.refusal.kind for item in floor.exchange.cancel_all(ME) if item.refusal]
        assert kinds == [RefusalKind.PENDING_REPLACE, RefusalKind.PENDING_REPLACE]


class TestReplace:
    def test_price_and_new_id(self) -> None:
        floor = Floor()
        old = floor.order("buy", 100, limit="99.00", id="mine")
        floor.events()
        new = floor.replace(old, limit="99.50", id="mine-2", wait_ms=100)
        assert (floor.status(old), floor.status(new.order_id)) == ("REPLACED", "NEW")
        assert floor.at(old).replaced_by == new.order_id
        assert floor.at(new.order_id).replaces == old
        assert new.created_ns == floor.at(old).created_ns
        assert floor.events() == ["PENDING_REPLACE", "REPLACED", "NEW"]
        assert floor.exchange.order_by_cl_ord_id(ME, "mine-2").order_id == new.order_id

    def test_event_order_is_a_switch(self) -> None:
        floor = Floor("replace_event_order=new_first")
        old = floor.order("buy", 100, limit="99.00")
        floor.events()
        floor.replace(old, limit="99.50", wait_ms=100)
        assert floor.events() == ["PENDING_REPLACE", "NEW", "REPLACED"]

    def test_fill_wins_the_race(self) -> None:
        """R6: the old order fills before the replace arrives."""
        floor = Floor()
        old = floor.order("buy", 100, limit="99.00")
        new = floor.replace(old, limit="98.00")
        floor.quote("98.80", "98.90")
        floor.events()
        floor.wait(100)
        assert (floor.status(old), floor.status(new.order_id)) == ("FILLED", "REJECTED")
        assert floor.events() == ["REJECTED", "REPLACE_REJECTED"]
        assert floor.position() == 100

    def test_quantity_is_the_total_of_the_chain(self) -> None:
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=40)
        old = floor.order("buy", 100, limit="100.01")
        new = floor.replace(old, qty=60, wait_ms=100)
        assert floor.at(new.order_id).cum_qty == 40 * NANO
        assert floor.at(new.order_id).leaves_qty == 20 * NANO
        floor.quote("99.98", "100.00")
        assert (floor.position(), floor.status(new.order_id)) == (60, "FILLED")

    def test_report_of_2021_trades_the_whole_quantity_again(self) -> None:
        floor = Floor("replace_carries_cum=off", quote=False)
        floor.quote("99.99", "100.01", ask_size=40)
        old = floor.order("buy", 100, limit="100.01")
        new = floor.replace(old, limit="100.02", wait_ms=100)
        assert floor.at(new.order_id).leaves_qty == 100 * NANO

    def test_reduction_below_what_filled_meanwhile_is_rejected(self) -> None:
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=40)
        old = floor.order("buy", 100, limit="100.01")
        new = floor.replace(old, qty=50)
        floor.quote("99.99", "100.00", ask_size=20)
        floor.wait(100)
        assert floor.status(new.order_id) == "REJECTED"
        assert floor.status(old) == "PARTIALLY_FILLED"
        floor.cancel(old)
        assert floor.position() == 60

    def test_cancel_and_replace_while_pending_are_refused(self) -> None:
        """Surprise B-05."""
        floor = Floor()
        old = floor.order("buy", 100, limit="99.00")
        new = floor.replace(old, limit="98.00")
        assert refusal_of(floor.cancel, old) is RefusalKind.PENDING_REPLACE
        assert refusal_of(floor.replace, old, limit="97") is RefusalKind.PENDING_REPLACE
        assert refusal_of(floor.cancel, new.order_id) is RefusalKind.PENDING_REPLACE
        chain = refusal_of(floor.replace, new.order_id, limit="97")
        assert chain is RefusalKind.CHAIN_NOT_SETTLED

    def test_the_larger_order_is_reserved_while_pending(self) -> None:
        floor = Floor()
        before_usd = floor.exchange.account_view(ME).buying_power_usd
        old = floor.order("buy", 100, limit="99.00")
        floor.replace(old, qty=10)
        assert before_usd - floor.exchange.account_view(ME).buying_power_usd == to_nano("9900")
        floor.wait(100)
        assert before_usd - floor.exchange.account_view(ME).buying_power_usd == to_nano("990")

    def test_smaller_exit_gives_its_shares_back_later(self) -> None:
        floor = Floor()
        floor.long()
        exit_ = floor.order("sell", 100, limit="101")
        floor.replace(exit_, qty=60, wait_ms=61)
        assert floor.exchange.position(ME, SYM).available_qty == 0
        floor.wait(78)
        assert floor.exchange.position(ME, SYM).available_qty == 40 * NANO


class TestTrailingStops:
    """Spec 3.7: from the last trade, following prints, never back; then a market order."""

    def floor(self) -> Floor:
        floor = Floor()
        floor.long()
        floor.print("100.00")
        return floor

    def test_it_follows_and_is_elected(self) -> None:
        floor = self.floor()
        stop = floor.send("sell", 100, "trailing_stop", trail="0.50")
        assert (stop.status, stop.hwm_px, stop.stop_px) == ("NEW", to_nano("100"), to_nano("99.50"))
        floor.quote("100.99", "101.01")
        floor.print("101.00")
        floor.print("100.99")
        assert (floor.at(stop.order_id).hwm_px, floor.at(stop.order_id).stop_px) == (
            to_nano("101"),
            to_nano("100.50"),
        )
        floor.quote("100.40", "100.60")
        floor.print("100.50")
        assert floor.status(stop.order_id) == "FILLED"
        assert floor.fills()[-1] == (100, "100.4")
        kinds = [line["kind"] for line in floor.log.lines]
        assert kinds.count("trailed") == 1

    def test_by_percent_and_for_a_buy(self) -> None:
        floor = Floor()
        floor.short()
        floor.print("99.99")
        stop = floor.send("buy", 100, "trailing_stop", trail_ppb=10_000_000, tif="gtc")
        # Not on the grid: recorded so.
        assert to_text(stop.stop_px or 0) == "100.9899"
        floor.quote("97.99", "98.01")
        floor.print("98")
        assert to_text(floor.at(stop.order_id).stop_px or 0) == "98.98"
        floor.quote("98.97", "98.99")
        floor.print("98.98")
        assert floor.position() == 0

    def test_prints_outside_the_market_or_its_hours_move_nothing(self) -> None:
        floor = self.floor()
        stop = floor.send("sell", 100, "trailing_stop", trail="1", tif="gtc")
        floor.print("150")
        floor.wait(7 * 3600 * 1000)
        floor.print("100.01")
        assert floor.at(stop.order_id).hwm_px == to_nano("100")

    def test_in_a_closed_market_it_waits_for_the_open(self) -> None:
        floor = self.floor()
        floor.wait(7 * 3600 * 1000)
        stop = floor.send("sell", 100, "trailing_stop", trail="1", tif="gtc")
        assert stop.not_routed
        floor.print("99.99")
        floor.wait(17 * 3600 * 1000)
        assert (floor.status(stop.order_id), floor.at(stop.order_id).hwm_px) == (
            "NEW",
            to_nano("99.99"),
        )

    def test_its_trail_may_change_and_nothing_else(self) -> None:
        floor = self.floor()
        stop = floor.send("sell", 100, "trailing_stop", trail="1").order_id
        assert refusal_of(floor.replace, stop, stop="99") == K.STOP_PX_UNWANTED
        assert refusal_of(floor.replace, stop, trail="1") == K.UNCHANGED
        assert refusal_of(floor.replace, stop, trail="0") == K.BAD_PRICE
        assert refusal_of(floor.replace, stop, trail="2", tif="ioc") == K.TIF_ILLEGAL
        new = floor.replace(stop, trail="2")
        floor.quote("100.49", "100.51")
        floor.print("100.50")
        floor.wait()
        shown = floor.at(new.order_id)
        assert (shown.hwm_px, shown.stop_px) == (to_nano("100.50"), to_nano("98.50"))
        percent = floor.order("buy", 1, "trailing_stop", trail_ppb=10_000_000)
        assert floor.replace(percent, trail="1.5").trail_ppb == 15_000_000
        limit = floor.order("buy", 1, "limit", limit="99")
        assert refusal_of(floor.replace, limit, trail="1") == K.TRAIL_UNWANTED

    def test_elected_it_trails_no_more(self) -> None:
        floor = self.floor()
        by_price = floor.send("sell", 50, "trailing_stop", trail="0.01").order_id
        by_share = floor.send("sell", 50, "trailing_stop", trail_ppb=1_000_000).order_id
        floor.quote("0", "100.01", bid_size=0)
        floor.print("99.80")
        for order_id in (by_price, by_share):
            assert refusal_of(floor.replace, order_id, trail="1") == K.TRAIL_UNWANTED

    def test_the_broker_holds_it_so_a_cancel_is_done_at_once(self) -> None:
        floor = self.floor()
        stop = floor.send("sell", 100, "trailing_stop", trail="1").order_id
        floor.cancel(stop, wait_ms=0)
        assert floor.status(stop) == "CANCELED"

    def test_it_is_no_wash_trade_and_needs_a_price(self) -> None:
        floor = self.floor()
        floor.send("sell", 100, "trailing_stop", trail="1")
        floor.order("buy", 10, "market")
        floor.order("buy", 10, "limit", limit="99")
        floor.replace(floor.order("buy", 1, limit="98"), limit="97")
        floor.replace(floor.order("buy", 1, "trailing_stop", trail="1"), trail="2")
        silent = Floor(quote=False, assets=(Asset(symbol=SYM),))
        assert silent.refused("buy", 1, "trailing_stop", trail="1").kind == K.NOT_TRADABLE
