"""Slow questions to a journal that an engine has written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from surefill.config import Settings
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.dashboard.archive import SEEN, Archive
from surefill.replay.checklist import Checklist, judge
from surefill.replay.checklist_items import Evidence, Stage
from surefill.runtime.account import source_of
from surefill.runtime.build import rules_build
from surefill.service.reader import Reader
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange


@dataclass
class Day:
    """A journal with an open trade (o1), a closed one (c1), a denied plan (d1)."""

    settings: Settings


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    with RunningExchange() as exchange:
        for symbol in ("ARCO", "ARCC", "ARCD"):
            exchange.quote(symbol, "99.99", "100.01")
        settings = Desk(exchange, tmp_path_factory.mktemp("archive")).settings()

        async def play() -> None:
            async with SmartOrderExecutor(settings) as executor:
                await executor.execute(plan_of("ARCC", "c1"))
                await executor.flatten("c1")
                await executor.closed("c1")
                await executor.execute(plan_of("ARCD", "d1", rr="1"))
                await executor.execute(plan_of("ARCO", "o1"))

        asyncio.run(play())
        yield Day(settings)


@pytest.fixture
async def archive(day: Day) -> Archive:
    return Archive(Reader(source_of(day.settings)))


async def test_the_rules_that_are_broken_now(archive: Archive) -> None:
    found = await archive.alerts(())
    assert [alert.rule.code for alert in found] == ["REJECTION_HIGH"]
    assert await archive.alerts(()) == found
    await archive.close()


async def test_sheets_come_with_their_story(archive: Archive) -> None:
    read = await archive.sheet("o1")
    assert read is not None
    sheet, image = read
    assert isinstance(image, Trade)
    assert (sheet.status, sheet.symbol) == ("COVERED", "ARCO")
    assert any("covered" in sentence for _, sentence in sheet.story)
    denied = await archive.sheet("d1")
    assert denied is not None
    assert isinstance(denied[1], Denial)
    assert await archive.sheet("nobody") is None
    await archive.close()


async def test_the_last_start_of_an_engine_is_known(archive: Archive) -> None:
    first = await archive.started()
    assert first is not None
    assert first.build == rules_build()
    assert await archive.started() is first, "only what is new is read"
    await archive.close()


async def test_a_tape_of_what_decisions_looked_at(archive: Archive) -> None:
    for name in ("o1", "c1"):
        read = await archive.sheet(name)
        assert read is not None
        tape = await archive.tape(read[1])
        assert tape is not None
        assert (tape.source, len(tape.entered)) == (SEEN, 1)
        assert (99.99, 100.01) in {quote[1:] for quote in tape.quotes}
        ends = [end for leg, start, end, _ in tape.orders if leg == "TARGET" and end > start]
        assert len(ends) == 1
    denied = await archive.sheet("d1")
    assert denied is not None
    drawn = await archive.tape(denied[1])
    assert drawn is not None
    assert drawn.entered == ()
    await archive.close()


async def test_a_checklist_is_judged_by_whoever_knows_how(day: Day, tmp_path: Path) -> None:
    silent = Archive(Reader(source_of(day.settings)), tapes=[tmp_path])
    assert await silent.checklist() is None
    read = await silent.sheet("c1")
    assert read is not None
    tape = await silent.tape(read[1])  # no recorded tape is there
    assert tape is not None
    assert tape.source == SEEN
    await silent.close()

    def judged() -> Checklist:
        return judge(Evidence(now_ns=1, build="b"), (Stage.PRE,))

    knowing = Archive(Reader(source_of(day.settings)), checklist=judged)
    found = await knowing.checklist()
    assert found is not None
    assert found.lines
    await knowing.close()
