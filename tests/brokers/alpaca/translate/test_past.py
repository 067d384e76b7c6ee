"""Pages of the past: what is asked, what is understood, what is told instead of guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from surefill.brokers.alpaca.translate.past import (
    Page,
    PastKind,
    PastTrade,
    page_of,
    page_request,
    past_trade,
)
from surefill.brokers.alpaca.wire import Unreadable
from surefill.core.fix import Feed
from surefill.core.market import Nbbo, Print

QUOTE = {"t": "2026-03-02T15:00:00.000000001Z", "bp": 99.99, "bs": 100, "ap": 100.01, "as": 200}
TRADE = {"t": "2026-03-02T15:00:00.5Z", "p": 100.01, "s": 7, "x": "D", "c": ["@", "I"], "z": "A"}
AT_NS = 1_772_463_600_000_000_000
RECV_NS = AT_NS + 5


def page(body: Any, kind: PastKind = PastKind.QUOTES) -> Page | Unreadable:
    return page_of(json.dumps(body).encode(), kind, "CRWD", recv_ns=RECV_NS)


def test_a_page_is_asked_for_exactly() -> None:
    request = page_request(PastKind.QUOTES, "BRK.B", (AT_NS, AT_NS + 1), feed=Feed.SIP)
    assert (request.method, request.path) == ("GET", "/v2/stocks/BRK.B/quotes")
    assert dict(request.query) == {
        "start": "2026-03-02T15:00:00.000000000Z",
        "end": "2026-03-02T15:00:00.000000001Z",
        "limit": "10000",
        "sort": "asc",
        "feed": "sip",
    }
    again = page_request(PastKind.TRADES, "A/B", (0, 1), feed=Feed.TEST, rows_max=5, token="abc=")
    assert again.path == "/v2/stocks/A%2FB/trades"
    assert dict(again.query)["page_token"] == "abc="
    assert "feed" not in dict(again.query)


def test_quotes_of_a_page() -> None:
    found = page({"symbol": "CRWD", "quotes": [QUOTE], "next_page_token": "x"})
    assert found == Page(
        (Nbbo(99_990_000_000, 100 * 10**9, 100_010_000_000, 200 * 10**9, AT_NS + 1, RECV_NS),),
        "x",
    )


def test_trades_of_a_page_keep_the_letters_of_the_tape() -> None:
    taken_back = TRADE | {"u": "canceled", "c": None}
    found = page({"symbol": "CRWD", "trades": [TRADE, taken_back]}, PastKind.TRADES)
    assert isinstance(found, Page)
    print_ = Print(100_010_000_000, 7 * 10**9, AT_NS + 500_000_000, RECV_NS)
    assert found.rows == (
        PastTrade(print_, "D", "@I", "A", ""),
        PastTrade(print_, "D", "", "A", "canceled"),
    )
    assert found.token is None


@pytest.mark.parametrize("body", [{}, {"quotes": None}, {"quotes": [], "next_page_token": ""}])
def test_a_page_without_rows(body: dict[str, Any]) -> None:
    assert page({"symbol": "CRWD"} | body) == Page((), None)


def test_a_row_that_cannot_be_read_costs_itself_and_is_told() -> None:
    found = page({"symbol": "CRWD", "quotes": [QUOTE, QUOTE | {"bp": "x"}, QUOTE | {"t": None}]})
    assert isinstance(found, Page)
    assert len(found.rows) == 1
    assert [one.what for one in found.unreadable] == ["quote", "quote"]


@pytest.mark.parametrize("body", [{"symbol": "OTHER"}, [], {"symbol": "CRWD", "quotes": 5}])
def test_an_answer_that_is_no_page(body: Any) -> None:
    assert isinstance(page(body), Unreadable)


@pytest.mark.parametrize("change", [{"p": 0}, {"x": 5}, {"c": "@"}])
def test_a_trade_that_cannot_be_read(change: dict[str, Any]) -> None:
    assert isinstance(past_trade(json.dumps(TRADE | change).encode(), RECV_NS), Unreadable)
