"""How an account stands: from journals of real executors, against the real exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from surefill.core.cover import cover_of
from surefill.core.events import EngineStarted, ExecutionReport, OrdersRead, ReadFailed
from surefill.core.trade import Phase
from surefill.ports import AccountPicture
from surefill.runtime import wiring
from surefill.runtime.result import result_of
from surefill.runtime.standing import (
    READ_BACK_NS,
    Routing,
    Standing,
    cover_rows,
    doubts,
    review,
    routing_in_force,
    routing_of,
    standing_of,
)
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import Desk, plan_of, shares
from tests.support.exchange_server import RunningExchange, wait_until


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        for symbol in ("STAND", "OTHER"):
            running.quote(symbol, "99.99", "100.01")
        yield running


@pytest.fixture
def desk(exchange: RunningExchange, tmp_path: Path) -> Iterator[Desk]:
    yield Desk(exchange, tmp_path)
    exchange.disarm()


async def look(desk: Desk, standing: Standing) -> tuple[AccountPicture, int]:
    clock = await wiring.clock_for(desk.settings())
    now = clock.now_ns()
    picture = await wiring.look_at_account(
        desk.settings(), clock=clock, after_ns=standing.oldest_ns(now)
    )
    return picture, now


async def test_a_covered_trade_is_seen_beside_its_engine_and_after_it(desk: Desk) -> None:
    path = wiring.journal_path(desk.settings())
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of("STAND", "kept"))
        await executor.execute(plan_of("STAND", "denied", rr="1"))
        inside = standing_of(path)
    outside = standing_of(path)
    assert inside.holder is not None
    assert inside.holder.startswith("surefill")
    assert outside.holder is None
    assert [trade.trade_id for trade in outside.trades] == ["kept"]
    assert outside.closed_ids == ("denied",)
    assert outside.started is not None
    assert outside.state is not None
    assert outside.last_ns is not None
    assert outside.oldest_ns(0) == outside.trades[0].accepted_ns - READ_BACK_NS
    picture, now = await look(desk, outside)
    found = review(outside, desk.settings(), picture, now=now)
    ((trade, cover),) = cover_rows(found.trades)
    assert (cover.position_qty, cover.uncovered_qty, doubts(trade)) == (shares(100), 0, 0)
    assert found.foreign_orders == ()
    assert found.state.foreign == ()
    assert found.failed == ()
    assert standing_of(path).head == outside.head  # nothing was written


async def test_cover_that_is_gone_at_the_broker_is_bare(desk: Desk) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of("STAND", "bared"))
    for line in desk.accepted("bared", "X"):
        desk.exchange.control("POST", "venue", {"action": "cancel", "order_id": line["order_id"]})
    await asyncio.to_thread(wait_until, lambda: desk.truth(kind="share_release", symbol="STAND"))
    standing = standing_of(wiring.journal_path(desk.settings()))
    assert cover_of(standing.trades[0]).uncovered_qty == 0  # the journal could not know
    picture, now = await look(desk, standing)
    found = review(standing, desk.settings(), picture, now=now)
    ((trade, cover),) = cover_rows(found.trades)
    assert cover.uncovered_qty == shares(100)
    assert result_of(trade).phase is Phase.FILLED_UNCOVERED  # the repair is not sent by looking


async def test_what_cannot_be_read_is_named_and_nothing_is_made_of_it(desk: Desk) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of("STAND", "dark"))
    desk.exchange.arm("N3", "GET /v2/orders", count=50, params={"status": 500})
    standing = standing_of(wiring.journal_path(desk.settings()))
    picture, now = await look(desk, standing)
    found = review(standing, desk.settings(), picture, now=now)
    assert {part.what for part in found.failed} == {"orders", "open orders"}
    assert found.foreign_orders == ()
    assert cover_of(found.trades[0]).position_qty == shares(100)


async def test_orders_and_positions_of_others_are_foreign(desk: Desk) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of("STAND", "ours"))
    headers = {
        "APCA-API-KEY-ID": desk.key,
        "APCA-API-SECRET-KEY": desk.environ()["APCA_API_SECRET_KEY"],
    }
    for body in (
        {"type": "market", "side": "buy", "qty": "7"},
        {"type": "limit", "side": "buy", "qty": "1", "limit_price": "90"},
    ):
        order = {"symbol": "OTHER", "time_in_force": "day", **body}
        status, _, _ = desk.exchange.call("POST", "/v2/orders", order, headers=headers)
        assert status == 200
    await asyncio.to_thread(wait_until, lambda: desk.truth(kind="fill", symbol="OTHER"))
    standing = standing_of(wiring.journal_path(desk.settings()))
    picture, now = await look(desk, standing)
    found = review(standing, desk.settings(), picture, now=now)
    assert [order.symbol for order in found.foreign_orders] == ["OTHER"]
    assert [(p.symbol, p.qty) for p in found.state.foreign] == [("OTHER", shares(7))]
    (trade,) = found.trades
    legs = tuple(leg for o in _orders(picture.open_orders) for leg in o.legs)
    alone = replace(picture, open_orders=OrdersRead(legs, 0, now, now))
    assert review(standing, desk.settings(), alone, now=now).foreign_orders == ()
    assert trade.trade_id == "ours"


def _orders(found: OrdersRead | ReadFailed) -> tuple[ExecutionReport, ...]:
    assert isinstance(found, OrdersRead)
    return found.orders


def test_an_empty_journal_stands_still(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    wiring.journal_at(path).close()
    found = standing_of(path)
    assert (found.started, found.state, found.last_ns, found.trades) == (None, None, None, ())
    assert found.oldest_ns(READ_BACK_NS) == 0


def test_the_routing_in_force_is_that_of_the_last_start(desk: Desk) -> None:
    smart, legacy = desk.settings(), desk.settings(USE_SMART_EXECUTOR="False")
    started = EngineStarted(1, "b", smart.digest(), 1)
    assert routing_of(smart) is Routing.SMART
    assert routing_in_force(started, smart) is Routing.SMART
    assert routing_in_force(started, legacy) is Routing.SMART
    assert routing_in_force(replace(started, settings_digest=legacy.digest()), smart) is (
        Routing.LEGACY
    )
    other = desk.settings(SMART_EXECUTOR_FILL_TIMEOUT="9")
    assert routing_in_force(started, other) is Routing.UNKNOWN
