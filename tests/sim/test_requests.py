"""The way of a request: travel, what may be lost of it, and what goes on without its client."""

from __future__ import annotations

import json

import pytest

from surefill.sim.faults import Fault, FaultCode, Param
from surefill.sim.requests import NOBODY, UnderWay
from surefill.sim.wire import Delivery, DeliveryKind, WireRequest
from tests.support.bench import SYM, Bench

HEADERS = {"apca-api-key-id": "KEY", "apca-api-secret-key": "S"}
BODY = {"symbol": SYM, "qty": "10", "side": "buy", "type": "market", "time_in_force": "day"}
BUY = WireRequest("POST", "/v2/orders", (), HEADERS, json.dumps(BODY).encode())


@pytest.fixture
def bench() -> Bench:
    bench = Bench(latency="default")
    bench.quote(SYM, "99.99", "100.01")
    return bench


def sent(bench: Bench) -> list[Delivery]:
    bench.edge.send(bench.edge.now_ns, 1, BUY)
    return bench.advance(20_000)


def orders(bench: Bench) -> int:
    return len(bench.exchange.venue.orders)


def test_a_request_goes_up_and_its_answer_down(bench: Bench) -> None:
    (answer,) = sent(bench)
    assert answer.response is not None
    assert (answer.ticket, answer.response.status, orders(bench)) == (1, 200, 1)


@pytest.mark.parametrize(
    ("code", "params", "effects", "kinds"),
    [
        ("N1", {}, 0, []),
        ("N2", {"accept_delay_ms": 5_000}, 1, []),
        ("N3", {"effect": True}, 1, [DeliveryKind.RESPONSE]),
        ("N3", {"effect": False}, 0, [DeliveryKind.RESPONSE]),
        ("N4", {}, 0, [DeliveryKind.RESPONSE]),
        ("N5", {"mode": "reset"}, 1, [DeliveryKind.RESET]),
        ("N5", {"mode": "html", "effect": False}, 0, [DeliveryKind.RESPONSE]),
        ("N6", {"never": True}, 1, []),
        ("N10", {"mode": "reset"}, 0, [DeliveryKind.RESET]),
        ("N10", {"mode": "silent"}, 0, []),
    ],
)
def test_what_is_lost_and_what_took_effect(
    bench: Bench, code: str, params: dict[str, Param], effects: int, kinds: list[DeliveryKind]
) -> None:
    bench.edge.faults.arm(Fault(FaultCode(code), "POST", params=params), bench.edge.now_ns)
    assert [delivery.kind for delivery in sent(bench)] == kinds
    assert orders(bench) == effects
    assert bench.edge.faults.counters[code] == 1


def test_what_is_under_way_arrives_without_its_client(bench: Bench) -> None:
    bench.edge.send(bench.edge.now_ns, 7, BUY)
    rows, seq = bench.edge.under_way(), bench.edge.seq
    assert [what for _, _, what in rows] == [UnderWay(BUY, "POST /v2/orders")]
    bench.edge.restore_under_way(rows, seq)
    assert [delivery.ticket for delivery in bench.advance(1_000)] == [NOBODY]
    assert orders(bench) == 1


@pytest.mark.parametrize(
    ("mode", "status", "words"),
    [
        ("wash_trade", 403, "potential wash trade"),
        ("qty", 403, "insufficient qty"),
        ("buying_power", 403, "insufficient buying power"),
        ("unprocessable", 422, "order parameters are not changed"),
        ("not_found", 404, "order not found"),
    ],
)
def test_n12_a_refusal_that_nothing_explains(
    bench: Bench, mode: str, status: int, words: str
) -> None:
    bench.edge.faults.arm(Fault(FaultCode.N12, "POST", params={"mode": mode}), bench.edge.now_ns)
    (answer,) = sent(bench)
    assert answer.response is not None
    assert answer.response.status == status
    assert words in answer.response.body.decode()
    assert orders(bench) == 0
    assert bench.edge.faults.counters["N12"] == 1


def test_v26_fields_are_gone(bench: Bench) -> None:
    bench.edge.faults.arm(Fault(FaultCode.V26, "GET"), bench.edge.now_ns)
    bench.edge.send(bench.edge.now_ns, 1, WireRequest("GET", "/v2/account", (), HEADERS))
    (answer,) = bench.advance(1_000)
    assert answer.response is not None
    body = json.loads(answer.response.body)
    assert "pattern_day_trader" not in body
    assert "cash" in body
