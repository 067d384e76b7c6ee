"""Matching: displayed size, queue, prints, refresh, the other fill models."""

from __future__ import annotations

from surefill.core.market import Nbbo
from surefill.core.units import NANO, to_nano
from surefill.sim.assets import Asset
from surefill.sim.models import Delay, DelayRange, LatencyModel
from tests.sim.venue import CLOSE_NS, ME, START_NS, SYM, Floor, request


def queue_ahead(floor: Floor, order_id: str) -> int | None:
    ahead_qty = floor.exchange._venue.orders[order_id].queue_ahead_qty
    return None if ahead_qty is None else ahead_qty // NANO


class TestDisplayedSize:
    def test_taken_size_stays_taken_until_the_side_changes(self) -> None:
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=100)
        floor.order("buy", 80, limit="100.01")
        late = floor.order("buy", 80, limit="100.01")
        assert floor.filled(late) == 20
        floor.quote("99.98", "100.01", ask_size=100)
        assert floor.filled(late) == 20, "the bid changed, the ask did not"
        floor.quote("99.98", "100.01", ask_size=101)
        assert floor.filled(late) == 80

    def test_a_size_taken_with_nobody_left_is_back_with_the_next_quote(self) -> None:
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=100)
        floor.order("buy", 100, limit="100.01")
        floor.quote("99.99", "100.01", ask_size=200)
        later = floor.order("buy", 150, limit="100.01")
        assert floor.filled(later) == 150

    def test_rest_of_a_market_order_waits_100_ms_of_quiet_tape(self) -> None:
        floor = Floor(quote=False, latency=LatencyModel.none())
        floor.quote("99.99", "100.01", ask_size=60)
        order = floor.send("buy", 150, "market").order_id
        floor.wait(0)
        assert floor.filled(order) == 60
        floor.wait(99)
        assert floor.filled(order) == 60
        floor.wait(1)
        assert floor.filled(order) == 120
        floor.wait(100)
        assert floor.filled(order) == 150
        assert floor.exchange.next_ns() is not None, "only the end of the day is left"
        assert floor.exchange.next_ns() == CLOSE_NS

    def test_quote_before_the_refresh_replaces_it(self) -> None:
        floor = Floor(quote=False, latency=LatencyModel.none())
        floor.quote("99.99", "100.01", ask_size=60)
        order = floor.send("buy", 150, "market").order_id
        floor.wait(50)
        floor.quote("99.99", "100.02", ask_size=60)
        floor.wait(50)
        assert floor.filled(order) == 120
        floor.wait(50)
        assert floor.filled(order) == 150
        assert floor.fills() == [(60, "100.01"), (60, "100.02"), (30, "100.02")]

    def test_empty_side_fills_nobody_and_asks_for_no_refresh(self) -> None:
        floor = Floor(quote=False, latency=LatencyModel.none())
        floor.quote("99.99", "100.01", ask_size=0)
        order = floor.send("buy", 10, "market").order_id
        floor.wait(0)
        assert (floor.filled(order), floor.exchange.next_ns()) == (0, CLOSE_NS)
        floor.exchange.on_quote(SYM, Nbbo(to_nano("99.99"), NANO, 0, 0, START_NS, START_NS))
        assert floor.filled(order) == 0

    def test_without_any_quote_an_order_waits(self) -> None:
        floor = Floor(quote=False, assets=(Asset(symbol=SYM),))
        waiting = floor.order("buy", 10, "market")
        ioc = floor.order("buy", 10, limit="100", tif="ioc")
        fok = floor.order("buy", 10, limit="100", tif="fok")
        assert floor.status(waiting) == "NEW"
        assert (floor.status(ioc), floor.status(fok)) == ("CANCELED", "CANCELED")
        floor.quote("99.99", "100.01")
        assert floor.status(waiting) == "FILLED"

    def test_best_price_first_then_first_come(self) -> None:
        floor = Floor()
        late_rank = floor.order("buy", 30, limit="99.50")
        second = floor.order("buy", 30, limit="99.60")
        first = floor.order("buy", 30, limit="99.70")
        market = floor.order("buy", 30, limit="99.60")
        floor.quote("99.40", "99.45", ask_size=90)
        assert [floor.filled(item) for item in (first, second, market, late_rank)] == [
            30,
            30,
            30,
            0,
        ]

    def test_whole_orders_get_whole_shares(self) -> None:
        """A fractional order of somebody took half a share of the display."""
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=100)
        floor.order("buy", "0.5", limit="100.01")
        whole = floor.order("buy", 100, limit="100.01")
        assert floor.filled(whole) == 99

    def test_ioc_in_a_halt_ends_at_once(self) -> None:
        floor = Floor()
        floor.halt()
        ioc = floor.order("buy", 10, limit="100.05", tif="ioc")
        assert floor.status(ioc) == "CANCELED"


