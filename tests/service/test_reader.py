"""A journal, read beside the engine that writes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.ports import JournalError
from surefill.runtime.account import JournalSource, source_of
from surefill.service import reader
from surefill.service.reader import Reader
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("READ", "99.99", "100.01")
        running.quote("FRGT", "99.99", "100.01")
        yield running


async def test_a_journal_that_was_put_there_instead_is_read(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    """Moved away, or restored from a backup, while this process goes on."""
    settings = Desk(exchange, tmp_path).settings()
    async with SmartOrderExecutor(settings) as executor:
        await executor.execute(plan_of("READ", "m1"))
    source = source_of(settings)
    beside = Reader(source)
    assert (await beside.picture()).open_trades
    aside = source.path.with_suffix(".aside")
    source.path.rename(aside)
    with pytest.raises(JournalError, match="JOURNAL_MISSING"):
        await beside.picture()
    aside.rename(source.path)
    before = await beside.picture()
    assert before.open_trades
    copy = source.path.with_suffix(".copy")
    copy.write_bytes(source.path.read_bytes())
    copy.chmod(0o600)
    source.path.unlink()
    copy.rename(source.path)
    again = await beside.picture()
    assert again is not before
    assert again.found == before.found
    await beside.close()


async def test_a_fold_is_what_a_first_look_would_see(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    settings = Desk(exchange, tmp_path).settings()
    beside = Reader(source_of(settings))
    async with SmartOrderExecutor(settings) as executor:
        empty = await beside.picture()
        assert (dict(empty.found), empty.open_trades) == ({}, ())
        assert empty.state is not None
        await executor.execute(plan_of("READ", "p1"))
        await executor.execute(plan_of("READ", "p2", rr="1"))
        seen = await beside.picture()
        assert [trade.trade_id for trade in seen.open_trades] == ["p1"]
        assert isinstance(seen.found["p2"], Denial)
        assert seen.newest[0] is seen.found["p2"]
        await executor.reduce("p1", 10, key="k-1")
        await executor.flatten("p1")
        await executor.closed("p1")
        assert not (await beside.picture()).open_trades
        pulse = await beside.pulse()
        assert pulse.holder is not None
        assert pulse.beat is None  # only `surefill run` has a heart
    last = await beside.picture()
    again = Reader(source_of(settings))
    first = await again.picture()
    assert (first.seq, dict(first.found), first.state) == (last.seq, dict(last.found), last.state)
    assert await beside.picture() is last
    found = await beside.find("p1")
    assert isinstance(found, Trade)
    assert found.is_closed
    assert await beside.find("nobody") is None
    records = await beside.records(3, at_most=4)
    assert [record.seq for record in records] == [4, 5, 6, 7]
    assert await beside.head() == last.seq
    assert (await beside.pulse()).holder is None
    await asyncio.gather(beside.close(), again.close())


async def test_a_missing_journal_is_no_empty_account(tmp_path: Path) -> None:
    beside = Reader(JournalSource(tmp_path / "journal.db"))
    with pytest.raises(JournalError) as error:
        await beside.picture()
    assert error.value.code == "JOURNAL_MISSING"
    await beside.close()


async def test_memory_is_bounded_and_a_damaged_journal_is_opened_again(
    exchange: RunningExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "KEPT_MAX", 1)
    settings = Desk(exchange, tmp_path).settings()
    source = source_of(settings)
    beside = Reader(source)
    async with SmartOrderExecutor(settings) as executor:
        await beside.picture()
        for name in ("d1", "d2"):
            await executor.execute(plan_of("FRGT", name, rr="1"))
        await executor.execute(plan_of("FRGT", "p1"))
        assert list((await beside.picture()).found) == ["d2", "p1"]
        assert await beside.find("d1") is not None
    monkeypatch.setattr(reader, "decode_trade", damaged)
    with pytest.raises(JournalError):
        await beside.find("p1")
    monkeypatch.undo()
    assert list((await beside.picture()).found) == ["d1", "d2", "p1"]
    await beside.close()


def damaged(_: bytes) -> Trade:
    raise JournalError("JOURNAL_CORRUPT", "an image was changed")


async def test_anything_else_is_read_on_the_same_thread(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    settings = Desk(exchange, tmp_path).settings()
    async with SmartOrderExecutor(settings):
        beside = Reader(source_of(settings))
        assert await beside.ask(lambda journal: journal.head()[0]) == await beside.head()
    await beside.close()
    nobody = Reader(JournalSource(tmp_path / "none.db"))
    with pytest.raises(JournalError):
        await nobody.ask(lambda journal: journal.head())
    await nobody.close()
