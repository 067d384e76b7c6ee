"""The picture of an account, taken from the real exchange; missing parts are said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.endpoints import endpoints_of
from surefill.brokers.alpaca.picture import _Look, picture_of
from surefill.brokers.alpaca.transport import HttpOutcome, HttpRequest, HttpResponse, Lost
from surefill.core.commands import Priority
from surefill.core.events import AccountRead, CalendarRead, OrdersRead, PositionsRead, ReadFailed
from surefill.core.fix import Feed
from surefill.core.units import NANO
from surefill.ports import AccountPicture
from tests.support.exchange_server import OPEN_NS, RunningExchange, wait_until


class VenueClock:
    """Our time beside a venue that plays another day: the venue's start."""

    def now_ns(self) -> int:
        return OPEN_NS


@pytest.fixture
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("ACME", "99.99", "100.01")
        yield running


async def look(exchange: RunningExchange, canary: str, key: str = "PICTURE") -> AccountPicture:
    return await picture_of(
        endpoints=endpoints_of(exchange.url, feed=Feed.IEX),
        credentials=Credentials(key_id=key, secret=canary),
        clock=VenueClock(),
        after_ns=OPEN_NS - NANO,
    )


def order(exchange: RunningExchange, canary: str, **body: object) -> None:
    headers = {"APCA-API-KEY-ID": "PICTURE", "APCA-API-SECRET-KEY": canary}
    shape: dict[str, Any] = {"symbol": "ACME", "side": "buy", "time_in_force": "day", "qty": "1"}
    status, data, _ = exchange.call("POST", "/v2/orders", shape | body, headers=headers)
    assert status == 200, data


async def test_everything_is_in_the_picture(exchange: RunningExchange, canary: str) -> None:
    order(exchange, canary, type="market")
    order(exchange, canary, type="limit", limit_price="90")
    wait_until(lambda: [line for line in exchange.log() if line["kind"] == "fill"])
    found = await look(exchange, canary)
    assert isinstance(found.account, AccountRead)
    assert (found.status, found.kind) == ("ACTIVE", "margin, four times the equity by day")
    assert isinstance(found.orders, OrdersRead)
    assert isinstance(found.open_orders, OrdersRead)
    assert len(found.orders.orders) == 2
    assert len(found.open_orders.orders) == 1
    assert not isinstance(found.fills, ReadFailed)
    assert [fill.cl_ord_id != "" for fill in found.fills.fills] == [True]
    assert isinstance(found.positions, PositionsRead)
    assert [p.qty for p in found.positions.positions] == [NANO]
    assert isinstance(found.calendar, CalendarRead)
    assert found.clock_ahead_ns is not None
    assert 0 <= found.clock_ahead_ns < 60 * NANO
    assert found.requests_limit == 200
    assert found.requests_left is not None
    assert found.requests_left < 200
    assert not [line for line in exchange.log() if "cancel" in str(line["kind"])]


async def test_a_server_that_fails_is_a_picture_of_failures(
    exchange: RunningExchange, canary: str
) -> None:
    exchange.arm("N3", "GET", count=500, params={"status": 500})
    found = await look(exchange, canary)
    parts = (found.account, found.orders, found.open_orders, found.positions, found.calendar)
    assert all(isinstance(part, ReadFailed) for part in parts)
    assert isinstance(found.fills, ReadFailed)
    assert (found.clock_ahead_ns, found.requests_left) == (None, None)


class Answers:
    """A `Rest` that answers everything with one body."""

    def __init__(self, body: bytes | None) -> None:
        self.body = body

    async def read(self, request: HttpRequest, priority: Priority) -> HttpOutcome:
        assert request.method == "GET"
        if self.body is None:
            return Lost("gone")
        return HttpResponse(200, self.body, OPEN_NS, {"x-ratelimit-limit": "many"})


@pytest.mark.parametrize("body", [b"[]", b"{}", b"nonsense", b'[{"id":"x"}]', None])
async def test_strange_answers_are_failures(body: bytes | None) -> None:
    found = await _Look(Answers(body), VenueClock()).all(0)  # type: ignore[arg-type]
    assert isinstance(found.account, ReadFailed)
    assert (found.clock_ahead_ns, found.requests_limit) == (None, None)
    is_list = body in (b"[]", b'[{"id":"x"}]')
    assert isinstance(found.open_orders, ReadFailed) == (body != b"[]")
    assert is_list or isinstance(found.calendar, ReadFailed)


async def test_an_account_of_an_unknown_kind_is_still_an_account() -> None:
    body = b'{"id":"1","status":"ACTIVE","multiplier":7}'
    found = await _Look(Answers(body), VenueClock()).all(0)  # type: ignore[arg-type]
    assert isinstance(found.account, AccountRead)
    assert (found.status, found.kind) == ("", "")


async def test_more_open_orders_than_a_page_are_a_failure() -> None:
    body = b"[" + b",".join([b"{}"] * 500) + b"]"
    found = await _Look(Answers(body), VenueClock()).all(0)  # type: ignore[arg-type]
    assert isinstance(found.open_orders, ReadFailed)
    assert found.open_orders.text == "more than one page"
