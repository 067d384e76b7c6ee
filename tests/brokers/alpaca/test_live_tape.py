"""Everything heard is handed on; everything missed has a beginning and an end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.live_tape import LiveTape
from surefill.brokers.alpaca.stream import StreamLost
from surefill.brokers.alpaca.translate.past import PastKind, PastTrade
from surefill.core.market import Nbbo

QUOTE = {"T": "q", "S": "CRWD", "t": "2026-03-02T15:00:00Z", "bp": 1, "bs": 1, "ap": 2, "as": 1}
TRADE = {"T": "t", "S": "CRWD", "t": "2026-03-02T15:00:01Z", "p": 2, "s": 5, "x": "V", "z": "C"}


class Tape:
    """A `LiveTape` with a clock set by hand, and what it told."""

    def __init__(self) -> None:
        self.now = 100
        self.rows: list[tuple[str, PastKind, Nbbo | PastTrade]] = []
        self.gaps: list[tuple[int, int, str]] = []
        self.tape = LiveTape(
            credentials=Credentials(key_id="K", secret="S"),
            symbols=["CRWD", "AAPL"],
            clock=self,
            on_row=lambda *row: self.rows.append(row),
            on_gap=lambda *gap: self.gaps.append(gap),
        )

    def now_ns(self) -> int:
        return self.now


class FakeSocket:
    """Frames to receive, messages that were sent."""

    def __init__(self, *frames: Any) -> None:
        self._frames = [
            one if isinstance(one, bytes) else json.dumps(one).encode() for one in frames
        ]
        self.sent: list[object] = []

    async def send(self, message: object) -> None:
        self.sent.append(message)

    async def receive(self) -> bytes:
        return self._frames.pop(0)


CONNECTED = [{"T": "success", "msg": "connected"}]
AUTHENTICATED = [{"T": "success", "msg": "authenticated"}]
SUBSCRIBED = [{"T": "subscription", "quotes": ["AAPL", "CRWD"], "trades": []}]


async def test_login_subscription_and_confirmation() -> None:
    socket = FakeSocket(b"garbage", CONNECTED, [{"odd": 1}], AUTHENTICATED, SUBSCRIBED)
    await Tape().tape.handshake(socket)
    assert socket.sent == [
        {"action": "auth", "key": "K", "secret": "S"},
        {"action": "subscribe", "trades": ["AAPL", "CRWD"], "quotes": ["AAPL", "CRWD"]},
    ]


async def test_a_refusal_ends_the_handshake() -> None:
    socket = FakeSocket(CONNECTED, [{"T": "error", "code": 402, "msg": "auth failed"}])
    with pytest.raises(StreamLost, match="402 auth failed"):
        await Tape().tape.handshake(socket)


def test_rows_in_the_order_of_arrival() -> None:
    told = Tape()
    told.tape.on_frame(json.dumps([TRADE, QUOTE, QUOTE | {"S": "OTHER"}, {"T": "b"}]).encode())
    told.tape.on_frame(json.dumps(TRADE).encode())
    assert [kind for _, kind, _ in told.rows] == ["trades", "quotes", "trades"]
    assert {symbol for symbol, _, _ in told.rows} == {"CRWD"}
    assert told.tape.unreadable == 0


@pytest.mark.parametrize("frame", [b"[", b"[5]", json.dumps([QUOTE | {"bp": -1}]).encode()])
def test_what_cannot_be_read_is_counted(frame: bytes) -> None:
    told = Tape()
    told.tape.on_frame(frame)
    assert (told.rows, told.tape.unreadable) == ([], 1)


def test_a_gap_is_from_the_last_sign_of_life_to_the_next_subscription() -> None:
    told = Tape()
    told.tape.on_up(FakeSocket())
    assert told.gaps == [], "before the first connection nothing was being recorded"
    told.now = 200
    told.tape.on_alive()
    told.now = 900
    told.tape.on_down("no pong")
    told.tape.on_down("no connection")
    told.now = 1_500
    told.tape.on_up(FakeSocket())
    assert told.gaps == [(200, 1_500, "no pong")]
    told.tape.on_up(FakeSocket())
    assert len(told.gaps) == 1


def test_a_connection_that_came_late_or_never_is_a_gap_as_well() -> None:
    late = Tape()
    late.tape.on_down("refused")
    late.now = 700
    late.tape.on_up(FakeSocket())
    late.tape.close()
    assert late.gaps == [(100, 700, "refused")]
    never = Tape()
    never.tape.on_down("refused")
    never.now = 900
    never.tape.close()
    never.tape.close()
    assert never.gaps == [(100, 900, "refused")]
