"""Helpers of the adapter's tests: a clock, records as Alpaca sends them, a programmable server.

The server is aiohttp's own, with no code of ours in it: what it answers is written in each test.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import WSMessage, WSMsgType, web

from surefill.brokers.alpaca.broker import AlpacaBroker
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.endpoints import endpoints_of
from surefill.core.commands import OrderSpec, Priority, SubmitOrder
from surefill.core.events import Event
from surefill.core.fix import Feed, Leg, OrdType, Side, TimeInForce
from surefill.core.units import NANO

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ORDER_ID = "98f45807-b4f5-4c36-9e6e-697b1d2465fe"
CL_ORD_ID = "sf-0a1b2c-plan-1-E1"
START_NS = 1_800_000_000 * NANO
KEYS = Credentials(key_id="PKTESTKEYID0000", secret="testsecret0000000")
PX = 150_070_000_000
QTY = 25 * NANO


class FakeClock:
    """A clock that tests move; ``real`` lets it follow the loop, for tests with real sockets."""

    def __init__(self, now_ns: int = START_NS, *, real: bool = False) -> None:
        self.base_ns = now_ns
        self.real = real
        self.loop_ns = int(asyncio.get_running_loop().time() * NANO) if real else 0

    def now_ns(self) -> int:
        """UTC ns."""
        if not self.real:
            return self.base_ns
        return self.base_ns + int(asyncio.get_running_loop().time() * NANO) - self.loop_ns

    def advance(self, ns: int) -> None:
        """Let time pass."""
        self.base_ns += ns


class Inbox:
    """Collects events, and waits for them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    async def wait(self, kind: type[Any], count: int = 1, *, within_s: float = 5.0) -> list[Any]:
        """Wait until ``count`` events of this kind have come."""
        await until(lambda: len(self.of(kind)) >= count, within_s=within_s)
        return self.of(kind)


async def until(condition: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Wait for a condition, with a bound."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - any condition, no event to wait for
            await asyncio.sleep(0.005)


def order_json(**changes: Any) -> Json:
    """An order as REST shows it."""
    order: Json = {
        "id": ORDER_ID,
        "client_order_id": CL_ORD_ID,
        "created_at": "2021-07-08T14:50:45.335034Z",
        "updated_at": "2021-07-08T14:50:45.335034Z",
        "submitted_at": "2021-07-08T14:50:45.332349Z",
        "asset_class": "us_equity",
        "symbol": "CRWD",
        "qty": "25",
        "notional": None,
        "filled_qty": "0",
        "filled_avg_price": None,
        "order_class": "",
        "order_type": "limit",
        "type": "limit",
        "side": "buy",
        "time_in_force": "day",
        "limit_price": "150.07",
        "stop_price": None,
        "status": "new",
        "replaces": None,
        "replaced_by": None,
        "legs": None,
        "extended_hours": False,
    }
    return order | changes


def update_json(event: str, order: Json | None = None, **changes: Any) -> Json:
    """A message of the order stream."""
    data: Json = {
        "event": event,
        "execution_id": "c86f104c-68b9-4bf7-a5fe-a6a06ba4af7d",
        "timestamp": "2021-07-08T14:50:46.100000001Z",
        "order": order_json() if order is None else order,
    }
    return {"stream": "trade_updates", "data": data | changes}


def fill_update(*, execution: str = "c86f104c-68b9-4bf7-a5fe-a6a06ba4af7d", **changes: Any) -> Json:
    """A complete fill of the order of `order_json`."""
    order = order_json(status="filled", filled_qty="25", filled_avg_price="150.05")
    numbers: Json = {"price": "150.05", "qty": "25", "position_qty": "25"}
    return update_json("fill", order, execution_id=execution, **(numbers | changes))


def activity_json(**changes: Any) -> Json:
    """A FILL activity."""
    activity: Json = {
        "id": "20210708105046100::c86f104c-68b9-4bf7-a5fe-a6a06ba4af7d",
        "activity_type": "FILL",
        "transaction_time": "2021-07-08T14:50:46.1Z",
        "type": "fill",
        "price": "150.05",
        "qty": "25",
        "side": "buy",
        "symbol": "CRWD",
        "leaves_qty": "0",
        "order_id": ORDER_ID,
        "cum_qty": "25",
        "order_status": "filled",
    }
    return activity | changes


def account_json(**changes: Any) -> Json:
    """An account."""
    account: Json = {
        "id": "00000000-0000-4000-8000-000000000000",
        "account_number": "PA0000000000",
        "status": "ACTIVE",
        "equity": "100000",
        "last_equity": "99000.5",
        "buying_power": "400000",
        "shorting_enabled": True,
        "trading_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": False,
    }
    return account | changes


def day_json(date: str = "2026-03-02", **changes: Any) -> Json:
    """A calendar day."""
    day: Json = {
        "date": date,
        "open": "09:30",
        "close": "16:00",
        "session_open": "0400",
        "session_close": "2000",
    }
    return day | changes


def quote_json(**changes: Any) -> Json:
    """A quote message of the market stream."""
    quote: Json = {
        "T": "q",
        "S": "CRWD",
        "bx": "V",
        "bp": 535.98,
        "bs": 300,
        "ax": "V",
        "ap": 536,
        "as": 200,
        "t": "2026-03-02T14:30:00.000000001Z",
        "z": "C",
    }
    return quote | changes


def body(value: object) -> bytes:
    """JSON bytes."""
    return json.dumps(value).encode()


def submit(cl_ord_id: str = CL_ORD_ID, *, priority: Priority = Priority.ENTRY) -> SubmitOrder:
    """A plain limit entry."""
    spec = OrderSpec(
        cl_ord_id=cl_ord_id,
        symbol="CRWD",
        side=Side.BUY,
        ord_type=OrdType.LIMIT,
        tif=TimeInForce.DAY,
        order_qty=QTY,
        leg=Leg.ENTRY,
        limit_px=PX,
    )
    return SubmitOrder("plan-1", spec, priority)


@asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[str]:
    """A server on a free port of this machine; yields its base URL."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def answering_raw(answer: bytes, *, read_bytes: int = 1) -> AsyncIterator[str]:
    """A server that reads a little, writes exactly these bytes and cuts the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(read_bytes)
        writer.write(answer)
        await writer.drain()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"


async def text_of(message: WSMessage) -> Json:
    """The JSON of a websocket message of a client."""
    assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY)
    found: Json = json.loads(message.data)
    return found


def payload_lines(name: str) -> Iterator[Json]:
    """The recorded exchanges of one file; skips the test where the recordings are absent."""
    root = Path(__file__).parents[3]
    folder = Path(os.environ.get("SUREFILL_PAYLOADS", root.parent / "shared" / "payloads"))
    path = folder / name
    if not path.exists():
        pytest.skip(f"no recorded payloads at SUREFILL_PAYLOADS ({name})")
    with path.open() as lines:
        for line in lines:
            record: Json = json.loads(line)
            yield record


@asynccontextmanager
async def started(
    url: str, clock: FakeClock, **more: Any
) -> AsyncIterator[tuple[AlpacaBroker, Inbox]]:
    """A broker connected to this server, and what it told."""
    broker = AlpacaBroker(
        endpoints=endpoints_of(url, feed=Feed.IEX),
        credentials=KEYS,
        feed=Feed.IEX,
        clock=clock,
        random=Random(1),
        **more,
    )
    inbox = Inbox()
    await broker.start(inbox)
    try:
        yield broker, inbox
    finally:
        await broker.close()
