"""The client's end of one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from surefill.control import link
from surefill.control.link import Link, LinkLost
from surefill.control.place import ControlPlace, hang_up
from surefill.control.protocol import Done, Failed, ListOpen, Told, Trades, Welcome, line_of
from surefill.runtime.errors import ErrorCode, SurefillError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def engine(folder: Path, *lines: bytes, stays: bool = True) -> AsyncIterator[ControlPlace]:
    """Something that answers the n-th line of a client with the n-th of these."""
    place = ControlPlace(folder / "journal.db")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            await reader.readline()
            writer.write(line)
        while stays and await reader.readline():
            pass
        await hang_up(writer)
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_unix_server(serve, sock=place.listen("t"))
    try:
        yield place
        await asyncio.wait_for(ended.wait(), 5)
    finally:
        server.close()
        await server.wait_closed()


WELCOME = line_of(Welcome("b", 1, "a"))


async def test_answers_find_their_request_in_any_order(tmp_path: Path) -> None:
    answers = line_of(Told(2, Done())) + line_of(Told(9, Done())) + line_of(Told(1, Trades(())))
    async with engine(tmp_path, WELCOME, b"", answers) as place:
        found = await Link.open(place, name="n")
        first, second = await asyncio.gather(found.ask(ListOpen()), found.ask(ListOpen()))
        assert first == Trades(())
        assert second == Done()
        await found.close()
        assert found.is_over
        with pytest.raises(LinkLost) as lost:
            await found.ask(ListOpen())
        assert not lost.value.was_sent


@pytest.mark.parametrize("answer", [b"", b"no line of ours\n"])
async def test_a_lost_connection_is_told_to_who_waits(tmp_path: Path, answer: bytes) -> None:
    async with engine(tmp_path, WELCOME, answer, stays=False) as place:
        found = await Link.open(place, name="n")
        with pytest.raises(LinkLost) as lost:
            await found.ask(ListOpen())
        assert lost.value.was_sent
        await found.close()


@pytest.mark.parametrize(
    ("first", "says"),
    [
        (line_of(Told(0, Failed("CONTROL_REFUSED", "wrong token", ()))), "wrong token"),
        (line_of(Told(0, Done())), "no engine of ours"),
        (b"220 mail.example ESMTP\n", "no engine of ours"),
    ],
)
async def test_a_refusal_is_final(tmp_path: Path, first: bytes, says: str) -> None:
    async with engine(tmp_path, first) as place:
        with pytest.raises(SurefillError) as error:
            await Link.open(place, name="n")
        assert error.value.code is ErrorCode.CONTROL_REFUSED
        assert says in error.value.sentence


async def test_nobody_there_or_nobody_who_answers_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LinkLost):
        await Link.open(ControlPlace(tmp_path / "none.db"), name="n")
    async with engine(tmp_path, b"", stays=False) as place:
        with pytest.raises(LinkLost):
            await Link.open(place, name="n")
    monkeypatch.setattr(link, "WELCOME_S", 0.05)
    async with engine(tmp_path, b"") as place:
        with pytest.raises(LinkLost):
            await Link.open(place, name="n")