class TestQueue:
    def test_joins_behind_the_displayed_size(self) -> None:
        floor = Floor()
        order = floor.order("buy", 100, limit="99.99")
        assert queue_ahead(floor, order) == 500
        floor.print("99.99", 450)
        assert (queue_ahead(floor, order), floor.filled(order)) == (50, 0)
        floor.print("99.99", 90)
        assert (queue_ahead(floor, order), floor.filled(order)) == (0, 40)
        floor.print("99.99", 1000)
        assert floor.fills() == [(40, "99.99"), (60, "99.99")]

    def test_first_when_it_improves_the_touch(self) -> None:
        floor = Floor()
        order = floor.order("buy", 100, limit="100.00")
        assert queue_ahead(floor, order) == 0
        floor.quote("100.00", "100.01", bid_size=900)
        assert queue_ahead(floor, order) == 0, "who comes later stands behind"
        floor.print("100.00", 30)
        assert floor.filled(order) == 30

    def test_learns_its_place_when_the_touch_comes(self) -> None:
        floor = Floor()
        order = floor.order("sell", 100, limit="100.05")
        assert queue_ahead(floor, order) is None
        floor.print("100.05", 1000)
        assert floor.filled(order) == 0, "how many stand before it is not known yet"
        floor.quote("100.03", "100.05", ask_size=200)
        assert queue_ahead(floor, order) == 200
        floor.quote("100.03", "100.05", ask_size=80)
        assert queue_ahead(floor, order) == 80, "nobody behind is displayed ahead"
        floor.print("100.05", 100)
        assert floor.filled(order) == 20

    def test_last_in_the_queue_moves_by_prints_alone(self) -> None:
        floor = Floor("queue_place=last")
        order = floor.order("buy", 100, limit="99.99")
        floor.quote("99.99", "100.01", bid_size=40)
        assert queue_ahead(floor, order) == 500, "who left may have stood behind"
        floor.print("99.99", 450)
        assert (queue_ahead(floor, order), floor.filled(order)) == (50, 0)
        floor.quote("99.98", "100.01")
        assert queue_ahead(floor, order) == 0, "nobody else is at its price"

    def test_first_in_the_queue_takes_any_print_at_its_price(self) -> None:
        floor = Floor("queue_place=first")
        order = floor.order("buy", 100, limit="99.99")
        floor.print("99.99", 60)
        floor.quote("99.99", "100.01", bid_size=900)
        floor.print("99.99", 30)
        assert floor.filled(order) == 90
        later = floor.order("sell", 50, limit="100.05")
        floor.print("100.05", 1000)
        assert floor.filled(later) == 0, "the touch has not come to it"

    def test_alone_on_an_empty_side(self) -> None:
        floor = Floor(quote=False)
        floor.exchange.on_quote(SYM, Nbbo(0, 0, to_nano("100.01"), 100 * NANO, START_NS, START_NS))
        order = floor.order("buy", 10, limit="99")
        assert queue_ahead(floor, order) == 0

    def test_print_through_its_price_fills_at_its_own_limit(self) -> None:
        floor = Floor()
        order = floor.order("buy", 100, limit="99.99")
        floor.quote("99.95", "100.01")
        floor.print("99.96", 70)
        assert floor.fills() == [(70, "99.99")]
        assert floor.filled(order) == 70

    def test_print_on_the_other_side_of_it_does_nothing(self) -> None:
        floor = Floor()
        order = floor.order("buy", 100, limit="99.99")
        floor.print("100.00", 1000)
        assert (queue_ahead(floor, order), floor.filled(order)) == (500, 0)

    def test_a_print_is_shared_out_once(self) -> None:
        floor = Floor()
        first = floor.order("buy", 60, limit="100.00")
        second = floor.order("buy", 60, limit="100.00")
        third = floor.order("buy", 60, limit="100.00")
        floor.print("99.99", 100)
        assert [floor.filled(item) for item in (first, second, third)] == [60, 40, 0]

    def test_far_touch_coming_to_it_fills_at_its_own_limit(self) -> None:
        floor = Floor()
        floor.order("buy", 100, limit="99.90")
        floor.quote("99.80", "99.85", ask_size=40)
        assert floor.fills() == [(40, "99.9")]

    def test_prints_outside_the_nbbo_may_be_ignored(self) -> None:
        for word, expected in (("fill", 100), ("ignore", 0)):
            floor = Floor(f"outside_prints={word}")
            order = floor.order("buy", 100, limit="99.90")
            floor.print("99.50", 500)
            assert floor.filled(order) == expected

    def test_market_rest_does_not_trade_with_prints(self) -> None:
        floor = Floor(quote=False, latency=LatencyModel.none())
        floor.quote("99.99", "100.01", ask_size=10)
        order = floor.send("buy", 50, "market").order_id
        floor.wait(0)
        floor.print("100.01", 1000)
        assert floor.filled(order) == 10

    def test_nothing_trades_in_a_closed_market(self) -> None:
        floor = Floor()
        order = floor.order("buy", 100, limit="99.90", tif="gtc", eth=True)
        floor.exchange.advance(CLOSE_NS + 5 * 3600 * NANO)
        floor.print("99.50", 500)
        floor.quote("99.40", "99.50")
        assert floor.filled(order) == 0


