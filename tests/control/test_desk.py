"""What requests do, asked in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.control.desk import Desk as ControlDesk
from surefill.control.desk import EngineGone, flatten_and_wait
from surefill.control.protocol import (
    Adopt,
    AwaitClosed,
    Check,
    Done,
    EngineStatus,
    Execute,
    Failed,
    FlattenAndWait,
    Found,
    ListOpen,
    Operate,
    ReadStatus,
    ReadTrade,
    Reduce,
    Tighten,
    Trades,
)
from surefill.core.events import Act
from surefill.core.state import Denial, Mode
from surefill.core.trade import Outcome, Trade
from surefill.ports import JournalError
from surefill.runtime.dry_run import PlanCheck
from surefill.runtime.errors import ErrorCode
from surefill.runtime.flat import FlatReport
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import Desk, plan_of, shares
from tests.support.exchange_server import RunningExchange


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("DESK", "99.99", "100.01")
        running.quote("HALT", "99.99", "100.01")
        yield running


async def test_one_trade_from_plan_to_flat(exchange: RunningExchange, tmp_path: Path) -> None:
    async with SmartOrderExecutor(Desk(exchange, tmp_path).settings()) as executor:
        desk = ControlDesk(executor)
        found = await desk.answer(Execute(plan_of("DESK", "p1"), None), by="me")
        assert isinstance(found, Found)
        assert isinstance(found.trade, Trade)
        assert found.trade.position_qty == shares(100)
        assert await desk.answer(ReadTrade("p1"), by="me") == found
        assert await desk.answer(ListOpen(), by="me") == Trades((found.trade,))
        waited = await desk.answer(AwaitClosed("p1", 10), by="me")
        assert isinstance(waited, Found)
        assert waited.trade.plan.plan_id == "p1"
        nearer = await desk.answer(Tighten("p1", 9950 * 10_000_000, "", 5_000), by="me")
        assert isinstance(nearer, Found)
        assert isinstance(nearer.trade, Trade)
        assert nearer.trade.ratchet_px == 9950 * 10_000_000
        status = await desk.answer(ReadStatus(), by="me")
        assert isinstance(status, EngineStatus)
        assert (status.mode, status.open_trades, status.uncovered_qty) == (Mode.READY, 1, 0)
        assert desk.account == executor.runtime.engine.tag
        assert desk.now_ns() >= status.now_ns
        report = await desk.answer(FlattenAndWait("DESK", "enough", 20_000), by="me")
        assert isinstance(report, FlatReport)
        assert report.is_flat
        assert report.rows[0].outcome is Outcome.CLOSED_FLATTEN
        empty = await desk.answer(FlattenAndWait("DESK", "again", 20_000), by="me")
        assert empty == FlatReport(report.state, ())
        over = await desk.answer(FlattenAndWait("p1", "again", 20_000), by="me")
        assert over == report
        nothing = await desk.answer(FlattenAndWait("p-9", "", 20_000), by="me")
        assert isinstance(nothing, Failed)
        assert nothing.code == ErrorCode.TRADE_UNKNOWN


async def test_a_plan_is_checked_and_a_part_closed_once(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with SmartOrderExecutor(Desk(exchange, tmp_path).settings()) as executor:
        desk = ControlDesk(executor)
        plan = plan_of("DESK", "c1", qty=10)
        seen = await desk.answer(Check(plan), by="me")
        assert isinstance(seen, PlanCheck)
        assert (seen.is_accepted, executor.knows("c1")) == (True, False)
        assert seen == await executor.check(plan)
        await desk.answer(Execute(plan, None), by="me")
        reduce = Reduce("c1", shares(4), "enough", "exit-1", 20_000)
        for _ in range(2):
            found = await desk.answer(reduce, by="me")
            assert isinstance(found, Found)
            assert isinstance(found.trade, Trade)
            assert found.trade.position_qty == shares(6)


async def test_a_flatten_that_cannot_end_says_what_covers(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with SmartOrderExecutor(Desk(exchange, tmp_path).settings()) as executor:
        desk = ControlDesk(executor)
        await desk.answer(Execute(plan_of("HALT", "h1"), None), by="me")
        exchange.control("POST", "status", {"symbol": "HALT", "status": "halt"})
        report = await desk.answer(FlattenAndWait("h1", "now", 300), by="me")
        exchange.control("POST", "status", {"symbol": "HALT", "status": "resume"})
        assert isinstance(report, FlatReport)
        assert not report.is_flat
        assert (report.rows[0].position_qty, report.rows[0].outcome) == (shares(100), None)
        last = await desk.answer(FlattenAndWait("", "all", 20_000), by="me")
        assert isinstance(last, FlatReport)
        assert last.is_flat


async def test_refusals_are_coded(exchange: RunningExchange, tmp_path: Path) -> None:
    async with SmartOrderExecutor(Desk(exchange, tmp_path).settings()) as executor:
        desk = ControlDesk(executor)
        denied = await desk.answer(Execute(plan_of("DESK", "rr", rr="1"), None), by="me")
        assert isinstance(denied, Found)
        assert isinstance(denied.trade, Denial)
        reused = await desk.answer(Execute(plan_of("DESK", "rr", rr="3"), None), by="me")
        assert isinstance(reused, Failed)
        assert reused.code == ErrorCode.PLAN_ID_REUSED
        unknown = await desk.answer(ReadTrade("nobody"), by="me")
        assert isinstance(unknown, Failed)
        assert unknown.code == ErrorCode.TRADE_UNKNOWN
        assert await desk.answer(Operate(Act.KILL, "", "drill"), by="ann") == Done()
        status = await desk.answer(ReadStatus(), by="me")
        assert isinstance(status, EngineStatus)
        assert status.kill is not None
        wrong = plan_of("DESK", "mistyped")
        object.__setattr__(wrong, "symbol", 7)
        invalid = await desk.answer(Execute(wrong, None), by="me")
        assert isinstance(invalid, Failed)
        assert invalid.problems
    with pytest.raises(EngineGone):
        await desk.answer(ReadStatus(), by="me")


async def test_foreign_shares_are_covered_once(exchange: RunningExchange, tmp_path: Path) -> None:
    place = Desk(exchange, tmp_path)
    exchange.quote("ADPT", "99.99", "100.01")
    place.buy_elsewhere("ADPT", 30)
    terms = {"signal_price": "100", "risk": None, "rr": None, "stop": "98", "target": "105"}
    async with SmartOrderExecutor(place.settings()) as executor:
        desk = ControlDesk(executor)
        plan = plan_of("ADPT", "a1", qty=30, **terms)
        await desk.answer(Operate(Act.KILL, "", "cover is no risk"), by="ann")
        found = await desk.answer(Adopt(plan, 10_000), by="ann")
        assert isinstance(found, Found)
        assert isinstance(found.trade, Trade)
        assert found.trade.is_settled
        assert await desk.answer(Adopt(plan, 10_000), by="ann") == found
        other = await desk.answer(Adopt(plan_of("ADPT", "a1", qty=1, **terms), 1), by="ann")
        assert isinstance(other, Failed)
        assert other.code == ErrorCode.PLAN_ID_REUSED
        denied = await desk.answer(Adopt(plan_of("ADPT", "a2", qty=1, **terms), 1_000), by="ann")
        assert isinstance(denied, Found)
        assert isinstance(denied.trade, Denial)
        wrong = await desk.answer(Adopt(plan_of("adpt!", "a3", qty=1, **terms), 1_000), by="ann")
        assert isinstance(wrong, Found)
        assert isinstance(wrong.trade, Denial)
    assert len(place.accepted("a1", "X")) == 1
    async with SmartOrderExecutor(place.settings()) as executor:
        assert executor.result("a1").uncovered_qty == 0
        report = await flatten_and_wait(executor, "a1", by="ann", why="", timeout_s=20)
        assert report.is_flat
    assert len(place.accepted("a1", "X")) == 1


async def test_a_damaged_journal_is_coded_too(
    exchange: RunningExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with SmartOrderExecutor(Desk(exchange, tmp_path).settings()) as executor:

        def damaged(*_: object) -> None:
            raise JournalError("JOURNAL_CORRUPT", "an image was changed")

        monkeypatch.setattr("surefill.control.desk.remembered", damaged)
        failed = await ControlDesk(executor).answer(ReadTrade("x"), by="me")
        assert isinstance(failed, Failed)
        assert failed.code == "JOURNAL_CORRUPT"


async def test_a_symbol_has_its_own_policy_and_the_plan_the_last_word(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    exchange.quote("OWNP", "99.99", "100.01")
    settings = Desk(exchange, tmp_path).settings(SUREFILL_POLICY="OWNP:max_slippage_pct=0.002")
    caps: list[int] = []
    async with SmartOrderExecutor(settings) as executor:
        desk = ControlDesk(executor)
        for symbol, overrides in (
            ("OWNP", ()),
            ("OWNP", (("max_slippage_ppb", 3_000_000),)),
            ("DESK", ()),
        ):
            plan = plan_of(symbol, f"own-{len(caps)}", overrides=overrides)
            found = await desk.answer(Check(plan), by="me")
            assert isinstance(found, PlanCheck)
            assert found.terms is not None
            caps.append(found.terms.cap_px // 10_000_000)
    assert caps == [10_020, 10_030, 10_010]
