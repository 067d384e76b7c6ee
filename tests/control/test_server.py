"""The port against clients of every kind: strangers, floods, mutes and bugs."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.control import server
from surefill.control.desk import Desk as ControlDesk
from surefill.control.place import hang_up
from surefill.control.protocol import Asked, Request, asked_of
from tests.support.desk import Desk
from tests.support.exchange_server import RunningExchange
from tests.support.port import Port, hear, open_port, say

TURNS_MAX = 1_000_000
"""The loop's turns are counted no further."""


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        yield running


@pytest.fixture
def desk(exchange: RunningExchange, tmp_path: Path) -> Desk:
    return Desk(exchange, tmp_path)


async def asked(port: Port) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has been welcomed."""
    reader, writer = await port.connect()
    await say(writer, port.hello())
    assert (await hear(reader))["$"] == "Welcome"
    return reader, writer


def list_open(n: int) -> dict[str, object]:
    return {"$": "Asked", "n": n, "request": {"$": "ListOpen"}}


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"token": "0" * 64}, "wrong token"),
        ({"token": "é"}, "wrong token"),
        ({"token": 5}, "say Hello first"),
        ({"protocol": 0}, "use the same version"),
        ({"build": "surefill 9"}, "use the same version"),
        ({"name": "two words"}, "a name has"),
        ({"$": "Asked"}, "say Hello first"),
    ],
)
async def test_who_does_not_show_the_token_gets_nothing(
    desk: Desk, other: dict[str, object], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_port(desk) as port:
        reader, writer = await port.connect()
        await say(writer, port.hello(**other))
        answer = (await hear(reader))["answer"]
        assert answer["code"] == "CONTROL_REFUSED"
        assert says in answer["sentence"]
        assert await hear(reader) == {}
        assert port.place.token() not in caplog.text + str(answer)


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"x" * 70_000 + b"\n",
        b'{"$":"Asked","n":1,"request":{"$":"Kill"}}\n',
    ],
)
async def test_a_line_that_is_no_request_ends_its_connection_only(desk: Desk, line: bytes) -> None:
    async with open_port(desk) as port:
        reader, writer = await asked(port)
        other, other_writer = await asked(port)
        await say(writer, line)
        assert (await hear(reader))["answer"]["code"] == "CONTROL_REFUSED"
        assert await hear(reader) == {}
        await say(other_writer, list_open(1))
        assert (await hear(other))["answer"] == {"$": "Trades", "trades": []}


async def test_a_mute_stranger_is_let_go(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HELLO_S", 0.05)
    async with open_port(desk) as port:
        reader, _ = await port.connect()
        assert (await hear(reader))["answer"]["code"] == "CONTROL_REFUSED"


async def test_clients_and_their_requests_are_bounded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CLIENTS_MAX", 2)
    monkeypatch.setattr(server, "REQUESTS_MAX", 3)
    async with open_port(desk) as port:
        reader, writer = await asked(port)
        await asked(port)
        third, _ = await port.connect()
        assert (await hear(third))["answer"]["code"] == "CONTROL_BUSY"
        wait = {"$": "AwaitClosed", "plan_id": "x", "timeout_ms": None}
        gate = asyncio.Event()

        async def answer(self: ControlDesk, request: Request, *, by: str) -> None:
            await gate.wait()

        with monkeypatch.context() as patch:
            patch.setattr(ControlDesk, "answer", answer)
            for n in range(1, 5):
                await say(writer, {"$": "Asked", "n": n, "request": wait})
            busy = await hear(reader)
            assert (busy["n"], busy["answer"]["code"]) == (4, "CONTROL_BUSY")
        gate.set()


async def test_who_says_too_much_is_read_again_in_the_next_second(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    sleep, here = asyncio.sleep, asyncio.get_running_loop()

    async def noted(delay_s: float) -> None:
        if asyncio.get_running_loop() is not here:  # another test's thread, still going down
            return await sleep(delay_s)
        if 0 < delay_s < 1:
            waits.append(delay_s)
        await sleep(0)

    async with open_port(desk) as port:
        reader, writer = await asked(port)
        with monkeypatch.context() as patch:
            patch.setattr(server, "RATE_MAX", 5)
            patch.setattr(ControlDesk, "now_ns", lambda _: 7_250_000_000)
            patch.setattr("surefill.control.server.asyncio.sleep", noted)
            for n in range(7):
                await say(writer, list_open(n))
                await hear(reader)
    assert waits == [0.75, 0.75], "the sixth and the seventh line of this second"


async def test_a_flood_does_not_keep_the_loop(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much lies ready to be read, everything else has its turn after each line."""
    monkeypatch.setattr(server, "RATE_MAX", 1_000_000)
    loop, turn = asyncio.get_running_loop(), 0
    lines: Counter[int] = Counter()
    real = asked_of

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        if turn < TURNS_MAX:
            loop.call_soon(next_turn)

    def counted(line: bytes) -> Asked:
        lines[turn] += 1
        return real(line)

    monkeypatch.setattr(server, "asked_of", counted)
    async with open_port(desk) as port:
        reader, writer = await asked(port)
        loop.call_soon(next_turn)
        writer.write(
            b"".join(b'{"$":"Asked","n":%d,"request":{"$":"ReadStatus"}}\n' % n for n in range(500))
        )
        for _ in range(500):
            assert (await hear(reader))["$"] == "Told"
        turn, turns = TURNS_MAX, turn
    assert (sum(lines.values()), max(lines.values())) == (500, 1)
    assert turns < TURNS_MAX, "every turn was counted"


