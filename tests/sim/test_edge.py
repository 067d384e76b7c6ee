"""The edge: what arrives when, in which order, and what each request fault does to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import to_nano
from surefill.sim.edge import Edge, EdgeError
from surefill.sim.faults import Fault, FaultCode, Param
from surefill.sim.market import PrintEvent, QuoteEvent, ScriptedMarket, StatusEvent
from surefill.sim.models import LatencyModel
from surefill.sim.wire import Delivery, DeliveryKind, StreamKind, WireRequest
from tests.support.bench import MS, START_NS, SYM, Bench

HEADERS = {"apca-api-key-id": "KEY", "apca-api-secret-key": "S"}
S = 1_000 * MS


@pytest.fixture
def bench() -> Bench:
    bench = Bench(latency="default")
    bench.quote(SYM, "99.99", "100.01")
    return bench


def buy(cl_ord_id: str = "one") -> WireRequest:
    body = {
        "symbol": SYM,
        "qty": "10",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        "client_order_id": cl_ord_id,
    }
    return WireRequest("POST", "/v2/orders", (), HEADERS, json.dumps(body).encode())


def get(path: str) -> WireRequest:
    return WireRequest("GET", path, (), HEADERS)


def arm(bench: Bench, code: FaultCode, target: str = "*", **params: Param) -> None:
    bench.edge.faults.arm(Fault(code, target, params=params), bench.edge.now_ns)


def send(bench: Bench, request: WireRequest, *, wait_ms: int = 10_000) -> list[Delivery]:
    """Send one request and let time pass; only what answers it."""
    bench.tickets += 1
    bench.edge.send(bench.edge.now_ns, bench.tickets, request)
    return [d for d in bench.advance(wait_ms) if d.ticket == bench.tickets]


def filled_qty(bench: Bench) -> int:
    """What the venue really holds."""
    return sum(position.qty for position in bench.exchange.positions(account(bench)))


def account(bench: Bench) -> str:
    return bench.venue.keys.open("KEY").account


def body_of(delivery: Delivery) -> Any:
    assert delivery.response is not None
    return json.loads(delivery.response.body)


def test_an_answer_takes_15_to_150_ms(bench: Bench) -> None:
    for number in range(50):
        sent_ns = bench.edge.now_ns
        (answer,) = send(bench, get("/v2/clock"))
        assert 15 * MS <= answer.at_ns - sent_ns <= 150 * MS, number


def test_time_never_goes_back(bench: Bench) -> None:
    bench.advance(10)
    with pytest.raises(EdgeError, match="go back"):
        bench.edge.advance(bench.edge.now_ns - 1)
    with pytest.raises(EdgeError, match="go back"):
        bench.edge.send(bench.edge.now_ns - 1, 1, get("/v2/clock"))


def test_next_ns_says_when_to_come_back(bench: Bench) -> None:
    assert bench.edge.quiet_ns() is None
    assert bench.edge.next_ns() is None
    bench.edge.send(bench.edge.now_ns, 1, buy())
    seen: list[Delivery] = []
    while (next_ns := bench.edge.next_ns()) is not None and len(seen) < 20:
        assert bench.edge.quiet_ns() == next_ns
        seen += bench.edge.advance(next_ns)
        if any(delivery.ticket == 1 for delivery in seen):
            break
    assert [delivery.kind for delivery in seen] == [DeliveryKind.RESPONSE]


def test_advance_until_stops_at_the_first_news(bench: Bench) -> None:
    bench.edge.send(bench.edge.now_ns, 1, get("/v2/clock"))
    end_ns = bench.edge.now_ns + 10 * S
    (answer,) = bench.edge.advance_until(end_ns, lambda: False)
    assert bench.edge.now_ns == answer.at_ns < end_ns
    assert bench.edge.advance_until(end_ns, lambda: True) == []
    assert bench.edge.now_ns == answer.at_ns
    assert bench.edge.advance_until(end_ns, lambda: False) == []
    assert bench.edge.now_ns == end_ns
    with pytest.raises(EdgeError, match="go back"):
        bench.edge.advance_until(end_ns - 1, lambda: False)


def test_the_market_plays_in_order_with_the_requests() -> None:
    script = ScriptedMarket(
        [
            QuoteEvent("A", Nbbo(1, 1, 2, 1, START_NS + S, START_NS + S)),
            PrintEvent("A", Print(2, 1, START_NS + 2 * S, START_NS + 2 * S)),
            StatusEvent("A", TradingStatus.HALTED, START_NS + 3 * S),
        ]
    )
    venue = Bench().venue
    edge = Edge(
        exchange=venue.exchange, market=script, face=venue.face, latency=LatencyModel.none()
    )
    assert edge.next_ns() == START_NS + S
    assert edge.quiet_ns() is None
    edge.advance(START_NS + S)
    assert venue.exchange.nbbo("A") is not None
    assert venue.exchange.last_print("A") is None
    edge.advance(START_NS + 5 * S)
    assert venue.exchange.status("A") is TradingStatus.HALTED
    assert edge.next_ns() is None


def test_a_minute_ends_for_who_listens_to_the_market() -> None:
    bench = Bench()
    bench.edge.open_stream(bench.edge.now_ns, 1, StreamKind.MARKET, headers={})
    for action in ('"auth","key":"KEY","secret":"S"', '"subscribe","bars":["*"]'):
        bench.edge.stream_send(bench.edge.now_ns, 1, f'{{"action":{action}}}'.encode())
    bench.advance(11_000)  # the time to authenticate is over
    bench.print_(SYM, "100")
    end_ns = START_NS + 60 * S
    assert bench.edge.next_ns() == end_ns
    assert bench.edge.quiet_ns() is None, "it is no message that a pinned clock would wait for"
    assert bench.edge.advance(end_ns - 1) == []
    (bar,) = bench.edge.advance(end_ns)
    assert bar.frame is not None
    assert json.loads(bar.frame.data)[0]["T"] == "b"
    assert bench.edge.next_ns() is None


def test_a_market_stream_must_authenticate_in_time() -> None:
    bench = Bench()
    for conn in (1, 2):
        bench.edge.open_stream(bench.edge.now_ns, conn, StreamKind.MARKET, headers={})
    bench.edge.open_stream(bench.edge.now_ns, 3, StreamKind.ORDERS, headers={})
    bench.edge.stream_send(bench.edge.now_ns, 1, b'{"action":"auth","key":"KEY","secret":"S"}')
    assert all(d.kind is DeliveryKind.FRAME for d in bench.advance(9_999))
    error, end = bench.advance(1)
    assert error.frame is not None
    assert json.loads(error.frame.data) == [{"T": "error", "code": 404, "msg": "auth timeout"}]
    assert (end.conn, end.kind, end.code) == (2, DeliveryKind.CLOSE, 1008)


def test_the_same_seed_gives_the_same_truth() -> None:
    def run() -> str:
        bench = Bench(latency="default", id_seed=3)
        bench.quote(SYM, "99.99", "100.01")
        for number in range(5):
            send(bench, buy(f"id-{number}"), wait_ms=200)
        return str(bench.venue.log.lines[-1]["hash"])

    assert run() == run()


def test_n1_never_reaches_the_venue(bench: Bench) -> None:
    arm(bench, FaultCode.N1)
    assert send(bench, buy()) == []
    assert filled_qty(bench) == 0
    assert bench.edge.faults.counters["N1"] == 1


def test_n2_takes_effect_late_and_nobody_hears(bench: Bench) -> None:
    arm(bench, FaultCode.N2, accept_delay_ms=5_000)
    assert send(bench, buy(), wait_ms=4_900) == []
    assert filled_qty(bench) == 0
    bench.advance(1_000)
    assert filled_qty(bench) == to_nano(10)


@pytest.mark.parametrize(("effect", "qty"), [(False, 0), (True, 10)])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_n3_fails_with_and_without_effect(
    bench: Bench, status: int, effect: bool, qty: int
) -> None:
    arm(bench, FaultCode.N3, "POST", status=status, effect=effect)
    (answer,) = send(bench, buy())
    assert answer.response is not None
    assert answer.response.status == status
    assert filled_qty(bench) == to_nano(qty)


def test_n4_says_when_to_come_back(bench: Bench) -> None:
    arm(bench, FaultCode.N4, retry_after_s=7)
    arm(bench, FaultCode.N4, headers=False)
    (with_headers,) = send(bench, buy())
    (without,) = send(bench, buy())
    assert with_headers.response is not None
    assert without.response is not None
    assert with_headers.response.status == without.response.status == 429
    assert with_headers.response.headers["retry-after"] == "7"
    assert with_headers.response.headers["x-ratelimit-remaining"] == "0"
    assert "retry-after" not in without.response.headers
    assert filled_qty(bench) == 0


def test_n5_breaks_the_answer_after_the_effect(bench: Bench) -> None:
    for number, mode in enumerate(("reset", "truncated", "html", "empty"), start=1):
        arm(bench, FaultCode.N5, mode=mode)
        (answer,) = send(bench, buy(f"n5-{mode}"))
        assert filled_qty(bench) == to_nano(10 * number)
        if mode == "reset":
            assert (answer.kind, answer.response) == (DeliveryKind.RESET, None)
            continue
        assert answer.response is not None
        with pytest.raises(ValueError):
            json.loads(answer.response.body)
        assert (answer.kind is DeliveryKind.RESET) == (mode == "truncated")
    assert bench.edge.faults.counters["N5"] == 4


def test_n5_without_effect(bench: Bench) -> None:
    arm(bench, FaultCode.N5, effect=False)
    (answer,) = send(bench, buy())
    assert answer.kind is DeliveryKind.RESET
    assert filled_qty(bench) == 0


def test_n6_is_slow_or_silent(bench: Bench) -> None:
    arm(bench, FaultCode.N6, delay_ms=3_000)
    sent_ns = bench.edge.now_ns
    (answer,) = send(bench, buy())
    assert answer.at_ns - sent_ns >= 3_000 * MS
    arm(bench, FaultCode.N6, never=True)
    assert send(bench, buy("two")) == []
    assert filled_qty(bench) == to_nano(20)


def test_n8_shows_the_past_lists_more_than_single_reads(bench: Bench) -> None:
    send(bench, buy())
    order = bench.exchange.order_by_cl_ord_id(account(bench), "one")
    everything = WireRequest("GET", "/v2/orders", (("status", "all"),), HEADERS)
    bench.edge.faults.arm(
        Fault(FaultCode.N8, "GET", count=2, params={"lag_ms": 0, "list_lag_ms": 60_000}), 0
    )
    assert body_of(send(bench, everything)[0]) == []
    single = body_of(send(bench, get(f"/v2/orders/{order.order_id}"))[0])
    assert single["status"] == "filled"
    assert len(body_of(send(bench, everything)[0])) == 1
    arm(bench, FaultCode.N8, "POST")
    (answer,) = send(bench, buy("two"))
    assert body_of(answer)["client_order_id"] == "two"


def test_n10_cuts_everything_for_a_while(bench: Bench) -> None:
    arm(bench, FaultCode.N10, for_ms=1_000)
    (answer,) = send(bench, buy(), wait_ms=500)
    assert answer.kind is DeliveryKind.RESET
    assert not bench.edge.open_stream(bench.edge.now_ns, 1, StreamKind.ORDERS, headers={})
    bench.advance(1_000)
    assert bench.edge.open_stream(bench.edge.now_ns, 2, StreamKind.ORDERS, headers={})
    assert len(send(bench, buy())) == 1
    arm(bench, FaultCode.N10, mode="silent")
    assert send(bench, buy("two")) == []
    bench.edge.clear_faults()
    assert len(send(bench, buy("three"))) == 1
    assert filled_qty(bench) == to_nano(20)


def test_settle_passes_on_what_the_operator_did(bench: Bench) -> None:
    send(bench, buy())
    fill = bench.exchange.fills(account(bench))[0]
    bench.exchange.bust(fill.exec_id)
    bench.edge.settle()
    assert bench.exchange.drain() == []
    assert filled_qty(bench) == 0


def test_n7_and_n9_spoil_a_good_answer(bench: Bench) -> None:
    send(bench, buy())
    arm(bench, FaultCode.N7, "GET", mode="nan")
    arm(bench, FaultCode.N9, "GET /v2/orders", mode="cut", rows=0)
    (account,) = send(bench, get("/v2/account"))
    assert account.response is not None
    assert json.loads(account.response.body)["cash"] == "NaN"
    (listing,) = send(bench, get("/v2/orders"))
    assert listing.response is not None
    assert json.loads(listing.response.body) == []
    assert (bench.edge.faults.counters["N7"], bench.edge.faults.counters["N9"]) == (1, 1)
    arm(bench, FaultCode.N7)
    (missing,) = send(bench, get("/v2/orders/none"))
    assert missing.response is not None
    assert missing.response.status == 422, "only good answers are spoiled"


@pytest.mark.parametrize(("mode", "status"), [("second", 422), ("first", 200)])
def test_n11_sends_a_post_twice(bench: Bench, mode: str, status: int) -> None:
    arm(bench, FaultCode.N11, mode=mode)
    (answer,) = send(bench, buy())
    assert answer.response is not None
    assert answer.response.status == status
    assert filled_qty(bench) == to_nano(10), "the client id makes it one order"


def test_v19_keeps_a_request_pending(bench: Bench) -> None:
    arm(bench, FaultCode.V19, "route", delay_ms=5_000)
    send(bench, buy(), wait_ms=4_000)
    assert filled_qty(bench) == 0
    bench.advance(2_000)
    assert filled_qty(bench) == to_nano(10)
    assert bench.edge.faults.counters["V19"] == 1


def bracket(bench: Bench) -> Any:
    return bench_call(
        bench,
        {
            "symbol": SYM,
            "qty": "10",
            "side": "buy",
            "type": "market",
            "time_in_force": "day",
            "order_class": "bracket",
            "take_profit": {"limit_price": "102"},
            "stop_loss": {"stop_price": "98"},
        },
    )


def bench_call(bench: Bench, body: dict[str, object]) -> Any:
    request = WireRequest("POST", "/v2/orders", (), HEADERS, json.dumps(body).encode())
    (answer,) = send(bench, request)
    assert answer.response is not None
    bench.advance()
    return json.loads(answer.response.body)


def test_v20_leaves_both_exits_held(bench: Bench) -> None:
    arm(bench, FaultCode.V20)
    order = bracket(bench)
    shown = [bench.exchange.order(account(bench), leg["id"]) for leg in order["legs"]]
    assert [(leg.held, leg.armed) for leg in shown] == [(True, False)] * 2


def test_v18_disarms_the_stop_beside_a_partly_filled_target(bench: Bench) -> None:
    arm(bench, FaultCode.V18)
    stop_id = bracket(bench)["legs"][1]["id"]
    bench.quote(SYM, "102.00", "102.05", "4")
    bench.advance()
    stop = bench.exchange.order(account(bench), stop_id)
    assert (stop.held, stop.armed, stop.leaves_qty) == (True, False, to_nano(6))
    bench.quote(SYM, "96.99", "97.01", "1000")
    bench.print_(SYM, "97")
    bench.advance()
    assert bench.exchange.order(account(bench), stop_id).leaves_qty == to_nano(6)


def test_w7_refuses_connections_and_credentials(bench: Bench) -> None:
    arm(bench, FaultCode.W7, "orders", mode="refuse")
    now_ns = bench.edge.now_ns
    assert not bench.edge.open_stream(now_ns, 1, StreamKind.ORDERS, headers={})
    for conn, kind in ((2, StreamKind.ORDERS), (3, StreamKind.MARKET)):
        arm(bench, FaultCode.W7, str(kind), mode="auth")
        assert bench.edge.open_stream(now_ns, conn, kind, headers={})
        bench.edge.stream_send(now_ns, conn, b'{"action":"auth","key":"KEY","secret":"S"}')
    frames = [d.frame.data for d in bench.advance() if d.frame is not None]
    assert sum(b"unauthorized" in data for data in frames) == 1
    assert sum(b"402" in data for data in frames) == 1
    assert bench.edge.faults.counters["W7"] == 3
