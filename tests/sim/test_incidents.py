"""Rare days: each incident happens, is counted, leaves exact books, and ends where it can."""

from __future__ import annotations

from typing import Any

import pytest

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO, US_EQUITY_TICKS, to_nano
from surefill.sim.edge import Edge
from surefill.sim.faults import Fault, FaultCode, Param
from surefill.sim.incidents import Bend
from surefill.sim.market import PrintEvent, QuoteEvent, ScriptedMarket, StatusEvent
from surefill.sim.models import LatencyModel
from tests.support.bench import MS, START_NS, SYM, Bench

DAY_MS = 86_400_000


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.quote(SYM, "99.99", "100.01")
    bench.print_(SYM, "100")
    return bench


def strike(bench: Bench, code: str, target: str = "*", **params: Param) -> None:
    """Arm it and see that it struck once."""
    before = bench.edge.faults.counters[code]
    bench.edge.arm(Fault(FaultCode(code), target, params=params))
    assert bench.edge.faults.counters[code] == before + 1


def shown(bench: Bench, order_id: str) -> Any:
    return bench.call("GET", f"/v2/orders/{order_id}").json


def books_are_exact(bench: Bench) -> bool:
    return bench.exchange.books(bench.venue.keys.open("KEY").account).breaks == ()


def test_a_halt_ends(bench: Bench) -> None:
    strike(bench, "V7", SYM, for_ms=1_000)
    assert bench.exchange.status(SYM) is TradingStatus.HALTED
    order = bench.order().json
    bench.advance(999)
    assert shown(bench, order["id"])["status"] == "new"
    bench.advance(1)
    assert shown(bench, order["id"])["status"] == "filled"


def test_another_symbol_is_left_alone(bench: Bench) -> None:
    bench.quote("BETA", "9.99", "10")
    bench.edge.arm(Fault(FaultCode.V7, "BETA"))
    assert bench.exchange.status(SYM) is TradingStatus.TRADING
    assert bench.edge.faults.counters["V7"] == 1
    bench.edge.arm(Fault(FaultCode.V7, "GAMMA"))
    assert bench.edge.faults.counters["V7"] == 1
    assert bench.edge.faults.describe(bench.edge.now_ns) == []


def test_a_limit_state_pauses_and_comes_back(bench: Bench) -> None:
    strike(bench, "V8", SYM, mode="down", rehalts=1)
    bench.advance(16_000)
    assert bench.exchange.status(SYM) is TradingStatus.HALTED
    bench.advance(300_000)
    assert bench.exchange.status(SYM) is TradingStatus.TRADING
    bench.advance(15_000)
    assert bench.exchange.status(SYM) is TradingStatus.HALTED


@pytest.mark.parametrize(
    ("code", "tif", "end"), [("V10", "day", "expired"), ("V21", "gtc", "canceled")]
)
def test_orders_end_before_their_time(bench: Bench, code: str, tif: str, end: str) -> None:
    ids = {
        word: bench.filled(type="limit", limit_price="90", time_in_force=word)["id"]
        for word in ("day", "gtc")
    }
    strike(bench, code, SYM)
    assert shown(bench, ids.pop(tif))["status"] == end
    assert shown(bench, ids.popitem()[1])["status"] == "new"


def test_untradable_refuses_and_delisted_cancels(bench: Bench) -> None:
    order = bench.filled(type="limit", limit_price="90")
    strike(bench, "V12", SYM, for_ms=1_000)
    assert bench.order().error == (422, 42210000, f'asset "{SYM}" is not tradable')
    assert shown(bench, order["id"])["status"] == "new"
    bench.advance(1_000)
    assert bench.order(type="limit", limit_price="91").status == 200
    strike(bench, "V12", SYM, mode="delisted")
    assert bench.call("GET", f"/v2/assets/{SYM}").json["status"] == "inactive"
    assert shown(bench, order["id"])["status"] == "canceled"


