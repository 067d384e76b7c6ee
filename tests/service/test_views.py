"""Rows of answers, from a short real day."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest

from surefill.config import Settings
from surefill.core.events import Position
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.units import NANO
from surefill.runtime.account import source_of
from surefill.runtime.build import rules_build
from surefill.runtime.dry_run import PlanCheck
from surefill.runtime.flat import Flatness, FlatReport
from surefill.runtime.heartbeat import Beat
from surefill.service.reader import NOTHING, Picture, Pulse, Reader
from surefill.service.schemas import RowsQuery, TradesQuery
from surefill.service.views import (
    check_answer,
    fill_rows,
    flat_answer,
    health_of,
    limit_rows,
    masked,
    order_rows,
    position_rows,
    refusal_rows,
    setting_rows,
    trade_rows,
)
from surefill.smart_order_executor import SmartOrderExecutor
from tests.conftest import CANARY
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange


@dataclass
class Day:
    """What was seen of it."""

    settings: Settings
    open: Picture
    last: Picture
    checks: tuple[PlanCheck, PlanCheck]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    with RunningExchange() as exchange:
        exchange.quote("VIEW", "99.99", "100.01")
        exchange.quote("MISS", "100.90", "101.00")
        desk = Desk(exchange, tmp_path_factory.mktemp("views"))
        desk.buy_elsewhere("VIEW", 7)
        exchange.quote("MINE", "99.99", "100.01")
        limits = "entries_per_minute=30 displayed_share=0 TSLA:order_qty=5"
        settings = desk.settings(SUREFILL_LIMITS=limits, SUREFILL_POLICY="TSLA:fill_timeout=20")
        return asyncio.run(_day(settings))


async def _day(settings: Settings) -> Day:
    reader = Reader(source_of(settings))
    async with SmartOrderExecutor(settings) as executor:
        plan = plan_of("MINE", "p1", strategy="s1")
        await executor.execute(plan)
        await executor.execute(plan_of("MINE", "d1", rr="1"))
        await executor.execute(plan_of("MISS", "m1", overrides=(("fill_timeout_ns", NANO // 10),)))
        seen = await reader.picture()
        good = await executor.check(plan_of("MISS", "c1"))
        bad = await executor.check(plan_of("MISS", "c2", rr="1"))
        await executor.halt("news")
        await executor.kill("drill")
        await executor.flatten("p1")
        await executor.closed("p1")
    last = await reader.picture()
    await reader.close()
    return Day(settings, seen, last, (good, bad))


def ids(rows: list[dict[str, object]]) -> list[object]:
    return [row["plan_id"] for row in rows]


def test_trades_newest_first_by_state_symbol_and_strategy(day: Day) -> None:
    assert ids(trade_rows(day.open, TradesQuery())) == ["p1"]
    everything = trade_rows(day.last, TradesQuery(state="all"))
    assert set(ids(everything)) == {"p1", "d1", "m1"}
    assert ids(trade_rows(day.last, TradesQuery(state="denied"))) == ["d1"]
    assert set(ids(trade_rows(day.last, TradesQuery(state="closed")))) == {"p1", "m1"}
    assert ids(trade_rows(day.last, TradesQuery(state="all", symbol="MISS"))) == ["m1"]
    assert ids(trade_rows(day.last, TradesQuery(state="all", strategy="s1"))) == ["p1"]
    assert len(trade_rows(day.last, TradesQuery(state="all", limit=1))) == 1


def test_orders_and_fills(day: Day) -> None:
    orders = order_rows(day.open, RowsQuery())
    assert {row.leg for row in orders} == {"ENTRY", "TARGET", "STOP"}
    assert [row.state for row in orders if row.leg == "ENTRY"] == ["FILLED"]
    assert order_rows(day.last, RowsQuery()) == []
    assert {row.plan_id for row in order_rows(day.last, RowsQuery(state="all"))} == {"p1", "m1"}
    assert len(order_rows(day.last, RowsQuery(state="all", limit=2))) == 2
    assert order_rows(day.last, RowsQuery(state="all", plan_id="d1")) == []
    (fill,) = fill_rows(day.open, RowsQuery(symbol="MINE"))
    assert (fill.last_qty, fill.last_px, fill.side, fill.busted_qty) == (
        "100",
        "100.01",
        "BUY",
        "0",
    )
    sold = [row for row in fill_rows(day.last, RowsQuery(state="all")) if row.side == "SELL"]
    assert sum(int(row.last_qty) for row in sold) == 100


def test_positions_ours_with_cover_and_others_apart(day: Day) -> None:
    ours, foreign = position_rows(day.open)
    assert (ours.plan_id, ours.position_qty, ours.covered_qty, ours.uncovered_qty) == (
        "p1",
        "100",
        "100",
        "0",
    )
    assert (ours.stop_px, ours.target_px) == ("99.01", "102.01")
    assert (foreign.symbol, foreign.plan_id, foreign.position_qty) == ("VIEW", None, "7")
    assert position_rows(NOTHING) == []


def test_refusals_are_counted_by_reason(day: Day) -> None:
    rows = {row.code: (row.denied, row.not_entered) for row in refusal_rows(day.last)}
    assert rows["RR_BELOW_MIN"] == (1, 0)
    assert rows["ENTRY_TIMEOUT"] == (0, 1)


def test_settings_without_credentials_and_limits_with_units(day: Day) -> None:
    rows = {row.name: row.value for row in setting_rows(day.settings)}
    assert rows["SMART_EXECUTOR_FILL_TIMEOUT"] == "2"
    assert rows["SUREFILL_POLICY"] == "TSLA:fill_timeout=20"
    assert not [name for name in rows if "KEY" in name]
    assert CANARY not in str(rows)
    assert not [row.name for row in setting_rows(Settings.load({})) if "KEY" in row.name]
    limits = {(row.symbol, row.name): row.value for row in limit_rows(day.settings)}
    assert limits[(None, "entries_per_minute")] == "30"
    assert limits[(None, "displayed_share")] == "off"
    assert limits[("TSLA", "order_qty")] == "5"


def test_health(day: Day) -> None:
    well = health_of(day.open, Pulse("somebody", Beat(3, 1, False)))
    assert (well.uncovered_qty, well.in_doubt, well.open_trades) == ("0", 0, 1)
    assert (well.risk_state, well.switches, well.mode) == ("ACTIVE", [], "READY")
    assert (well.engine, well.heartbeat, well.seq) == ("somebody", 3, day.open.seq)
    assert well.build == rules_build()
    assert day.open.state is not None
    assert day.open.state.account is not None
    assert day.open.state.account.account_id not in str(well)
    assert well.account is not None
    stopped = health_of(day.last, Pulse(None, None))
    assert (stopped.risk_state, stopped.engine, stopped.heartbeat) == ("HALTED", None, None)
    assert [switch.partition(":")[0] for switch in stopped.switches] == [
        "KILL_ACTIVE",
        "HALT_ACTIVE",
    ]
    unknown = health_of(NOTHING, Pulse(None, None))
    assert (unknown.mode, unknown.account, unknown.is_stream_up) == (None, None, False)
    blank = replace(day.open, state=replace(day.open.state, account=None))
    assert health_of(blank, Pulse(None, None)).account is None


def test_account_numbers_are_masked() -> None:
    assert masked("PA3KXYZ12345") == "****2345"
    assert masked("12345678") == "****"
    assert masked("") == "****"


def test_checks(day: Day) -> None:
    good, bad = (check_answer(one) for one in day.checks)
    assert (good.order_qty, good.worst_px) == ("100", "100.1")
    assert good.is_accepted == (good.reasons == [])  # a busy machine may have a stale quote
    assert not bad.is_accepted
    assert "RR_BELOW_MIN" in [row["code"] for row in bad.reasons]
    reasons = (Reason.of(ReasonCode.EXITS_MISSING),)
    unpriced = replace(day.checks[1].preview, terms=None)
    shown = check_answer(PlanCheck(unpriced, reasons))
    assert (shown.order_qty, shown.worst_px) == (None, None)


def test_flat_reports() -> None:
    report = FlatReport(Flatness.NOT_FLAT, (), (Position("X", 3 * NANO),))
    shown = flat_answer(report)
    assert (shown.state, shown.trades, shown.foreign) == ("NOT_FLAT", [], {"X": "3"})
