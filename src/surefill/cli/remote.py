"""The running engine in the shape of an executor of one's own, for verbs that wait for one trade.

What: `RemoteExecutor`: the part of `SmartOrderExecutor` that ``surefill trade`` uses, asked through
the control port; how the trade stands is read in the background, because a verb's progress line
does not wait.
Invariants: leaving asks the engine for nothing; what the verb wants ended it says by itself; an
engine that is killed under the call and started again answers it, as it would a strategy.
Must never: trade.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

from surefill.client import RECONNECT_S, AsyncClient
from surefill.config import Settings
from surefill.core.plan import TradePlan
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.result import TradeResult

LOOK_S = 0.25


class RemoteExecutor:
    """One trade through the engine that holds the account."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._client = AsyncClient(settings, strategy="cli", reconnect_s=RECONNECT_S)
        self._last: dict[str, TradeResult] = {}
        self._watchers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> RemoteExecutor:
        await self._client.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await self._client.close()

    def plan_of(
        self, symbol: str, side: str, quantity: object, *, plan_id: str | None = None, **terms: Any
    ) -> TradePlan:
        """See `AsyncClient.plan_of`."""
        return self._client.plan_of(symbol, side, quantity, plan_id=plan_id, **terms)

    async def execute(self, plan: TradePlan) -> TradeResult:
        """See `AsyncClient.execute`."""
        self._watchers.append(asyncio.create_task(self._watch(plan.plan_id)))
        return self._keep(await self._client.execute(plan))

    async def closed(self, plan_id: str) -> TradeResult:
        """See `AsyncClient.closed`."""
        return self._keep(await self._client.closed(plan_id))

    async def cancel_entry(self, target: str, why: str = "", *, by: str = "") -> None:
        """See `AsyncClient.cancel_entry`; the engine knows by whom."""
        await self._client.cancel_entry(target, why or by)
        await self._look(target)

    def knows(self, plan_id: str) -> bool:
        """Whether the engine has shown this trade."""
        return plan_id in self._last

    def result(self, plan_id: str) -> TradeResult:
        """How it stood at the last look."""
        return self._last[plan_id]

    async def _watch(self, plan_id: str) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._look(plan_id)

    async def _look(self, plan_id: str) -> None:
        try:
            self._keep(await self._client.result(plan_id))
        except SurefillError as error:
            if error.code is not ErrorCode.TRADE_UNKNOWN:
                raise

    def _keep(self, result: TradeResult) -> TradeResult:
        self._last[result.plan_id] = result
        return result