def test_hard_to_borrow_cancels_open_shorts_and_refuses_new_ones(bench: Bench) -> None:
    short = bench.filled(side="sell", type="limit", limit_price="110")
    strike(bench, "V13", SYM, for_ms=60_000)
    assert shown(bench, short["id"])["status"] == "canceled"
    assert bench.order(side="sell").error[2] == f'asset "{SYM}" cannot be sold short'
    assert bench.call("GET", f"/v2/assets/{SYM}").json["shortable"] is False
    bench.advance(60_000)
    assert bench.order(side="sell").status == 200


def test_a_split_over_night_leaves_complex_legs_as_they_are(bench: Bench) -> None:
    bench.filled(
        qty="100",
        time_in_force="gtc",
        order_class="bracket",
        take_profit={"limit_price": "120"},
        stop_loss={"stop_price": "80"},
    )
    buy = bench.filled(type="limit", limit_price="90", time_in_force="gtc")
    strike(bench, "V14", SYM, new=10, old=1)
    bench.advance(DAY_MS - 3_600_000)
    (position,) = bench.call("GET", "/v2/positions").json
    assert (position["qty"], position["avg_entry_price"]) == ("1000", "10.001")
    restated = shown(bench, buy["id"])
    assert (restated["limit_price"], restated["qty"]) == ("9", "100")
    (target,) = [
        order
        for order in bench.call("GET", "/v2/orders?status=open").json
        if order["order_class"] == "bracket"
    ]
    assert (target["qty"], target["limit_price"]) == ("100", "120")
    assert position["qty_available"] == "900"
    assert position["current_price"] == "10"
    assert books_are_exact(bench)


def test_a_reverse_split_ends_what_asked_for_the_old_shares(bench: Bench) -> None:
    bench.filled(qty="100")
    sale = bench.filled(
        side="sell", qty="100", type="limit", limit_price="120", time_in_force="gtc"
    )
    strike(bench, "V14", SYM, new=1, old=10)
    bench.advance(DAY_MS - 3_600_000)
    assert shown(bench, sale["id"])["status"] == "canceled"
    assert bench.call("GET", "/v2/positions").json[0]["qty"] == "10"
    assert books_are_exact(bench)


def test_a_dividend_is_cash_and_lowers_resting_buys(bench: Bench) -> None:
    bench.filled(qty="100")
    buy = bench.filled(type="limit", limit_price="90", time_in_force="gtc")
    before = to_nano(bench.call("GET", "/v2/account").json["cash"])
    strike(bench, "V14", SYM, mode="dividend", amount_micros=250_000)
    bench.advance(DAY_MS - 3_600_000)
    assert to_nano(bench.call("GET", "/v2/account").json["cash"]) - before == 25 * NANO
    assert shown(bench, buy["id"])["limit_price"] == "89.75"
    assert books_are_exact(bench)


def test_no_day_after_the_calendar_for_a_split(bench: Bench) -> None:
    bench.advance(400 * DAY_MS)
    strike(bench, "V14", SYM)
    assert bench.exchange.next_ns() is None


def test_a_gap_elects_stops_beyond_their_price(bench: Bench) -> None:
    bench.filled(qty="10")
    stop = bench.order(side="sell", type="stop", stop_price="98").json
    bench.advance()
    strike(bench, "V15", SYM, bps=1_000)
    bench.advance()
    assert shown(bench, stop["id"])["filled_avg_price"] == "89.99"


def test_the_tape_goes_on_behind_a_gap() -> None:
    bench = Bench()
    ns = START_NS + 10 * MS
    script = ScriptedMarket(
        [
            QuoteEvent("A", Nbbo(100 * NANO, NANO, 101 * NANO, NANO, ns, ns)),
            PrintEvent("A", Print(100 * NANO, NANO, ns, ns)),
            StatusEvent("A", TradingStatus.TRADING, ns),
            QuoteEvent("A", Nbbo(100 * NANO, NANO, 101 * NANO, NANO, ns + MS, ns + MS)),
        ]
    )
    edge = Edge(
        exchange=bench.exchange, market=script, face=bench.venue.face, latency=LatencyModel.none()
    )
    bench.exchange.assets.note_quote("A")
    edge.arm(Fault(FaultCode.V15, "A", params={"mode": "up", "for_ms": 11}))
    edge.advance(ns)
    quote = bench.exchange.nbbo("A")
    assert quote is not None
    assert (quote.bid_px, quote.ask_px) == (to_nano("105"), to_nano("106.05"))
    assert bench.exchange.last_print("A") == Print(to_nano("105"), NANO, ns, ns)
    edge.advance(ns + MS)
    quote = bench.exchange.nbbo("A")
    assert quote is not None
    assert quote.bid_px == 100 * NANO, "the window is over"


