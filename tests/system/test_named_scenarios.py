"""The ten scenarios by which people know this executor, each under its own name.

`python tests/test_smart_order_executor.py` shows them first in its list. They repeat on purpose, in
a few lines each, what other files prove in depth.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderStatus
from alpaca.trading.models import Order, Position

from surefill.config import ConfigError, Settings
from surefill.core.reasons import ReasonCode
from surefill.core.trade import Outcome
from surefill.order_manager import OrderManager
from surefill.smart_order_executor import PlanCheck, SmartOrderExecutor, TradeResult
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange, wait_until

_symbols = (f"NS{n}" for n in count(1))


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    """One exchange for all; every scenario has its own account and symbol."""
    with RunningExchange() as running:
        yield running


@pytest.fixture
def desk(exchange: RunningExchange, tmp_path: Path) -> Desk:
    """An account of this scenario; entries may work for a second."""
    return Desk(exchange, tmp_path)


@pytest.fixture
def symbol(exchange: RunningExchange) -> str:
    """A symbol of this scenario, 99.99 x 100.01."""
    name = next(_symbols)
    exchange.quote(name, "99.99", "100.01")
    return name


def check(desk: Desk, symbol: str, **terms: str) -> PlanCheck:
    """What would happen to this plan; nothing is sent."""

    async def ask() -> PlanCheck:
        async with SmartOrderExecutor(desk.settings()) as executor:
            return await executor.check(plan_of(symbol, "asked", qty=100, **terms))

    return asyncio.run(ask())


def execute(desk: Desk, symbol: str, **terms: str) -> TradeResult:
    """Do it."""

    async def trade() -> TradeResult:
        settings = desk.settings(SMART_EXECUTOR_FILL_TIMEOUT="1")
        async with SmartOrderExecutor(settings) as executor:
            return await executor.execute(plan_of(symbol, "done", qty=100, **terms))

    return asyncio.run(trade())


def test_limit_price(desk: Desk, symbol: str) -> None:
    """The first limit is the signal plus 0.05 %, rounded toward safety."""
    terms = check(desk, symbol, signal_price="100.11").terms
    assert terms is not None
    assert terms.first_limit_px == 100_160_000_000  # 100.160055


def test_dynamic_stop_and_target(desk: Desk, symbol: str) -> None:
    """Stop and target are measured from the fill, not from the signal."""
    result = execute(desk, symbol, risk="1", rr="2")
    assert result.vwap == Decimal("100.01")
    assert (result.stop, result.target) == (Decimal("99.01"), Decimal("102.01"))
    assert result.uncovered_qty == 0


def test_slippage_limit(desk: Desk, symbol: str) -> None:
    """No limit ever goes beyond the signal plus 0.10 %."""
    terms = check(desk, symbol).terms
    assert terms is not None
    assert terms.worst_px == 100_100_000_000
    assert terms.first_limit_px <= terms.worst_px


def test_reward_risk_limit(desk: Desk, symbol: str) -> None:
    """Below the minimum reward/risk nothing is sent."""
    result = execute(desk, symbol, rr="1.99")
    assert result.outcome is Outcome.DENIED
    assert result.code is ReasonCode.RR_BELOW_MIN
    assert not desk.truth(kind="accept", symbol=symbol)


def test_crwd(desk: Desk) -> None:
    """The trade that started it: reward/risk 1:0.13 on the legacy path, none at all on the smart
    one."""
    desk.exchange.quote("CRWD", "535.90", "536.00")
    with OrderManager(desk.settings(USE_SMART_EXECUTOR="False")) as orders:
        legacy = orders.submit_order("CRWD", "buy", 25, 534.82, 529.47, 536.87)
        orders.flatten("CRWD")
    assert legacy.vwap == Decimal("536")
    assert legacy.rr_at_fill is not None
    assert round(legacy.rr_at_fill, 2) == Decimal("0.13")
    with OrderManager(desk.settings()) as orders:
        smart = orders.submit_order("CRWD", "buy", 25, 534.82, 529.47, 536.87)
    assert smart.outcome is Outcome.DENIED


def test_excessive_slippage_refused(desk: Desk, symbol: str) -> None:
    """The market is 0.22 % away and stays there: no share, no loss."""
    desk.exchange.quote(symbol, "100.20", "100.22")
    result = execute(desk, symbol)
    assert result.outcome is Outcome.NOT_ENTERED
    assert result.quantity == 0


def test_acceptable_slippage_accepted(desk: Desk, symbol: str) -> None:
    """The market is 0.05 % away: entered there, and said so."""
    desk.exchange.quote(symbol, "100.03", "100.05")
    result = execute(desk, symbol)
    assert result.vwap == Decimal("100.05")
    assert result.slippage_vs_signal_bps == Decimal("5.00")


def test_order_manager_routing(desk: Desk, symbol: str) -> None:
    """The same call, smart or legacy by one setting."""
    kinds = []
    for text in ("True", "False"):
        with OrderManager(desk.settings(USE_SMART_EXECUTOR=text)) as orders:
            entered = orders.submit_order(symbol, "buy", 10, 100, 99, 102.5)
            kinds.append((entered.is_legacy, desk.accepted(entered.plan_id, "E")[0]["ord_type"]))
            orders.flatten(symbol)
    assert kinds == [(False, "LIMIT"), (True, "MARKET")]


def test_configuration_loading(tmp_path: Path) -> None:
    """Seven classic names with their defaults; a misspelt one refuses to start."""
    shown = {row.name: row.value for row in Settings.load({}).describe()}
    classic = {
        "USE_SMART_EXECUTOR": "True",
        "SMART_EXECUTOR_MAX_SLIPPAGE_PCT": "0.001",
        "SMART_EXECUTOR_LIMIT_BUFFER_REGULAR": "0.0005",
        "SMART_EXECUTOR_LIMIT_BUFFER_EXTENDED": "0.0002",
        "SMART_EXECUTOR_FILL_TIMEOUT": "60",
        "SMART_EXECUTOR_MIN_RR_RATIO": "2",
        "SMART_EXECUTOR_ENABLE_EXTENDED_HOURS": "False",
    }
    assert {name: shown[name] for name in classic} == classic
    env = tmp_path / ".env"
    env.write_text("USE_SMART_EXECUTOR=False\n")
    assert not Settings.load({}, env).use_smart_executor
    assert Settings.load({"USE_SMART_EXECUTOR": "True"}, env).use_smart_executor
    with pytest.raises(ConfigError, match="did you mean USE_SMART_EXECUTOR"):
        Settings.load({"USE_SMART_EXECUTER": "False"})


def test_alpaca_compatibility(desk: Desk, symbol: str) -> None:
    """alpaca-py, looking at the same account, sees the position and both exits."""
    execute(desk, symbol)
    client = TradingClient(
        desk.key, desk.environ()["APCA_API_SECRET_KEY"], url_override=desk.exchange.url
    )
    position = client.get_open_position(symbol)
    assert isinstance(position, Position)
    assert position.qty == "100"
    wait_until(lambda: desk.truth(kind="armed", symbol=symbol))
    orders = [order for order in client.get_orders() if isinstance(order, Order)]
    prices = {order.limit_price or order.stop_price for order in orders}
    assert {float(price) for price in prices if price is not None} >= {102.01}
    assert {order.order_class for order in orders} == {OrderClass.OCO}
    assert {order.status for order in orders} <= {OrderStatus.NEW, OrderStatus.HELD}
