"""Thirty plans over real sockets: two traders, three symbols, a moving market with displayed sizes,
the default latencies; once in good weather and once with faults on every wire. The independent
auditor reads the venue's truth log and must find nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from surefill.core import order
from surefill.core.plan import SECOND_NS, TradePlan
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.core.units import CENT, NANO, to_text
from surefill.replay.evidence import Row, rows_of
from surefill.runtime.recovery import remembered
from surefill.sim.auditor import AuditLimits, audit, render
from surefill.smart_order_executor import SmartOrderExecutor, TradeResult
from tests.support.desk import Desk
from tests.support.exchange_process import ExchangeProcess
from tests.support.exchange_server import RunningExchange

pytestmark = pytest.mark.slow

SYMBOLS = ("TIGHT", "MID", "WIDE")
TRADERS = 2
ROUNDS = 5
BUDGET_NS = 2 * SECOND_NS
HOLD_NS = 6 * SECOND_NS
PATIENCE_S = 60.0

WEATHER = {
    "N2": ("POST /v2/orders", "0.08"),
    "N3": ("POST /v2/orders", "0.05"),
    "N6": ("GET", "0.02"),
    "W1": ("orders", "0.08"),
    "W2": ("orders", "0.10"),
    "W3": ("orders", "0.05"),
    "W5": ("orders", "0.01"),
    "W8": ("orders", "0.02"),
}
"""Fault -> (target, probability): lost and failed answers, slow reads, a stream that drops,
repeats, reorders, breaks and babbles."""

BLIND = AuditLimits(cover_ms=5_000, anchor_ms=5_000)
"""I3 (b): a fill whose event the stream lost is found by a read, so cover may take 5 s."""


@dataclass
class Floor:
    """What the traders did: rows for the auditor and results for people."""

    rows: list[tuple[Row, Row]] = field(default_factory=list)
    results: list[TradeResult] = field(default_factory=list)

    def add(self, executor: SmartOrderExecutor, result: TradeResult) -> None:
        """A finished trade."""
        found = remembered(executor.runtime.stepper, result.plan_id)
        assert isinstance(found, Trade | Denial)
        self.results.append(result)
        policy = executor.settings.policy()
        self.rows.append(rows_of(found, policy, accepted_ns=result.accepted_ns))


@pytest.fixture
def exchange() -> Iterator[RunningExchange]:
    """A synthetic market, ten seconds after the opening."""
    with ExchangeProcess("--seed", "11", "--start", "2026-03-02T14:30:10Z") as running:
        yield running


def draw_plan(executor: SmartOrderExecutor, name: str, random: Random) -> TradePlan:
    """A plausible plan at the market as this trader sees it."""
    symbol = name.split("-")[1]
    runtime = executor.runtime
    nbbo = runtime.engine.views[symbol].nbbo
    assert nbbo is not None
    sign = random.choice((1, -1))
    size_percent = random.choice((40, 100, 200, 400))
    qty = max(NANO, nbbo.far_px(sign) and nbbo.ask_qty * size_percent // 100 // NANO * NANO)
    signal_px = nbbo.far_px(sign) - sign * random.choice((0, 1, 2)) * CENT
    risk_px = max(5 * CENT, signal_px // 1000 // CENT * CENT)
    return TradePlan.of(
        symbol,
        "buy" if sign > 0 else "sell",
        to_text(min(qty, 800 * NANO)),
        plan_id=name,
        signal_price=to_text(signal_px),
        risk=to_text(risk_px),
        rr="2",
        tactic=random.choice(("limit", "marketable")),
        exit_at_ns=runtime.clock.now_ns() + HOLD_NS,
        overrides=(("fill_timeout_ns", BUDGET_NS),),
    )


async def lane(executor: SmartOrderExecutor, floor: Floor, *, name: str, seed: int) -> None:
    """One trader in one symbol: plan after plan."""
    random = Random(seed)
    symbol = name.split("-")[1]
    executor.runtime.broker.watch(symbol)
    views = executor.runtime.engine.views
    assert await executor.runtime.driver.until(
        lambda: symbol in views and views[symbol].nbbo is not None, timeout_s=PATIENCE_S
    )
    for number in range(ROUNDS):
        plan = draw_plan(executor, f"{name}-{number}", random)
        await executor.execute(plan, timeout_s=PATIENCE_S)
        floor.add(executor, await executor.closed(plan, timeout_s=PATIENCE_S))


async def trader(desk: Desk, floor: Floor, *, number: int) -> None:
    """One account in all symbols at once."""
    settings = desk.settings(SUREFILL_MAX_ORDER_NOTIONAL_USD="500000")
    async with SmartOrderExecutor(settings) as executor:
        await asyncio.gather(
            *(
                lane(executor, floor, name=f"t{number}-{symbol}", seed=100 * number + at)
                for at, symbol in enumerate(SYMBOLS)
            )
        )


async def trade(exchange: RunningExchange, folder: Path) -> Floor:
    """Everybody trades."""
    floor = Floor()
    desks = [Desk(exchange, folder / str(number)) for number in range(TRADERS)]
    await asyncio.gather(*(trader(desk, floor, number=n) for n, desk in enumerate(desks)))
    return floor


def judge(floor: Floor, exchange: RunningExchange, limits: AuditLimits | None = None) -> None:
    """The auditor's verdict, and what happened, in one place."""
    plans, claims = [plan for plan, _ in floor.rows], [claim for _, claim in floor.rows]
    report = audit(plans, exchange.log(), claims, limits=limits)
    print(render(report))
    print(Counter(str(result.outcome) for result in floor.results))
    assert len(floor.results) == TRADERS * len(SYMBOLS) * ROUNDS
    assert report.is_clean, render(report)
    entered = [result for result in floor.results if result.is_entered]
    assert len(entered) >= 10
    assert all(result.outcome is not None for result in floor.results)


async def test_thirty_plans_in_good_weather(exchange: RunningExchange, tmp_path: Path) -> None:
    judge(await trade(exchange, tmp_path), exchange)


async def test_thirty_plans_with_faults_on_every_wire(
    exchange: RunningExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A refused order whose refusal is lost never was: believed after 120 s, too long for a test.
    monkeypatch.setattr(order, "ABSENT_AFTER_NS", 3 * SECOND_NS)
    for code, (target, probability) in WEATHER.items():
        params = {"effect": True} if code == "N3" else {}
        exchange.arm(code, target, probability=probability, params=params)
    floor = await trade(exchange, tmp_path)
    struck = {code for code, count in exchange.counters().items() if count}
    assert len(struck & WEATHER.keys()) >= 5, exchange.counters()
    exchange.disarm()
    judge(floor, exchange, BLIND)