def test_bends_round_outward_and_never_to_nothing() -> None:
    event = QuoteEvent("A", Nbbo(100 * NANO, 1, 0, 0, 0, 0))
    bent = Bend(1, 10**9).event(event, US_EQUITY_TICKS)
    assert isinstance(bent, QuoteEvent)
    assert (bent.nbbo.bid_px, bent.nbbo.ask_px) == (NANO // 10_000, 0)


def test_the_price_falls_to_a_dollar(bench: Bench) -> None:
    strike(bench, "V23", SYM)
    nbbo = bench.exchange.nbbo(SYM)
    assert nbbo is not None
    assert (nbbo.bid_px, nbbo.ask_px) == (to_nano("0.9999"), to_nano("1.01"))
    assert bench.order(type="limit", limit_price="0.9998").status == 200
    bench.quote("EMPTY", "0", "0")
    bench.edge.arm(Fault(FaultCode.V23, "EMPTY"))
    bench.edge.arm(Fault(FaultCode.V15, "EMPTY"))


@pytest.mark.parametrize(
    ("mode", "good", "bad"), [("nickel", "99.05", "99.01"), ("half_penny", "99.005", "99.001")]
)
def test_the_tick_changes(bench: Bench, mode: str, good: str, bad: str) -> None:
    strike(bench, "V24", SYM, mode=mode, for_ms=5_000)
    assert bench.order(type="limit", limit_price=good).status == 200
    assert "sub-penny" in bench.order(type="limit", limit_price=bad).error[2]
    bench.advance(5_000)
    assert bench.order(type="limit", limit_price="99.01").status == 200


def test_a_blocked_account(bench: Bench) -> None:
    account = bench.call("GET", "/v2/account").json["account_number"]
    strike(bench, "V25", account, for_ms=1_000)
    assert bench.order().status == 403
    assert bench.call("GET", "/v2/account").json["trading_blocked"] is True
    bench.advance(1_000)
    assert bench.order().status == 200


def test_a_liquidation_cancels_and_closes_everything(bench: Bench) -> None:
    bench.filled(qty="100")
    bench.filled(
        side="sell",
        qty="100",
        type="limit",
        limit_price=None,
        order_class="oco",
        take_profit={"limit_price": "110"},
        stop_loss={"stop_price": "90"},
    )
    bench.quote(SYM, "99.99", "100.01", "60")
    strike(bench, "V25", mode="liquidated")
    bench.advance(5_000)
    assert bench.call("GET", "/v2/positions").json == []
    assert bench.call("GET", "/v2/orders").json == []
    assert bench.order().status == 403
    assert books_are_exact(bench)


def test_a_liquidation_gives_up_in_the_end(bench: Bench) -> None:
    bench.filled(qty="100")
    strike(bench, "V12", SYM)
    strike(bench, "V25", mode="liquidated")
    bench.advance(60_000)
    assert len(bench.call("GET", "/v2/positions").json) == 1
    assert bench.exchange.venue.ledgers[bench.venue.keys.open("KEY").account].blocked


def test_what_cannot_be_taken_back_stays(bench: Bench) -> None:
    strike(bench, "V14", SYM, mode="split", for_ms=10)
    bench.advance(20)
    assert len(bench.exchange.venue.agenda.steps()) >= 1


def test_an_incident_is_a_line_of_the_truth(bench: Bench) -> None:
    strike(bench, "V24", SYM)
    line = bench.venue.log.lines[-1]
    assert (line["kind"], line["text"]) == ("incident", f"V24 {SYM} {{}}")
