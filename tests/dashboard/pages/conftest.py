"""A short day behind the pages: one open trade, one that is over, one denied plan, an engine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange


@pytest.fixture(scope="session")
def settled_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Its engine has ended; the venue goes on."""
    with RunningExchange() as exchange:
        for symbol in ("PAGO", "PAGC", "PAGD"):
            exchange.quote(symbol, "99.99", "100.01")
        desk = Desk(exchange, tmp_path_factory.mktemp("pages"))
        settings = desk.settings()

        async def play() -> None:
            async with SmartOrderExecutor(settings) as executor:
                await executor.execute(plan_of("PAGC", "c1"))
                await executor.flatten("c1")
                await executor.closed("c1")
                await executor.execute(plan_of("PAGD", "d1", rr="1"))
                await executor.execute(plan_of("PAGO", "o1"))

        thread = threading.Thread(target=lambda: asyncio.run(play()))
        thread.start()
        thread.join()
        yield desk
