"""One look for every page: what is new, what is bare, what beats."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from surefill.dashboard import watcher as module
from surefill.dashboard.archive import Archive
from surefill.dashboard.board import Board
from surefill.dashboard.watcher import Watcher
from surefill.ports import JournalError
from surefill.runtime.account import source_of
from surefill.runtime.heartbeat import Beat
from surefill.service.feed import BATCH
from surefill.service.reader import Pulse, Reader
from surefill.smart_order_executor import SmartOrderExecutor
from tests.dashboard.days import PULSE, SETTINGS, picture_of, settings_in
from tests.dashboard.test_sessions import Clock
from tests.support.core import Bench, covered_bench
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange


class Fake:
    """A reader and an archive that say what the test says, and a clock by hand."""

    def __init__(self, bench: Bench) -> None:
        self.clock = Clock()
        self.reader = create_autospec(Reader, instance=True)
        self.reader.picture.return_value = picture_of(bench)
        self.reader.pulse.return_value = PULSE
        self.reader.records.return_value = []
        self.archive = create_autospec(Archive, instance=True)
        self.archive.alerts.return_value = ()
        self.watcher = Watcher(SETTINGS, self.reader, self.archive, now_ns=self.clock)

    async def later(self, ns: int) -> Board:
        """A look so much later."""
        self.clock.now_ns += ns
        return await self.watcher.look()


def bare_bench() -> Bench:
    b = Bench()
    b.accepts("E1")
    b.fills("E1", 40)
    return b


def vital(board: Board, name: str) -> str:
    return next(one.value for one in board.vitals if one.name == name)


async def test_many_pages_are_one_look_and_the_same_value_is_the_same_object() -> None:
    fake = Fake(covered_bench())
    fake.clock.now_ns = 10**12
    first = await fake.watcher.look()
    assert await fake.later(module.LOOK_NS - 1) is first
    assert fake.reader.picture.await_count == 1
    assert await fake.later(1) is first
    assert fake.reader.picture.await_count == 2
    await fake.watcher.close()


async def test_bare_shares_stay_bare_between_two_records() -> None:
    bench = bare_bench()
    fake = Fake(bench)
    first = await fake.later(10**12)
    assert first.trades[0].bare_for == "0.000 s"
    second = await fake.later(3 * 10**9)
    assert second.trades[0].bare_for == "3.000 s"
    assert second.notices[0].text.startswith("for 3.000 s")
    bench.run(1)
    fake.reader.picture.return_value = picture_of(bench)  # a newer image counts from itself
    third = await fake.later(10**9)
    assert third.trades[0].bare_for != "4.000 s"


async def test_a_heart_is_felt_by_its_counter() -> None:
    fake = Fake(covered_bench())
    assert vital(await fake.later(10**12), "Heartbeat") == "steady"
    assert vital(await fake.later(5 * 10**9), "Heartbeat") == "5.000 s ago"
    fake.reader.pulse.return_value = Pulse("x", Beat(42, 7, is_stopped=False))
    assert vital(await fake.later(10**9), "Heartbeat") == "steady"
    fake.reader.pulse.return_value = Pulse("x", None)
    assert vital(await fake.later(10**9), "Heartbeat") == "-"


async def test_alerts_that_take_long_are_shown_when_they_are_there() -> None:
    fake = Fake(covered_bench())
    gate = asyncio.Event()

    async def slow(_: object) -> tuple[()]:
        await gate.wait()
        return ()

    fake.archive.alerts.side_effect = slow
    fake.clock.now_ns = 10**12
    await fake.watcher.look(alerts_s=0)
    await fake.later(10**9)
    assert fake.archive.alerts.call_count == 1  # still at it
    gate.set()
    await fake.later(10**9)
    fake.reader.picture.return_value = picture_of(covered_bench(), seq=10)
    gate.clear()
    fake.clock.now_ns += 10**9
    await fake.watcher.look(alerts_s=0)
    assert fake.archive.alerts.call_count == 2
    await fake.watcher.close()


async def test_a_journal_that_cannot_be_read_is_said_and_looked_for_again() -> None:
    fake = Fake(covered_bench())
    fake.reader.picture.side_effect = JournalError("JOURNAL_MISSING", "no journal there")
    gone = await fake.later(10**12)
    assert (gone.problem, gone.trades, gone.is_blind) == ("no journal there", (), False)
    fake.reader.picture.side_effect = None
    assert (await fake.later(10**9)).problem == ""
    fake.reader.picture.side_effect = JournalError("JOURNAL_MISSING", "no journal there")
    assert (await fake.later(10**9)).is_blind  # there was one


async def test_a_broken_journal_is_never_an_account_that_was_not_started() -> None:
    fake = Fake(covered_bench())
    fake.reader.picture.side_effect = JournalError("JOURNAL_CORRUPT", "file is not a database")
    board = await fake.later(10**12)
    assert (board.is_blind, board.headline) == (True, "BLIND: THE JOURNAL CANNOT BE READ")


async def test_what_a_real_day_leaves(tmp_path: Path) -> None:
    nothing = settings_in(tmp_path / "none")
    empty = Reader(source_of(nothing))
    clock = Clock()
    board = await Watcher(nothing, empty, Archive(empty), now_ns=clock).look()
    assert board.problem.startswith("no journal at")
    await empty.close()
    with RunningExchange() as exchange:
        exchange.quote("WTCH", "99.99", "100.01")
        settings = Desk(exchange, tmp_path).settings()
        async with SmartOrderExecutor(settings) as executor:
            await executor.execute(plan_of("WTCH", "w1"))
            await executor.halt("news")
        reader, archive = Reader(source_of(settings)), Archive(Reader(source_of(settings)))
        watcher = Watcher(settings, reader, archive, now_ns=clock)
        seen = await watcher.look(alerts_s=20)
        kinds = {one.kind: one.text for one in watcher.happenings}
        assert {"EngineStarted", "PlanSubmitted", "TRADE", "OperatorActed"} <= set(kinds)
        assert kinds["TRADE"].startswith("WTCH 100 at 100.01, ")
        assert "news" in kinds["OperatorActed"]
        assert vital(seen, "Clock").startswith("reports ")
        assert [one.title for one in seen.notices] == ["NO ENGINE RUNS", "REDUCING: EXITS ONLY"]
        assert watcher.happenings[0].seq > watcher.happenings[-1].seq
        await watcher.close()
        await archive.close()
        await reader.close()


@pytest.mark.parametrize("back", [0, 300])
async def test_only_the_last_records_are_sought_at_first(
    back: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACK", back)
    fake = Fake(covered_bench())
    await fake.later(10**12)
    fake.reader.records.assert_awaited_once_with(max(0, 9 - back), at_most=BATCH)
