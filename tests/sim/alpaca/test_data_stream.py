"""The market-data protocol, message by message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgpack  # type: ignore[import-untyped]  # the decoder of alpaca-py, not ours
import pytest

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import to_nano
from surefill.sim.alpaca.data_stream import DataSession
from surefill.sim.market import PrintEvent, QuoteEvent, StatusEvent
from surefill.sim.notices import (
    BandNotice,
    ImbalanceNotice,
    MinuteEnd,
    PrintCancel,
    PrintCorrection,
)
from surefill.sim.types import OrderEventKind
from surefill.sim.wire import Frame, StreamKind
from tests.sim.alpaca.samples import event
from tests.support.bench import START_NS, Bench

AUTH = b'{"action":"auth","key":"KEY","secret":"S"}'
MSGPACK = {"content-type": "application/msgpack"}
NS = START_NS + 123_456_789
QUOTE = QuoteEvent("A", Nbbo(to_nano("1.5"), to_nano(100), to_nano(2), to_nano(7), NS, NS))
PRINT = PrintEvent("A", Print(to_nano("1.75"), to_nano(3), NS, NS))
HALT = StatusEvent("A", TradingStatus.HALTED, NS)


def only(frames: Sequence[Frame]) -> Any:
    """The one object of the one array of these frames."""
    (frame,) = frames
    (message,) = json.loads(frame.data)
    return message


def session(*pairs: str, headers: dict[str, str] | None = None) -> DataSession:
    return DataSession(Bench(*pairs).venue.face.desk, headers or {})


def subscribed(text: str) -> DataSession:
    stream = session()
    stream.receive(AUTH)
    stream.receive(text.encode())
    return stream


def test_greeting_and_authentication() -> None:
    stream = session()
    assert only(stream.opened()) == {"T": "success", "msg": "connected"}
    assert only(stream.receive(AUTH)) == {"T": "success", "msg": "authenticated"}
    assert only(stream.receive(AUTH)) == {
        "T": "error",
        "code": 403,
        "msg": "already authenticated",
    }


def test_headers_of_the_handshake_authenticate_as_well() -> None:
    headers = {"apca-api-key-id": "KEY", "apca-api-secret-key": "S"}
    frames = session(headers=headers).opened()
    words = [json.loads(frame.data)[0]["msg"] for frame in frames]
    assert words == ["connected", "authenticated"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"action":"subscribe","quotes":["A"]}', 401),
        (b'{"action":"auth","key":"KEY","secret":""}', 402),
        (b'{"action":"auth"}', 402),
    ],
)
def test_errors_before_authentication(data: bytes, code: int) -> None:
    assert only(session().receive(data))["code"] == code


@pytest.mark.parametrize(
    "data", [b'{"action":"dance"}', b'{"action":"subscribe","quotes":"A"}', b'{"action":7}']
)
def test_errors_after_authentication(data: bytes) -> None:
    stream = session()
    stream.receive(AUTH)
    assert only(stream.receive(data))["code"] == 400


def test_the_whole_set_is_acknowledged_each_time() -> None:
    stream = session()
    stream.receive(AUTH)
    first = only(stream.receive(b'{"action":"subscribe","trades":["A","A"],"quotes":["B"]}'))
    assert (first["trades"], first["quotes"], first["corrections"]) == (["A"], ["B"], ["A"])
    assert next(iter(first)) == "T"
    second = only(stream.receive(b'{"action":"subscribe","trades":["C"]}'))
    assert second["trades"] == ["A", "C"]
    third = only(stream.receive(b'{"action":"unsubscribe","trades":["A"],"quotes":["B"]}'))
    assert (third["trades"], third["quotes"]) == (["C"], [])


def test_quotes_prints_and_statuses() -> None:
    stream = subscribed('{"action":"subscribe","quotes":["A"],"trades":["*"],"statuses":["A"]}')
    quote = only(stream.on_market(QUOTE))
    assert (quote["T"], quote["S"], quote["bp"], quote["as"]) == ("q", "A", 1.5, 7)
    assert quote["t"] == "2026-03-02T15:00:00.123456789Z"
    assert next(iter(quote)) == "T"
    trade = only(stream.on_market(PRINT))
    assert (trade["T"], trade["p"], trade["s"]) == ("t", 1.75, 3)
    status = only(stream.on_market(HALT))
    assert (status["T"], status["sc"], status["z"]) == ("s", "H", "C")


def test_nothing_comes_unasked() -> None:
    stream = subscribed('{"action":"subscribe","quotes":["B"]}')
    assert stream.on_market(QUOTE) == stream.on_market(PRINT) == ()
    assert session().on_market(QUOTE) == ()
    stream.closed()
    assert stream.on_market(QUOTE) == ()
    assert stream.on_order(event(OrderEventKind.NEW)) == ()


def test_msgpack_has_timestamps_with_nanoseconds() -> None:
    stream = session(headers=MSGPACK)
    stream.receive(msgpack.packb(json.loads(AUTH)))
    stream.receive(msgpack.packb({"action": "subscribe", "quotes": ["A"]}))
    (frame,) = stream.on_market(QUOTE)
    (quote,) = msgpack.unpackb(frame.data)
    assert not frame.is_text
    assert quote["t"].to_unix_nano() == NS
    assert quote["bp"] == 1.5


def test_the_number_of_symbols_is_a_switch() -> None:
    stream = session("symbols_max=2")
    stream.receive(AUTH)
    stream.receive(b'{"action":"subscribe","quotes":["A","B"],"trades":["A"]}')
    assert only(stream.receive(b'{"action":"subscribe","trades":["C"]}'))["code"] == 405
    assert stream.on_market(QUOTE) != ()


def test_a_hundred_thousand_symbols_come_and_go() -> None:
    # Compared name by name with each other this took the server minutes (a hang for everybody).
    names = [f"S{number}" for number in range(100_000)]
    stream = subscribed(json.dumps({"action": "subscribe", "quotes": [*names, *names]}))
    assert only(stream.receive(b'{"action":"subscribe"}'))["quotes"] == names
    gone = only(stream.receive(json.dumps({"action": "unsubscribe", "quotes": names[1:]}).encode()))
    assert gone["quotes"] == ["S0"]


def test_an_unknown_type_for_fault_w9() -> None:
    assert json.loads(session().unknown().data)[0]["T"] == "zz"


def rows(frames: Sequence[Frame]) -> list[Any]:
    """All objects of these frames."""
    return [row for frame in frames for row in json.loads(frame.data)]


def listening(bench: Bench, *channels: str) -> DataSession:
    stream = DataSession(bench.venue.face.desk, {})
    stream.receive(AUTH)
    stream.receive(
        json.dumps({"action": "subscribe"} | {name: ["A"] for name in channels}).encode()
    )
    return stream


def test_bars_when_their_minute_is_over() -> None:
    bench = Bench()
    bench.print_("A", "10", "5")
    bench.print_("B", "10", "5")
    stream = listening(bench, "bars", "dailyBars")
    end_ns = START_NS + 60 * 10**9
    minute, day = rows(stream.on_notice(MinuteEnd(end_ns)))
    assert (minute["T"], minute["S"], minute["v"], minute["t"]) == (
        "b",
        "A",
        5,
        "2026-03-02T15:00:00Z",
    )
    assert (day["T"], day["c"], day["t"]) == ("d", 10, "2026-03-02T05:00:00Z")
    assert stream.on_notice(MinuteEnd(end_ns + 60 * 10**9)) == ()
    assert listening(bench, "trades").on_notice(MinuteEnd(end_ns)) == ()
    assert session().on_notice(MinuteEnd(end_ns)) == ()


def test_corrections_and_cancels_follow_trades_and_change_bars() -> None:
    bench = Bench()
    bench.print_("A", "10", "5")
    bench.print_("A", "12", "5")
    bench.advance(60_000)
    bench.print_("A", "11", "1")
    both = listening(bench, "trades", "updatedBars")
    correction = PrintCorrection("A", 2, to_nano("11"), to_nano(4), bench.edge.now_ns)
    bench.edge.announce(correction)
    changed, bar = rows(both.on_notice(correction))
    assert [changed[key] for key in ("T", "oi", "op", "os", "ci", "cp", "cs")] == [
        "c", 2, 12, 5, 2, 11, 4,
    ]  # fmt: skip
    assert (bar["T"], bar["h"], bar["v"]) == ("u", 11, 9)
    cancel = PrintCancel("A", 3, bench.edge.now_ns)
    bench.edge.announce(cancel)
    (gone,) = rows(both.on_notice(cancel))
    assert [gone[key] for key in ("T", "i", "p", "s", "a")] == ["x", 3, 11, 1, "C"]
    assert listening(bench, "quotes").on_notice(cancel) == ()


def test_bands() -> None:
    bands = BandNotice("A", to_nano("10.5"), to_nano("9.5"), NS)
    band = only(listening(Bench(), "lulds").on_notice(bands))
    assert band == {
        "T": "l",
        "S": "A",
        "u": 10.5,
        "d": 9.5,
        "i": "B",
        "z": "C",
        "t": "2026-03-02T15:00:00.123456789Z",
    }
    assert listening(Bench(), "bars").on_notice(bands) == ()


def test_one_connection_too_many_and_the_wrong_feed() -> None:
    desk = Bench("data_streams_max=1", "sip_access=off").venue.face.desk
    first = DataSession(desk, {":path": "/v2/iex/"})
    assert only(first.receive(AUTH))["msg"] == "authenticated"
    assert only(DataSession(desk, {}, others=[first]).receive(AUTH))["code"] == 406
    assert only(DataSession(desk, {":path": "/v2/sip"}).receive(AUTH))["code"] == 409
    keys = {"apca-api-key-id": "KEY", "apca-api-secret-key": "S"}
    frames = DataSession(desk, keys, others=[first]).opened()
    assert [row.get("code") for row in rows(frames)] == [None, 406]
    first.closed()
    assert only(DataSession(desk, {}, others=[first]).receive(AUTH))["msg"] == "authenticated"
    assert first.account is None


def test_imbalances_go_to_who_asked_for_them() -> None:
    bench = Bench()
    session = bench.venue.face.open_stream(StreamKind.MARKET, {})
    say = [b'{"action":"auth","key":"K","secret":"S"}']
    say.append(b'{"action":"subscribe","imbalances":["ACME"]}')
    (answer,) = [session.receive(data) for data in say][-1]
    assert json.loads(answer.data)[0]["imbalances"] == ["ACME"]
    (frame,) = session.on_notice(ImbalanceNotice("ACME", 99_500_000_000, bench.edge.now_ns))
    (row,) = json.loads(frame.data)
    assert (row["T"], row["S"], row["p"], row["z"]) == ("i", "ACME", 99.5, "C")
    assert session.on_notice(ImbalanceNotice("BETA", 1, 0)) == ()
    (answer,) = session.receive(b'{"action":"unsubscribe","imbalances":["ACME"]}')
    assert "imbalances" not in json.loads(answer.data)[0]


def test_a_volatility_pause_has_its_own_words() -> None:
    bench = Bench()
    session = bench.venue.face.open_stream(StreamKind.MARKET, {})
    session.receive(b'{"action":"auth","key":"K","secret":"S"}')
    session.receive(b'{"action":"subscribe","statuses":["*"]}')
    (frame,) = session.on_market(StatusEvent("ACME", TradingStatus.HALTED, 1, "LUDP"))
    (row,) = json.loads(frame.data)
    assert (row["sc"], row["rc"]) == ("P", "LUDP")
    (frame,) = session.on_market(StatusEvent("ACME", TradingStatus.TRADING, 1, "LUDP"))
    assert json.loads(frame.data)[0]["sc"] == "T"
