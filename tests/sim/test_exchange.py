"""The exchange as its users see it: plain orders, stops, sessions, corrections, determinism."""

from __future__ import annotations

import pytest

from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO, to_nano
from surefill.sim.models import MS, FeeModel, LatencyModel
from surefill.sim.truth import first_broken_seq
from surefill.sim.types import Refusal, RefusalKind
from tests.sim.venue import CLOSE_NS, HOUR_NS, ME, OPEN_NS, START_NS, SYM, Floor, refusal_of


def test_buy_limit_fills_at_the_touch_not_at_its_limit() -> None:
    floor = Floor()
    entry = floor.order("buy", 25, limit="100.05")
    assert floor.status(entry) == "FILLED"
    assert floor.fills() == [(25, "100.01")]
    assert floor.events() == ["PENDING_NEW", "NEW", "FILL"]
    assert floor.exchange.account_view(ME).cash_usd == to_nano("100000") - 25 * to_nano("100.01")


def test_a_print_before_the_first_quote_keeps_no_asset_away() -> None:
    """Recorded days often start with a print; the quote after it makes the symbol tradable."""
    floor = Floor(quote=False)
    floor.exchange.on_print(SYM, Print(100 * NANO, NANO, START_NS, START_NS))
    assert floor.exchange.asset(SYM) is None
    floor.quote("99.99", "100.01")
    assert floor.exchange.asset(SYM) is not None
    assert floor.status(floor.order("buy", 1, limit="100.05")) == "FILLED"


def test_limit_below_the_ask_does_not_fill() -> None:
    """The CRWD morning: limit 535.08, ask 536.00: nothing, and after the cancel no share."""
    floor = Floor(quote=False)
    floor.quote("535.90", "536.00")
    entry = floor.order("buy", 25, limit="535.08")
    floor.wait(60_000)
    floor.cancel(entry)
    assert (floor.status(entry), floor.position()) == ("CANCELED", 0)


def test_market_order_walks_with_the_quotes() -> None:
    """The legacy path of CRWD: a market order pays whatever the touch is."""
    floor = Floor(quote=False)
    floor.quote("535.90", "536.00", ask_size=20)
    floor.order("buy", 25, "market")
    floor.quote("535.95", "536.10", ask_size=20)
    assert floor.fills() == [(20, "536"), (5, "536.1")]


def test_thirty_seven_of_a_hundred_and_then_nothing() -> None:
    floor = Floor(quote=False)
    floor.quote("149.99", "150.05", ask_size=37)
    entry = floor.order("buy", 100, limit="150.07")
    floor.wait(60_000)
    assert (floor.status(entry), floor.filled(entry)) == ("PARTIALLY_FILLED", 37)
    floor.cancel(entry)
    assert (floor.status(entry), floor.position()) == ("CANCELED", 37)


def test_short_sale_from_flat_and_cover() -> None:
    floor = Floor()
    sale = floor.order("sell", 50, limit="99.95")
    assert floor.position() == -50
    assert floor.at(sale).is_short_sale
    assert floor.exchange.fills(ME)[0].side == "SELL_SHORT"
    floor.order("buy", 50, "market")
    assert floor.position() == 0


def test_no_flip_from_long_to_short() -> None:
    floor = Floor()
    floor.long(60)
    refusal = floor.refused("sell", 100, "market")
    assert refusal.kind is RefusalKind.INSUFFICIENT_QTY
    assert refusal.context["available_qty"] == 60 * NANO


def test_ioc_takes_what_is_there_and_ends() -> None:
    floor = Floor(quote=False)
    floor.quote("99.99", "100.01", ask_size=40)
    entry = floor.order("buy", 100, limit="100.01", tif="ioc")
    assert (floor.status(entry), floor.filled(entry)) == ("CANCELED", 40)


def test_fok_takes_all_or_nothing() -> None:
    floor = Floor(quote=False)
    floor.quote("99.99", "100.01", ask_size=40)
    nothing = floor.order("buy", 100, limit="100.01", tif="fok")
    everything = floor.order("buy", 40, limit="100.01", tif="fok")
    assert (floor.status(nothing), floor.filled(nothing)) == ("CANCELED", 0)
    assert floor.status(everything) == "FILLED"


