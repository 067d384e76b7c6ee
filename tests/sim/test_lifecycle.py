"""Transitions that the exchange scenarios do not show: caps, switches, the guarded fill."""

from __future__ import annotations

import pytest

from surefill.core.units import NANO, to_nano
from surefill.sim.assets import AssetTable
from surefill.sim.exchange import Exchange
from surefill.sim.lifecycle import stop_cap_px
from surefill.sim.models import FeeModel, LatencyModel
from surefill.sim.switches import Switches
from surefill.sim.truth import TruthLog
from tests.sim.venue import CALENDAR, CLOSE_NS, ME, START_NS, SYM, Floor, request


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