async def test_a_bug_under_a_request_ends_the_connection_not_the_engine(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_port(desk) as port:
        reader, writer = await asked(port)

        async def broken(self: ControlDesk, request: Request, *, by: str) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
            patch.setattr(ControlDesk, "answer", broken)
            await say(writer, list_open(1))
            assert await hear(reader) == {}
        assert "a request failed by a bug of ours" in caplog.text
        caplog.clear()
        other, other_writer = await asked(port)
        await say(other_writer, list_open(1))
        assert (await hear(other))["n"] == 1


async def test_a_client_that_does_not_read_is_let_go(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SEND_S", 0.05)
    monkeypatch.setattr(server, "RATE_MAX", 1_000_000)
    async with open_port(desk) as port:
        with port.place.address() as address:
            reader, writer = await asyncio.open_unix_connection(address, limit=1024)
        await say(writer, port.hello())
        await say(writer, b'{"$":"Asked","n":1,"request":{"$":"ReadStatus"}}\n' * 3_000)
        await asyncio.sleep(1.5)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(3_000 * 200)
        await hang_up(writer)


async def test_when_the_engine_stops_connections_end_without_an_answer(desk: Desk) -> None:
    async with open_port(desk) as port:
        reader, writer = await asked(port)
        await say(writer, {"$": "Asked", "n": 1, "request": {"$": "ReadTrade", "plan_id": "x"}})
        assert (await hear(reader))["answer"]["code"] == "TRADE_UNKNOWN"
        await port.executor.close()
        await say(writer, list_open(2))
        assert await hear(reader) == {}
        _, leaver_writer = await port.connect()
        leaver_writer.close()
        late, _ = await port.connect()
        await asyncio.sleep(0.1)  # accepted by now; it says nothing
        await port.server.close()
        await port.server.close()
        assert await hear(late) == {}
        assert not port.place.socket_path.exists()


async def test_a_connection_that_is_ending_already_is_not_broken_off(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full the engine ends its requests and its port at once."""
    leaving, may_leave, complaints = asyncio.Event(), asyncio.Event(), list[object]()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        leaving.set()
        await may_leave.wait()
        await hang_up(writer)

    monkeypatch.setattr(server, "hang_up", slowly)
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))
    async with open_port(desk) as port:
        _, writer = await asked(port)
        await hang_up(writer)
        await leaving.wait()
        closing = asyncio.create_task(port.server.close())
        await asyncio.sleep(0)
        may_leave.set()
        await closing
    assert not complaints