class TestStops:
    def test_elected_only_by_a_print_inside_the_nbbo(self) -> None:
        floor = Floor()
        floor.long()
        stop = floor.order("sell", 100, "stop", stop="99.50")
        floor.print("99.40")
        assert not floor.at(stop).triggered, "a print outside the NBBO elects nothing"
        floor.quote("99.40", "99.60")
        assert floor.position() == 100, "a quote elects nothing"
        floor.print("99.50")
        assert floor.at(stop).triggered
        assert floor.fills()[-1] == (100, "99.4")

    def test_buy_stop_is_capped_above_fifty_dollars(self) -> None:
        """Short from 100, stop 101: worst 103.525; a gap to 104 leaves it triggered, unfilled."""
        floor = Floor()
        floor.short()
        stop = floor.order("buy", 100, "stop", stop="101")
        floor.quote("103.90", "104.00")
        floor.print("103.95")
        assert (floor.at(stop).triggered, floor.filled(stop)) == (True, 0)
        floor.quote("103.40", "103.52")
        assert floor.fills()[-1] == (100, "103.52")

    def test_buy_stop_is_capped_below_fifty_dollars(self) -> None:
        """Surprise B-03: stop 49.90 is worth 51.89 at most."""
        floor = Floor(quote=False)
        floor.quote("48.99", "49.01")
        floor.short()
        stop = floor.order("buy", 100, "stop", stop="49.90")
        floor.quote("51.90", "51.95")
        floor.print("51.92")
        assert floor.filled(stop) == 0
        floor.quote("51.80", "51.89")
        assert floor.filled(stop) == 100

    def test_stop_limit_stays_live_when_the_price_gaps_through(self) -> None:
        floor = Floor()
        floor.long()
        stop = floor.order("sell", 100, "stop_limit", stop="99.50", limit="99.40")
        floor.quote("98.00", "98.10")
        floor.print("98.05")
        assert (floor.at(stop).triggered, floor.filled(stop)) == (True, 0)
        floor.quote("99.45", "99.47")
        assert floor.fills()[-1] == (100, "99.4"), "it rests at its limit: the market came to it"

    def test_stops_sleep_in_extended_hours(self) -> None:
        floor = Floor()
        floor.long()
        stop = floor.order("sell", 100, "stop", stop="99.50", tif="gtc")
        floor.exchange.advance(CLOSE_NS + HOUR_NS)
        floor.quote("98.00", "98.10")
        floor.print("98.05")
        assert not floor.at(stop).triggered


class TestSessions:
    def test_day_order_expires_at_the_close(self) -> None:
        floor = Floor()
        entry = floor.order("buy", 100, limit="99.00")
        floor.exchange.advance(CLOSE_NS)
        shown = floor.at(entry)
        assert (shown.status, shown.expired_ns) == ("EXPIRED", CLOSE_NS)

    def test_day_order_may_end_canceled_instead(self) -> None:
        floor = Floor("day_terminal=canceled")
        entry = floor.order("buy", 100, limit="99.00")
        floor.exchange.advance(CLOSE_NS)
        assert floor.status(entry) == "CANCELED"

    def test_half_day_closes_at_13_new_york(self) -> None:
        tuesday_ns = START_NS + 24 * HOUR_NS
        floor = Floor(start_ns=tuesday_ns)
        entry = floor.order("buy", 100, limit="99.00")
        half_close_ns = tuesday_ns + 3 * HOUR_NS
        floor.exchange.advance(half_close_ns - 1)
        assert floor.status(entry) == "NEW"
        floor.exchange.advance(half_close_ns)
        assert floor.status(entry) == "EXPIRED"

    def test_gtc_survives_the_close_and_meets_the_open_at_the_touch(self) -> None:
        floor = Floor()
        entry = floor.order("buy", 100, limit="99.00", tif="gtc")
        floor.exchange.advance(CLOSE_NS + HOUR_NS)
        floor.quote("97.99", "98.00")
        assert floor.filled(entry) == 0, "regular orders do not trade after hours"
        floor.exchange.advance(OPEN_NS + 24 * HOUR_NS)
        floor.quote("97.98", "97.99")
        assert floor.fills() == [(100, "97.99")]

    def test_gtc_ends_after_ninety_days(self) -> None:
        floor = Floor()
        entry = floor.order("buy", 100, limit="99.00", tif="gtc")
        floor.exchange.advance(START_NS + 91 * 24 * HOUR_NS)
        assert floor.status(entry) == "CANCELED"

    def test_order_sent_at_night_is_queued_until_the_open(self) -> None:
        floor = Floor(start_ns=OPEN_NS - HOUR_NS)
        entry = floor.order("buy", 100, limit="100.05")
        floor.wait(60_000)
        assert (floor.status(entry), floor.at(entry).not_routed) == ("PENDING_NEW", True)
        floor.exchange.advance(OPEN_NS)
        assert floor.status(entry) == "FILLED"

    def test_queued_order_cancels_at_once(self) -> None:
        floor = Floor(start_ns=OPEN_NS - HOUR_NS)
        entry = floor.order("buy", 100, limit="100.05")
        floor.cancel(entry, wait_ms=0)
        assert floor.status(entry) == "CANCELED"
        floor.exchange.advance(OPEN_NS)
        assert floor.position() == 0

    def test_beyond_the_calendar_nothing_opens(self) -> None:
        floor = Floor(start_ns=START_NS + 30 * 24 * HOUR_NS)
        entry = floor.order("buy", 100, limit="100.05")
        floor.wait(3_600_000)
        assert floor.at(entry).expires_ns is None
        floor.cancel(entry, wait_ms=0)
        assert floor.status(entry) == "CANCELED"

    def test_extended_hours_limit_trades_before_the_open(self) -> None:
        floor = Floor(start_ns=OPEN_NS - HOUR_NS)
        entry = floor.order("buy", 100, limit="100.05", eth=True)
        assert floor.status(entry) == "FILLED"

    def test_extended_hours_day_order_ends_with_the_post_market(self) -> None:
        floor = Floor()
        entry = floor.order("buy", 100, limit="99.00", eth=True)
        floor.exchange.advance(CLOSE_NS + HOUR_NS)
        assert floor.status(entry) == "NEW"
        floor.exchange.advance(CLOSE_NS + 4 * HOUR_NS)
        assert floor.status(entry) == "EXPIRED"

    def test_close_sets_the_values_of_yesterday(self) -> None:
        floor = Floor()
        floor.long()
        floor.quote("109.99", "110.01")
        floor.print("110.00")
        floor.exchange.advance(CLOSE_NS)
        view = floor.exchange.account_view(ME)
        assert view.last_equity_usd == view.equity_usd
        assert floor.exchange.position(ME, SYM).lastday_px == to_nano("110")


