"""A stop that is moved nearer rests at the venue; what would not move is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surefill.core.plan import PlanError
from surefill.core.trade import Outcome
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.tightening import stop_px_of
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange

CENT = 10_000_000


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        for symbol in ("NEAR", "EVEN"):
            running.quote(symbol, "99.99", "100.01")
        yield running


@pytest.fixture
def desk(exchange: RunningExchange, tmp_path: Path) -> Desk:
    return Desk(exchange, tmp_path)


def stops(desk: Desk, symbol: str) -> list[int]:
    """Prices at which the venue put stops of this symbol to work, in cents, in order."""
    rows: list[dict[str, Any]] = desk.truth(symbol=symbol, leg="STOP")
    found = [row["stop_px"] // CENT for row in rows if row["kind"] in ("accept", "new", "held")]
    return [px for n, px in enumerate(found) if n == 0 or px != found[n - 1]]


def fall(desk: Desk, symbol: str, bid: str, ask: str) -> None:
    """The market goes there and trades there: stops elect by prints."""
    desk.exchange.quote(symbol, bid, ask)
    desk.exchange.print_(symbol, bid)


async def test_a_stop_is_moved_at_the_venue_and_never_back(desk: Desk) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of("NEAR", "n1", qty=10))
        found = await executor.tighten("n1", "99.50", "a hunch", by="ann")
        assert (found.stop, found.uncovered_qty) == (found.stop, 0)
        assert str(found.stop) == "99.5"
        again = await executor.tighten("n1", "99.50")
        assert again.stop_px == found.stop_px
        for stop, why in (("99.20", "only tightens"), ("100.00", "through the market 99.99")):
            with pytest.raises(SurefillError, match=why) as caught:
                await executor.tighten("n1", stop)
            assert caught.value.code is ErrorCode.STOP_NOT_TIGHTER
        assert stops(desk, "NEAR") == [9901, 9950]
        fall(desk, "NEAR", "99.40", "99.42")
        final = await executor.closed("n1", timeout_s=10)
        assert final.outcome is Outcome.CLOSED_STOP
        with pytest.raises(SurefillError, match="holds no shares"):
            await executor.tighten("n1", "99.60")
        with pytest.raises(SurefillError, match="TRADE_UNKNOWN"):
            await executor.tighten("n2", "99.60")


async def test_a_plan_with_break_even_over_sockets_and_a_restart(desk: Desk) -> None:
    plan = plan_of("EVEN", "e1", qty=10, break_even="0.50", trail="0.40", trail_from="1.20")
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan)
        desk.exchange.quote("EVEN", "100.52", "100.54")
        await executor.runtime.driver.until(lambda: stops(desk, "EVEN")[-1] == 10_001, timeout_s=10)
    async with SmartOrderExecutor(desk.settings()) as executor:
        assert executor.result("e1").stop_px == 10_001 * CENT
        fall(desk, "EVEN", "99.98", "100.00")
        final = await executor.closed("e1", timeout_s=10)
    assert final.outcome is Outcome.CLOSED_STOP
    assert stops(desk, "EVEN") == [9901, 10_001]


@pytest.mark.parametrize("value", ["near", 0, "-1", None])
def test_what_is_no_price_is_no_stop(value: object) -> None:
    with pytest.raises(PlanError, match="EXITS_LEVEL_INVALID"):
        stop_px_of(value)
