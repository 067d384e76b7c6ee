"""Streams at the edge: order kept, and what each stream fault does to the messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from surefill.sim.alpaca.text import parse_stamp
from surefill.sim.faults import Fault, FaultCode, Param
from surefill.sim.streams import CUT, GOING_AWAY, HUGE_FRAME_BYTES, StreamError
from surefill.sim.wire import Delivery, DeliveryKind, StreamKind, WireRequest
from tests.support.bench import MS, SYM, Bench

AUTH = b'{"action":"auth","key":"KEY","secret":"S"}'
LISTEN = b'{"action":"listen","data":{"streams":["trade_updates"]}}'


@pytest.fixture
def bench() -> Bench:
    """A venue with one listening order stream, connection 1."""
    bench = Bench(latency="default")
    bench.quote(SYM, "99.99", "100.01")
    listen(bench, 1)
    return bench


def listen(bench: Bench, conn: int) -> bool:
    if not bench.edge.open_stream(bench.edge.now_ns, conn, StreamKind.ORDERS, headers={}):
        return False
    bench.edge.stream_send(bench.edge.now_ns, conn, AUTH)
    bench.edge.stream_send(bench.edge.now_ns, conn, LISTEN)
    frames = bench.advance()
    assert [json.loads(f.frame.data)["stream"] for f in frames if f.frame] == [
        "authorization",
        "listening",
    ]
    return True


def buy(bench: Bench) -> list[Delivery]:
    """Buy ten; everything that reached the stream within 5 s."""
    bench.tickets += 1
    body: dict[str, Any] = {
        "symbol": SYM,
        "qty": "10",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
    }
    headers = {"apca-api-key-id": "KEY", "apca-api-secret-key": "S"}
    request = WireRequest("POST", "/v2/orders", (), headers, json.dumps(body).encode())
    bench.edge.send(bench.edge.now_ns, bench.tickets, request)
    return [delivery for delivery in bench.advance(5_000) if delivery.conn is not None]


def arm(bench: Bench, code: FaultCode, target: str = "orders", **params: Param) -> None:
    bench.edge.faults.arm(Fault(code, target, params=params), bench.edge.now_ns)


def events(deliveries: list[Delivery]) -> list[str]:
    """Event names in the order of arrival."""
    return [json.loads(d.frame.data)["data"]["event"] for d in deliveries if d.frame]


def test_events_arrive_in_order(bench: Bench) -> None:
    for _ in range(20):
        assert events(buy(bench)) == ["pending_new", "new", "fill"]


def test_a_connection_is_opened_once(bench: Bench) -> None:
    with pytest.raises(StreamError, match="open already"):
        bench.edge.open_stream(bench.edge.now_ns, 1, StreamKind.ORDERS, headers={})


def test_a_closed_connection_gets_nothing(bench: Bench) -> None:
    bench.edge.close_stream(bench.edge.now_ns, 1)
    bench.edge.close_stream(bench.edge.now_ns, 1)
    bench.edge.stream_send(bench.edge.now_ns, 1, LISTEN)
    assert buy(bench) == []


def test_a_message_that_arrives_after_the_end_is_ignored(bench: Bench) -> None:
    bench.edge.stream_send(bench.edge.now_ns, 1, LISTEN)
    bench.edge.close_stream(bench.edge.now_ns, 1)
    assert bench.advance() == []


def test_frames_under_way_die_with_the_connection(bench: Bench) -> None:
    bench.edge.stream_send(bench.edge.now_ns, 1, LISTEN)
    arrive_ns = bench.edge.next_ns()
    assert arrive_ns is not None
    bench.edge.advance(arrive_ns)
    bench.edge.close_stream(bench.edge.now_ns, 1)
    assert bench.advance() == []


def test_w1_drops_one(bench: Bench) -> None:
    arm(bench, FaultCode.W1, "orders fill")
    assert events(buy(bench)) == ["pending_new", "new"]


def test_w2_doubles_one(bench: Bench) -> None:
    arm(bench, FaultCode.W2, "orders fill", copies=2)
    assert events(buy(bench)) == ["pending_new", "new", "fill", "fill", "fill"]


def test_w3_lets_later_ones_overtake(bench: Bench) -> None:
    arm(bench, FaultCode.W3, "orders new", delay_ms=500)
    assert events(buy(bench)) == ["pending_new", "fill", "new"]


def test_w4_delays_and_keeps_the_order(bench: Bench) -> None:
    arm(bench, FaultCode.W4, "orders new", delay_ms=2_000)
    start_ns = bench.edge.now_ns
    deliveries = buy(bench)
    assert events(deliveries) == ["pending_new", "new", "fill"]
    assert deliveries[0].at_ns - start_ns < 500 * MS
    assert deliveries[1].at_ns - start_ns >= 2_000 * MS


@pytest.mark.parametrize(("mode", "code"), [("cut", CUT), ("close", GOING_AWAY)])
def test_w5_cuts_and_refuses_for_a_while(bench: Bench, mode: str, code: int) -> None:
    arm(bench, FaultCode.W5, "orders new", mode=mode, refuse_ms=10_000)
    deliveries = buy(bench)
    assert [d.code for d in deliveries if d.kind is DeliveryKind.CLOSE] == [code]
    assert "fill" not in events([d for d in deliveries if d.frame])
    assert not listen(bench, 2)
    bench.advance(10_000)
    assert listen(bench, 3)
    assert events(buy(bench)) == ["pending_new", "new", "fill"]


def test_w6_is_mute_without_a_close(bench: Bench) -> None:
    arm(bench, FaultCode.W6, for_ms=2_000)
    kinds = [delivery.kind for delivery in buy(bench)]
    assert kinds.count(DeliveryKind.UNMUTE) >= 1
    assert DeliveryKind.MUTE in kinds
    assert DeliveryKind.FRAME not in kinds
    assert events(buy(bench)) == ["pending_new", "new", "fill"]


def test_w6_hears_nothing_either_and_ends_when_cleared(bench: Bench) -> None:
    arm(bench, FaultCode.W6)
    assert [d.kind for d in buy(bench)] == [DeliveryKind.MUTE] * 3
    bench.edge.stream_send(bench.edge.now_ns, 1, LISTEN)
    assert bench.advance() == []
    bench.edge.clear_faults()
    assert [d.kind for d in bench.advance()] == [DeliveryKind.UNMUTE]


@pytest.mark.parametrize("mode", ["binary", "text", "huge"])
def test_w8_puts_garbage_before_the_message(bench: Bench, mode: str) -> None:
    arm(bench, FaultCode.W8, "orders fill", mode=mode)
    deliveries = buy(bench)
    garbage = deliveries[2].frame
    assert garbage is not None
    with pytest.raises(ValueError):
        json.loads(garbage.data)
    assert garbage.is_text == (mode != "binary")
    assert (len(garbage.data) == HUGE_FRAME_BYTES) == (mode == "huge")
    assert events([*deliveries[:2], *deliveries[3:]]) == ["pending_new", "new", "fill"]


def test_w9_sends_something_nobody_knows(bench: Bench) -> None:
    arm(bench, FaultCode.W9, "orders fill")
    arrived = events(buy(bench))
    assert arrived[-1] == "fill"
    assert arrived[-2] not in ("new", "pending_new", "fill")


def test_an_outage_cuts_the_stream(bench: Bench) -> None:
    arm(bench, FaultCode.N10, "orders new")
    deliveries = buy(bench)
    assert [d.code for d in deliveries if d.kind is DeliveryKind.CLOSE] == [CUT]


def test_market_events_go_to_market_streams_only(bench: Bench) -> None:
    assert bench.edge.open_stream(bench.edge.now_ns, 2, StreamKind.MARKET, headers={})
    bench.edge.stream_send(bench.edge.now_ns, 2, AUTH)
    bench.edge.stream_send(bench.edge.now_ns, 2, b'{"action":"subscribe","quotes":["ACME"]}')
    bench.advance()
    arm(bench, FaultCode.W1, "market quote")
    bench.quote(SYM, "99.98", "100.02")
    bench.quote(SYM, "99.97", "100.03")
    bench.print_(SYM, "100.00")
    frames = [d.frame for d in bench.advance() if d.conn == 2]
    assert [json.loads(frame.data)[0]["bp"] for frame in frames if frame] == [99.97]


def test_w10_events_arrive_before_the_answer(bench: Bench) -> None:
    arm(bench, FaultCode.W10, "POST /v2/orders", delay_ms=900)
    bench.tickets += 1
    headers = {"apca-api-key-id": "KEY", "apca-api-secret-key": "S"}
    body = json.dumps(
        {"symbol": SYM, "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    )
    request = WireRequest("POST", "/v2/orders", (), headers, body.encode())
    bench.edge.send(bench.edge.now_ns, bench.tickets, request)
    assert [d.conn for d in bench.advance(5_000)] == [1, 1, 1, None]
    assert bench.edge.faults.counters["W10"] == 1


def test_w11_the_cancel_of_a_sibling_is_not_told(bench: Bench) -> None:
    arm(bench, FaultCode.W11)
    bracket = bench_order(
        bench,
        order_class="bracket",
        take_profit={"limit_price": "101"},
        stop_loss={"stop_price": "98"},
    )
    bench.quote(SYM, "101.01", "101.03")
    told = [json.loads(d.frame.data)["data"] for d in bench.advance(5_000) if d.frame]
    assert [(row["event"], row["order"]["type"]) for row in told] == [("fill", "limit")]
    assert bench.exchange.order(*bracket).status.is_terminal
    assert bench.edge.faults.counters["W11"] == 1


def bench_order(bench: Bench, **more: object) -> tuple[str, str]:
    """Buy ten with these terms; account and id of the order after it was filled."""
    bench.tickets += 1
    body = {"symbol": SYM, "qty": "10", "side": "buy", "type": "market", "time_in_force": "day"}
    headers = {"apca-api-key-id": "KEY", "apca-api-secret-key": "S"}
    data = json.dumps({**body, **more}).encode()
    bench.edge.send(
        bench.edge.now_ns, bench.tickets, WireRequest("POST", "/v2/orders", (), headers, data)
    )
    for delivery in bench.advance(5_000):
        if delivery.response is not None:
            return bench.venue.keys.open("KEY").account, json.loads(delivery.response.body)["id"]
    raise AssertionError("no answer")


def test_w12_a_slow_reader_gets_everything_at_once(bench: Bench) -> None:
    arm(bench, FaultCode.W12, "orders pending_new", delay_ms=3_000)
    frames = buy(bench)
    assert events(frames) == ["pending_new", "new", "fill"]
    assert frames[-1].at_ns - frames[0].at_ns < MS
    assert bench.edge.faults.counters["W12"] == 1


@pytest.mark.parametrize(("kind", "last"), [("orders", []), ("market", [407])])
def test_w12_a_slow_reader_is_thrown_out(bench: Bench, kind: str, last: list[int]) -> None:
    bench.edge.open_stream(bench.edge.now_ns, 2, StreamKind.MARKET, headers={})
    bench.edge.stream_send(bench.edge.now_ns, 2, AUTH)
    bench.edge.stream_send(bench.edge.now_ns, 2, b'{"action":"subscribe","quotes":["*"]}')
    bench.advance()
    arm(bench, FaultCode.W12, kind, mode="thrown_out")
    bench.quote(SYM, "99.98", "100.01")
    conn = 1 if kind == "orders" else 2
    told = [d for d in [*bench.advance(100), *buy(bench)] if d.conn == conn]
    assert told[-1].kind is DeliveryKind.CLOSE
    assert [json.loads(d.frame.data)[0]["code"] for d in told if d.frame] == last


def test_w13_each_new_connection_is_cut_again(bench: Bench) -> None:
    bench.edge.faults.arm(
        Fault(FaultCode.W13, "orders", count=3, params={"delay_ms": 50}), bench.edge.now_ns
    )
    for conn in range(2, 5):
        assert bench.edge.open_stream(bench.edge.now_ns, conn, StreamKind.ORDERS, headers={})
        (end,) = bench.advance(60)
        assert (end.conn, end.kind, end.code) == (conn, DeliveryKind.CLOSE, CUT)
    assert bench.edge.open_stream(bench.edge.now_ns, 9, StreamKind.ORDERS, headers={})
    bench.edge.close_stream(bench.edge.now_ns, 9)
    assert bench.edge.faults.counters["W13"] == 3
    bench.edge.faults.arm(Fault(FaultCode.W13, "orders"), bench.edge.now_ns)
    assert bench.edge.open_stream(bench.edge.now_ns, 10, StreamKind.ORDERS, headers={})
    bench.edge.close_stream(bench.edge.now_ns, 10)
    assert bench.advance(500) == [], "the client was faster"


def test_w14_an_order_of_somebody_else(bench: Bench) -> None:
    arm(bench, FaultCode.W14, "orders fill")
    told = [json.loads(d.frame.data)["data"] for d in buy(bench) if d.frame]
    assert [row["event"] for row in told] == ["pending_new", "new", "fill", "fill"]
    foreign, ours = told[2:]
    assert foreign["order"]["id"] != ours["order"]["id"]
    assert foreign["execution_id"] != ours["execution_id"]
    assert foreign["order"]["client_order_id"].startswith("manual-")
    assert bench.edge.faults.counters["W14"] == 1
    session = bench.venue.face.open_stream(StreamKind.MARKET, {})
    assert session.foreign(bench.venue.face.desk.reads.everything()[0]) == ()


def test_v27_every_time_of_the_broker_is_off(bench: Bench) -> None:
    arm(bench, FaultCode.V27, "*", mode="behind", skew_ms=90_000)
    told = [json.loads(d.frame.data)["data"] for d in buy(bench) if d.frame]
    started_ns = bench.edge.now_ns - 5_000 * MS
    shown_ns = parse_stamp(told[0]["timestamp"]) or 0
    assert -90_100 * MS < shown_ns - started_ns - 0 < -89_800 * MS
    assert bench.edge.faults.counters["V27"] == len(told) + 1