class TestHalts:
    def test_no_execution_while_halted(self) -> None:
        floor = Floor()
        floor.halt()
        entry = floor.order("buy", 100, limit="100.05")
        floor.quote("99.98", "100.00")
        floor.print("100.00", 1000)
        assert (floor.status(entry), floor.position()) == ("NEW", 0)
        floor.resume()
        assert floor.fills() == [(100, "100")]

    def test_cancel_works_while_halted(self) -> None:
        floor = Floor()
        entry = floor.order("buy", 100, limit="99.00")
        floor.halt()
        floor.cancel(entry)
        assert floor.status(entry) == "CANCELED"

    def test_stop_elects_at_the_reopening_not_before(self) -> None:
        """Surprise B-16: a stop is not a price guarantee."""
        floor = Floor()
        floor.long()
        floor.order("sell", 100, "stop", stop="69")
        floor.halt()
        floor.quote("62.90", "63.10")
        floor.print("63.00")
        assert floor.position() == 100
        floor.resume()
        floor.print("63.00")
        assert floor.fills()[-1] == (100, "62.9")


class TestCorrections:
    def test_bust_takes_cash_and_shares_back(self) -> None:
        """R16: 30 of 100 are busted."""
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=30)
        entry = floor.order("buy", 100, limit="100.01")
        floor.quote("99.98", "100.00", ask_size=70)
        cash_usd = floor.exchange.account_view(ME).cash_usd
        first = floor.exchange.fills(ME)[0]
        floor.exchange.bust(first.exec_id)
        assert floor.position() == 70
        assert floor.exchange.account_view(ME).cash_usd == cash_usd + 30 * first.px
        assert (floor.status(entry), floor.filled(entry)) == ("FILLED", 70)
        event = floor.exchange.drain()[-1]
        assert (event.kind, event.exec_id, event.position_qty) == (
            "TRADE_BUST",
            first.exec_id,
            70 * NANO,
        )
        assert floor.exchange.fills(ME)[0].busted
        with pytest.raises(ValueError):
            floor.exchange.bust(first.exec_id)

    def test_correct_changes_the_price_only(self) -> None:
        """R17: 100.01 becomes 100.07."""
        floor = Floor()
        floor.long()
        fill = floor.exchange.fills(ME)[0]
        floor.exchange.correct(fill.exec_id, to_nano("100.07"))
        position = floor.exchange.position(ME, SYM)
        assert (position.qty, position.cost) == (100 * NANO, 100 * NANO * to_nano("100.07"))
        cash_usd = floor.exchange.account_view(ME).cash_usd
        assert cash_usd == to_nano("100000") - 100 * to_nano("100.07")
        assert floor.exchange.fills(ME)[0].corrected
        with pytest.raises(ValueError):
            floor.exchange.correct(fill.exec_id, 0)

    def test_market_may_reject_what_was_accepted(self) -> None:
        """R15 and V9."""
        floor = Floor()
        entry = floor.order("buy", 100, limit="99.00")
        floor.exchange.reject(entry, "no")
        assert floor.status(entry) == "REJECTED"
        assert floor.at(entry).failed_ns == floor.exchange.now_ns


