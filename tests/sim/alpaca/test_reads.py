"""Reads of the present and of a moment ago."""

from __future__ import annotations

from typing import Any

import pytest

from surefill.core.fix import OrdStatus, OrdType, Side, TimeInForce
from surefill.core.units import to_nano
from surefill.sim.alpaca.reads import position_qty, would_be_short
from surefill.sim.types import OrderQuery, OrderRequest, OrderScope, Refusal
from tests.support.bench import SYM, Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.quote(SYM, "99.99", "100.01")
    bench.call("GET", "/v2/account")
    return bench


def account(bench: Bench) -> str:
    return bench.venue.keys.open("KEY").account


def test_a_stale_single_read_shows_what_was(bench: Bench) -> None:
    reads = bench.venue.face.desk.reads
    resting = bench.filled(type="limit", limit_price="90")
    before_ns = bench.edge.now_ns
    bench.advance()
    bench.call("DELETE", f"/v2/orders/{resting['id']}")
    bench.advance()

    def status(as_of_ns: int | None) -> OrdStatus:
        order_id: str = resting["id"]
        return reads.order(account(bench), order_id, nested=True, as_of_ns=as_of_ns).status

    assert status(None) is OrdStatus.CANCELED
    assert status(before_ns) is OrdStatus.NEW
    assert status(bench.edge.now_ns) is OrdStatus.CANCELED
    with pytest.raises(Refusal):
        status(before_ns - 3_600 * 10**9)
    with pytest.raises(Refusal):
        reads.order_by_cl_ord_id(
            account(bench), resting["client_order_id"], as_of_ns=before_ns - 3_600 * 10**9
        )


def test_a_stale_list_filters_by_the_old_state(bench: Bench) -> None:
    reads = bench.venue.face.desk.reads
    bracket = bench.filled(
        order_class="bracket",
        take_profit={"limit_price": "110"},
        stop_loss={"stop_price": "90"},
    )
    before_ns = bench.edge.now_ns
    bench.advance()
    bench.call("DELETE", "/v2/orders")
    bench.advance()

    def ids(as_of_ns: int | None, **query: Any) -> list[str]:
        found = reads.orders(account(bench), OrderQuery(**query), as_of_ns=as_of_ns)
        return [order.order_id for order in found]

    target = bracket["legs"][0]["id"]
    assert ids(None) == []
    assert ids(before_ns) == [target]
    assert len(ids(before_ns, scope=OrderScope.CLOSED)) == 1
    assert len(ids(before_ns, scope=OrderScope.ALL)) == 3
    assert ids(before_ns, scope=OrderScope.ALL, limit=1) != []
    assert ids(before_ns - 3_600 * 10**9, scope=OrderScope.ALL) == []


def test_stale_positions_and_fills(bench: Bench) -> None:
    reads = bench.venue.face.desk.reads
    before_ns = bench.edge.now_ns
    bench.advance()
    bench.filled()
    me = account(bench)
    assert reads.positions(me, as_of_ns=before_ns) == []
    assert [view.qty for view in reads.positions(me, as_of_ns=bench.edge.now_ns)] == [to_nano(10)]
    assert reads.position(me, SYM, as_of_ns=bench.edge.now_ns).qty == to_nano(10)
    with pytest.raises(Refusal):
        reads.position(me, SYM, as_of_ns=before_ns)
    assert reads.fills(me, as_of_ns=before_ns) == []
    (fill,) = reads.fills(me, as_of_ns=None)
    assert reads.fills(me, as_of_ns=bench.edge.now_ns) == [fill]
    bench.exchange.bust(fill.exec_id)
    assert reads.fills(me, as_of_ns=None) == []


def test_what_would_be_short(bench: Bench) -> None:
    def request(side: Side) -> OrderRequest:
        return OrderRequest(
            symbol=SYM,
            side=side,
            ord_type=OrdType.MARKET,
            tif=TimeInForce.DAY,
            order_qty=to_nano(1),
        )

    me = account(bench)
    assert position_qty(bench.exchange, me, SYM) == 0
    assert would_be_short(bench.exchange, me, request(Side.SELL))
    assert not would_be_short(bench.exchange, me, request(Side.BUY))
    bench.filled()
    assert not would_be_short(bench.exchange, me, request(Side.SELL))
