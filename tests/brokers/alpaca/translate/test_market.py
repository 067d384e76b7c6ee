"""Assets, calendar, clock, quotes, statuses: recorded, broken, on the edge."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefill.brokers.alpaca.translate import market
from surefill.brokers.alpaca.translate.times import to_ns
from surefill.brokers.alpaca.wire import Unreadable
from surefill.core.events import Instrument
from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.session import Calendar, SessionKind
from surefill.core.units import CENT, NANO, US_EQUITY_TICKS
from tests.brokers.alpaca.support import Json, body, day_json, payload_lines, quote_json

RECV_NS = 1_800_000_000 * NANO
ASSET: Json = {
    "symbol": "CRWD",
    "class": "us_equity",
    "status": "active",
    "tradable": True,
    "shortable": True,
    "easy_to_borrow": True,
}


def instrument(**changes: object) -> Instrument:
    found = market.instrument(body(ASSET | changes), "CRWD")
    assert isinstance(found, Instrument), found
    return found


def test_every_recorded_asset_is_read() -> None:
    for record in payload_lines("assets.jsonl"):
        if record["status"] == 200:
            asset = record["response"]
            found = market.instrument(body(asset), asset["symbol"])
            assert isinstance(found, Instrument)
            assert found.is_tradable == (asset["tradable"] and asset["status"] == "active")


def test_weeks_without_a_session_are_no_calendar() -> None:
    """A listing that was cut to nothing, or to days that are no trading days (I11)."""
    assert isinstance(market.calendar(b"[]"), Unreadable)


def test_every_recorded_calendar_and_clock_is_read() -> None:
    for record in payload_lines("calendar.jsonl"):
        found = market.calendar(body(record["response"]))
        assert isinstance(found, Calendar)
        assert len(found.sessions) == len(record["response"])
    for record in payload_lines("clock.jsonl"):
        at_ns = market.clock_ns(body(record["response"]))
        assert isinstance(at_ns, int)
        assert at_ns % NANO  # nanoseconds, New York offset


def test_every_recorded_quote_and_trade_is_read() -> None:
    seen = 0
    for record in payload_lines("market_data.jsonl"):
        answer, raw = record["response"], body(record["response"])
        if "quote" in answer:
            assert isinstance(market.latest_nbbo(raw, answer["symbol"], RECV_NS), Nbbo)
            seen += 1
        if "trade" in answer:
            assert isinstance(market.latest_print(raw, answer["symbol"], RECV_NS), Print)
            seen += 1
    assert seen >= 8


def test_an_asset() -> None:
    assert instrument() == Instrument("CRWD", True, True, True, US_EQUITY_TICKS)
    assert not instrument(status="inactive").is_tradable
    assert not instrument(tradable=None).is_tradable
    assert not instrument(shortable=None).is_shortable


@pytest.mark.parametrize(
    ("easy", "borrow", "expected"),
    [
        (True, None, True),
        (False, "easy_to_borrow", False),
        (None, "easy_to_borrow", True),
        (None, "hard_to_borrow", False),
        (None, None, False),
    ],
)
def test_borrowing_is_easy_only_when_said(
    easy: bool | None, borrow: str | None, expected: bool
) -> None:
    found = instrument(easy_to_borrow=easy, borrow_status=borrow)
    assert found.is_easy_to_borrow is expected


def test_an_assets_own_increment() -> None:
    ticks = instrument(price_increment="0.005").ticks
    assert ticks.tick_at(20 * NANO) == CENT // 2
    assert ticks.tick_at(NANO // 2) == NANO // 10_000
    fine = instrument(price_increment="0.00001").ticks
    assert fine.tick_at(20 * NANO) == NANO // 100_000
    other = market.instrument(
        body({"symbol": "BTC/USD", "class": "crypto", "price_increment": 0.01}), "BTC/USD"
    )
    assert isinstance(other, Instrument)
    assert other.ticks.tick_at(1) == CENT


@pytest.mark.parametrize(
    "changes", [{"symbol": "AAPL"}, {"symbol": None}, {"price_increment": "0"}, {"tradable": "yes"}]
)
def test_a_broken_asset_is_unreadable(changes: Json) -> None:
    assert isinstance(market.instrument(body(ASSET | changes), "CRWD"), Unreadable)


def test_an_asset_that_does_not_exist() -> None:
    assert market.unknown_instrument("X") == Instrument("X", False, False, False)


def test_half_days_and_daylight_saving_are_data() -> None:
    days = [day_json("2026-03-06"), day_json("2026-03-09"), day_json("2026-11-27", close="13:00")]
    found = market.calendar(body(days))
    assert isinstance(found, Calendar)
    winter, summer, half = found.sessions
    assert winter.open_ns == to_ns("2026-03-06T14:30:00Z", "t")
    assert summer.open_ns == to_ns("2026-03-09T13:30:00Z", "t")
    assert half.close_ns == to_ns("2026-11-27T18:00:00Z", "t")
    assert half.date == 20261127
    assert found.kind_at(half.close_ns) is SessionKind.ETH


def test_without_session_hours_only_the_core_is_open() -> None:
    day = day_json(session_open=None, session_close=None)
    found = market.calendar(body([day]))
    assert isinstance(found, Calendar)
    session = found.sessions[0]
    assert (session.pre_ns, session.post_ns) == (session.open_ns, session.close_ns)


@pytest.mark.parametrize(
    "days",
    [
        [day_json(date="2026-02-30")],
        [day_json(open="16:00", close="09:30")],
        [day_json(session_open="1000")],
        [day_json(open="nine")],
        [day_json(), day_json()],
        [day_json(), 7],
        {"message": "x"},
    ],
)
def test_one_bad_day_spoils_the_calendar(days: object) -> None:
    assert isinstance(market.calendar(body(days)), Unreadable)


def test_a_clock_without_a_time() -> None:
    assert isinstance(market.clock_ns(b'{"is_open":true}'), Unreadable)


def test_a_quote_keeps_its_exact_text() -> None:
    found = market.nbbo(body(quote_json()), RECV_NS)
    assert found == Nbbo(
        bid_px=535_980_000_000,
        bid_qty=300 * NANO,
        ask_px=536 * NANO,
        ask_qty=200 * NANO,
        venue_ns=to_ns("2026-03-02T14:30:00.000000001Z", "t"),
        recv_ns=RECV_NS,
    )


def test_zero_is_an_absent_side() -> None:
    found = market.nbbo(body(quote_json(bp=0, bs=0)), RECV_NS)
    assert isinstance(found, Nbbo)
    assert not found.is_two_sided


@pytest.mark.parametrize("field", ["bp", "bs", "ap", "as"])
@pytest.mark.parametrize("raw", ["null", "-1", '"NaN"', "1e400", "1e-999999999", "true", '"x"'])
def test_a_broken_quote_is_unreadable(field: str, raw: str) -> None:
    text = json.dumps(quote_json() | {field: "@@"}).replace('"@@"', raw)
    assert isinstance(market.nbbo(text.encode(), RECV_NS), Unreadable)


def test_a_quote_about_another_symbol_is_unreadable() -> None:
    raw = body({"symbol": "AAPL", "quote": quote_json()})
    assert isinstance(market.latest_nbbo(raw, "CRWD", RECV_NS), Unreadable)
    assert isinstance(market.latest_nbbo(raw, "AAPL", RECV_NS), Nbbo)
    raw = body({"symbol": "AAPL", "trade": {"p": 1.5, "s": 100, "t": "2026-03-02T14:30:00Z"}})
    assert isinstance(market.latest_print(raw, "CRWD", RECV_NS), Unreadable)


def test_prints() -> None:
    trade = {"T": "t", "S": "CRWD", "p": 536.005, "s": 100, "t": "2026-03-02T14:30:00Z"}
    found = market.tape_print(body(trade), RECV_NS)
    assert isinstance(found, Print)
    assert (found.px, found.qty) == (536_005_000_000, 100 * NANO)
    assert isinstance(market.tape_print(body(trade | {"p": 0}), RECV_NS), Unreadable)


@pytest.mark.parametrize(("code", "expected"), market.STATUS_CODES.items())
def test_every_status_code(code: str, expected: TradingStatus) -> None:
    raw = body({"T": "s", "S": "CRWD", "sc": code})
    assert market.status(raw, TradingStatus.UNKNOWN) is expected


def test_an_unknown_code_never_lifts_a_halt() -> None:
    raw = body({"T": "s", "S": "CRWD", "sc": "?"})
    assert market.status(raw, TradingStatus.HALTED) is TradingStatus.HALTED
    assert market.status(raw, TradingStatus.TRADING) is TradingStatus.UNKNOWN
    assert isinstance(market.status(b'{"S":"CRWD"}', TradingStatus.TRADING), Unreadable)


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    for found in (
        market.instrument(data, "CRWD"),
        market.calendar(data),
        market.clock_ns(data),
        market.nbbo(data, 1),
        market.latest_nbbo(data, "CRWD", 1),
        market.tape_print(data, 1),
        market.latest_print(data, "CRWD", 1),
        market.status(data, TradingStatus.UNKNOWN),
    ):
        assert found is not None