class TestAccounts:
    def test_each_account_has_its_own_orders_and_ids(self) -> None:
        floor = Floor()
        floor.exchange.open_account("you", cash_usd=1000 * NANO, multiplier=1)
        mine = floor.order("buy", 1, limit="99.00", id="x")
        with pytest.raises(Refusal):
            floor.exchange.order("you", mine)
        assert floor.exchange.has_account("you")
        assert not floor.exchange.has_account("they")
        assert floor.exchange.account_view("you").buying_power_usd == 1000 * NANO

    def test_open_twice_is_an_error(self) -> None:
        with pytest.raises(ValueError):
            Floor().exchange.open_account(ME)

    def test_blocked_account_may_cancel_only(self) -> None:
        floor = Floor()
        order = floor.order("buy", 1, limit="99.00")
        floor.exchange.block_account(ME, blocked=True)
        assert floor.refused("buy", 1, "market").kind is RefusalKind.ACCOUNT_BLOCKED
        floor.cancel(order)
        assert floor.status(order) == "CANCELED"


class TestClockAndLog:
    def test_time_does_not_run_backwards(self) -> None:
        with pytest.raises(ValueError):
            Floor().exchange.advance(0)

    def test_next_step_is_known(self) -> None:
        floor = Floor()
        assert floor.exchange.next_ns() is None
        floor.send("buy", 1, limit="99.00")
        next_ns = floor.exchange.next_ns()
        assert next_ns is not None
        assert 0 < next_ns - floor.exchange.now_ns <= 12 * MS

    def test_a_quote_from_the_future_moves_the_clock(self) -> None:
        floor = Floor()
        later_ns = START_NS + 5 * NANO
        floor.exchange.on_quote(SYM, Nbbo(1, 1, 2, 1, later_ns, later_ns))
        assert floor.exchange.now_ns == later_ns

    def test_so_does_a_print(self) -> None:
        floor = Floor()
        floor.exchange.on_print(SYM, Print(NANO, NANO, START_NS + 5, START_NS + 5))
        assert floor.exchange.now_ns == START_NS + 5

    def test_refusals_are_logged_with_reason_and_digest(self) -> None:
        floor = Floor()
        floor.refused("buy", 1, limit="99.005")
        line = floor.log.lines[-1]
        assert line["kind"] == "refused"
        assert str(line["text"]).startswith("SUB_PENNY")
        assert " body=" in str(line["text"])
        refusal_of(floor.replace, "nobody", limit="1")
        assert floor.log.lines[-1]["order_id"] == "nobody"

    def test_same_inputs_same_log(self) -> None:
        def run() -> list[dict[str, object]]:
            floor = Floor(latency=LatencyModel(seed=3))
            floor.bracket("buy", 100, "100.05", tp="102", sl="99")
            floor.quote("98.90", "98.95")
            floor.print("98.95")
            floor.wait()
            return floor.log.lines

        first, second = run(), run()
        assert first == second
        assert first_broken_seq(first) is None
        assert len(first) > 10

    def test_reads_of_the_market(self) -> None:
        floor = Floor()
        floor.print("100.00")
        exchange = floor.exchange
        assert exchange.nbbo(SYM) is not None
        assert exchange.last_print(SYM) is not None
        assert exchange.status(SYM) == "TRADING"
        assert (exchange.nbbo("X"), exchange.last_print("X")) == (None, None)
        assert exchange.status("X") == "TRADING"
        asset = exchange.asset(SYM)
        assert asset is not None
        assert exchange.asset(asset.asset_id) is asset
        assert exchange.assets.all() == [asset]
        assert exchange.calendar.sessions
        assert exchange.switches.fill_model == "queue"
        assert exchange.log is floor.log
        assert exchange.events == []


def test_a_short_position_pays_for_each_day_it_is_held() -> None:
    floor = Floor(fees=FeeModel(borrow_bps=360))
    floor.short(100)
    ledger = floor.exchange.venue.ledgers[ME]
    floor.wait(7 * 3_600_000)
    assert [(entry.kind, entry.fee) for entry in ledger.entries[1:]] == [("borrow", 10**18)]
    floor.wait(40 * 3_600_000)
    assert [entry.kind for entry in ledger.entries[1:]] == ["borrow"] * 2, "none after the calendar"
    assert floor.exchange.books(ME).breaks == ()
