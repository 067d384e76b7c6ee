"""The face as a whole: authentication, limits, routing, request ids."""

from __future__ import annotations

import pytest

from surefill.sim.alpaca.api import ROUTES
from surefill.sim.alpaca.data_stream import DataSession
from surefill.sim.alpaca.stream import OrderSession
from surefill.sim.wire import StreamKind, WireRequest
from tests.support.bench import SYM, Bench


def test_without_keys_nothing_is_answered() -> None:
    answer = Bench().venue.face.handle(WireRequest("GET", "/v2/account"))
    assert answer.status == 401
    assert b"40110000" in answer.body
    plain = Bench("unauthorized_body=plain").venue.face.handle(WireRequest("GET", "/v2/account"))
    assert plain.body == b'{"message":"unauthorized."}'


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/nothing"),
        ("PUT", "/v2/orders"),
        ("GET", "/"),
        ("POST", "/v2/clock"),
        ("GET", "/v3/clock"),
    ],
)
def test_unknown_routes_are_404_in_the_same_shape(method: str, path: str) -> None:
    assert Bench().call(method, path).error == (404, 40410000, "endpoint not found")


def test_a_trailing_slash_is_forgiven() -> None:
    assert Bench().call("GET", "/v2/clock/").status == 200


def test_every_answer_has_its_own_request_id_and_the_same_ones_again() -> None:
    def ids() -> list[str]:
        bench = Bench()
        return [bench.call("GET", "/v2/clock").headers["x-request-id"] for _ in range(3)]

    first = ids()
    assert len(set(first)) == 3
    assert first == ids()


def test_the_request_limit_is_counted_refused_and_released() -> None:
    bench = Bench("rate_limit_per_min=3")
    bench.quote(SYM, "1", "2")
    answers = [bench.call("GET", "/v2/clock") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[3].json["code"] == 42910000
    assert bench.call("GET", f"/v2/stocks/{SYM}/quotes/latest").status == 200
    assert bench.call("GET", "/v2/clock", key="OTHER").status == 200
    bench.advance(60_000)
    assert bench.call("GET", "/v2/clock").status == 200


def test_limit_headers_are_a_switch() -> None:
    assert "x-ratelimit-limit" in Bench().call("GET", "/v2/clock").headers
    bare = Bench("rate_limit_headers=off").call("GET", "/v2/clock")
    assert "x-ratelimit-limit" not in bare.headers
    free = Bench("rate_limit_per_min=0").call("GET", "/v2/clock")
    assert "x-ratelimit-limit" not in free.headers


def test_an_unknown_symbol_has_two_wordings() -> None:
    assert Bench().order().error == (422, 42210000, f'asset "{SYM}" not found')
    old = Bench("unknown_symbol_code=40010001").order()
    assert old.error == (422, 40010001, f'could not find asset "{SYM}"')


def test_streams_get_the_session_of_their_kind() -> None:
    face = Bench().venue.face
    assert isinstance(face.open_stream(StreamKind.ORDERS, {}), OrderSession)
    assert isinstance(face.open_stream(StreamKind.MARKET, {}), DataSession)


def test_the_fault_answer_is_stamped_too() -> None:
    answer = Bench().venue.face.fault_answer(504, {})
    assert answer.status == 504
    assert "x-request-id" in answer.headers


def test_routes_are_anchored() -> None:
    assert len({(method, pattern.pattern) for method, pattern, _ in ROUTES}) == len(ROUTES)