class TestOtherModels:
    def test_touch_takes_any_size_and_ignores_prints(self) -> None:
        floor = Floor("fill_model=touch", quote=False)
        floor.quote("99.99", "100.01", ask_size=1)
        order = floor.order("buy", 100, limit="100.05")
        assert floor.fills() == [(100, "100.01")]
        rest = floor.order("buy", 100, limit="99.50")
        floor.print("99.40", 1000)
        assert (floor.status(order), floor.filled(rest)) == ("FILLED", 0)
        floor.quote("99.40", "99.45")
        assert floor.fills()[-1] == (100, "99.45"), "the quote, capped by the limit (U17)"

    def test_paper_fills_one_in_ten_partially(self) -> None:
        floor = Floor("fill_model=paper", latency=LatencyModel.none())
        partial = 0
        for _ in range(200):
            sent = floor.send("buy", 10, limit="100.05")
            floor.wait(0)
            partial += floor.filled(sent.order_id) < 10
            floor.quote("99.99", "100.01")
        assert 5 <= partial <= 40
        assert floor.position() <= 2000


def test_elected_stop_of_a_closing_group_stays_asleep() -> None:
    """Between the target's fill and the cancel of its stop nothing may trigger."""
    delays = {Delay.ARM: DelayRange(45, 45, 45)}
    floor = Floor(latency=LatencyModel(seed=1, delays=delays))
    floor.long()
    target, stop = floor.oco("sell", 100, tp="102", sl="99")
    floor.quote("102.00", "102.02")
    floor.quote("98.00", "98.05")
    floor.print("98.02")
    assert (floor.status(target), floor.at(stop).triggered) == ("FILLED", False)


def test_two_accounts_share_the_displayed_size_and_never_meet() -> None:
    floor = Floor(quote=False)
    floor.quote("99.99", "100.01", ask_size=100)
    floor.exchange.open_account("you")
    mine = floor.order("buy", 80, limit="100.05")
    yours = floor.exchange.submit("you", request("sell", 50, limit="100.03")).order_id
    floor.wait(50)
    assert floor.filled(mine) == 80
    assert floor.exchange.order("you", yours).cum_qty == 0
    assert floor.exchange.fills("you") == []
    assert len(floor.exchange.fills(ME)) == 1
