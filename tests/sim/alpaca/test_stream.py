"""The ``trade_updates`` protocol, message by message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from surefill.core.fix import TradingStatus
from surefill.sim.alpaca.data_stream import DataSession
from surefill.sim.alpaca.stream import OrderSession
from surefill.sim.alpaca.words import EVENT_WORDS
from surefill.sim.market import StatusEvent
from surefill.sim.types import OrderEventKind
from surefill.sim.wire import Frame
from tests.sim.alpaca.samples import event
from tests.support.bench import START_NS, Bench

AUTHENTICATE = b'{"action":"authenticate","data":{"key_id":"KEY","secret_key":"S"}}'
AUTH = b'{"action":"auth","key":"KEY","secret":"S"}'
LISTEN = b'{"action":"listen","data":{"streams":["trade_updates","account_updates"]}}'


def only(frames: Sequence[Frame]) -> Any:
    """The one message of these frames."""
    (frame,) = frames
    return json.loads(frame.data)


def session(bench: Bench, headers: dict[str, str] | None = None) -> OrderSession:
    return OrderSession(bench.venue.face.desk, headers or {})


@pytest.mark.parametrize("hello", [AUTH, AUTHENTICATE])
def test_both_spellings_authenticate(hello: bytes) -> None:
    stream = session(Bench())
    assert stream.opened() == ()
    assert only(stream.receive(hello)) == {
        "stream": "authorization",
        "data": {"status": "authorized", "action": "authenticate"},
    }
    assert only(stream.receive(LISTEN)) == {
        "stream": "listening",
        "data": {"streams": ["trade_updates"]},
    }


def test_listening_needs_authorization() -> None:
    assert only(session(Bench()).receive(LISTEN)) == {
        "stream": "authorization",
        "data": {"status": "unauthorized", "action": "listen"},
    }


@pytest.mark.parametrize(
    "hello",
    [
        b'{"action":"auth","key":"KEY","secret":"wrong"}',
        b'{"action":"auth","key":"","secret":"S"}',
        b'{"action":"auth"}',
        b'{"action":"authenticate","data":{"key_id":7,"secret_key":"S"}}',
    ],
)
def test_a_wrong_pair_is_unauthorized(hello: bytes) -> None:
    bench = Bench()
    bench.call("GET", "/v2/account")
    stream = session(bench)
    assert only(stream.receive(hello))["data"]["status"] == "unauthorized"
    assert stream.account is None


@pytest.mark.parametrize("data", [b"\xc1", b"[]", b"{}", b'{"action":"dance"}', b"[" * 100_000])
def test_nonsense_is_an_error(data: bytes) -> None:
    assert only(session(Bench()).receive(data))["stream"] == "error"


def test_text_without_utf_8_is_survived() -> None:
    """Found by the fuzzer: a client id of a lone surrogate stopped every msgpack stream."""
    bench = Bench()
    bench.quote("ACME", "99.99", "100.01")
    order = bench.order(client_order_id="\ud800")
    assert order.json["client_order_id"] == "\ufffd"
    broken = b'{"action":"auth","key":"\\ud800","secret":"\\ud800"}'
    assert session(bench).receive(broken)


def test_events_reach_their_account_only_while_listening() -> None:
    bench = Bench()
    stream = session(bench)
    mine = event(OrderEventKind.NEW, account=bench.venue.keys.open("KEY").account)
    assert stream.on_order(mine) == ()
    stream.receive(AUTH)
    assert stream.on_order(mine) == ()
    stream.receive(LISTEN)
    message = only(stream.on_order(mine))
    assert message["stream"] == "trade_updates"
    assert message["data"]["event"] == "new"
    assert stream.on_order(event(OrderEventKind.NEW, account="PA-other")) == ()
    assert only(stream.receive(b'{"action":"listen","data":{"streams":[]}}'))["data"] == {
        "streams": []
    }
    assert stream.on_order(mine) == ()
    assert only(stream.receive(b'{"action":"listen"}'))["data"] == {"streams": []}
    stream.closed()
    assert stream.account is None


def test_frames_are_binary_text_or_msgpack() -> None:
    assert not session(Bench()).receive(AUTH)[0].is_text
    assert session(Bench("stream_frames=text")).receive(AUTH)[0].is_text
    packed = session(Bench(), {"content-type": "application/msgpack"})
    (frame,) = packed.receive(msgspec.msgpack.encode(json.loads(AUTH)))
    assert msgspec.msgpack.decode(frame.data)["data"]["status"] == "authorized"


def test_the_class_of_a_simple_order_follows_the_switch() -> None:
    bench = Bench("simple_class=simple")
    stream = session(bench)
    stream.receive(AUTH)
    stream.receive(LISTEN)
    mine = event(OrderEventKind.NEW, account=bench.venue.keys.open("KEY").account)
    assert only(stream.on_order(mine))["data"]["order"]["order_class"] == "simple"


def test_market_events_are_none_of_its_business() -> None:
    stream = session(Bench())
    assert stream.on_market(StatusEvent("A", TradingStatus.HALTED, START_NS)) == ()


def test_an_unknown_event_is_otherwise_well_formed() -> None:
    bench = Bench()
    stream = session(bench)
    stream.receive(AUTH)
    stream.receive(LISTEN)
    mine = event(OrderEventKind.NEW, account=bench.venue.keys.open("KEY").account)
    told = only(stream.on_order(mine))["data"]
    strange = json.loads(stream.unknown().data)["data"]
    assert strange["order"] == told["order"]
    assert strange["event"] not in EVENT_WORDS.values()


def test_the_number_of_sockets_is_a_switch() -> None:
    bench = Bench("order_streams_max=1")
    first = session(bench)
    first.receive(AUTH)
    second = OrderSession(bench.venue.face.desk, {}, others=[first])
    assert only(second.receive(AUTH))["data"]["status"] == "unauthorized"
    first.closed()
    assert only(second.receive(AUTH))["data"]["status"] == "authorized"
    assert second.is_listed


@pytest.mark.parametrize("data", [b"\xa1\xb7", b"\x81\x90\x01", b"\x81\x80\x01"])
def test_broken_messagepack_is_an_invalid_message(data: bytes) -> None:
    """Found by the fuzzer: text that is not UTF-8, keys that cannot be keys."""
    desk = Bench().venue.face.desk
    coded = DataSession(desk, {"content-type": "application/msgpack"})
    assert len(coded.receive(data)) == 1
    (frame,) = OrderSession(desk, {}).receive(data)
    assert b"invalid message" in frame.data
