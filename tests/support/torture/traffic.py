"""Trades of one symbol, one after the other, and the market that lets them happen.

What: `Trader.play` hands over a plan, moves the symbol's market so that the entry fills as drawn,
and brings the trade to its end as drawn, through however many deaths of the engine.
Why a plan at a time: the engine takes one trade a symbol.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

from surefill.client import AsyncClient
from surefill.core.trade import Outcome
from surefill.runtime.clock import uptime_ns
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.result import TradeResult
from tests.support.torture.draw import Entering, Leaving, TradeDraw, draw_trade
from tests.support.torture.venue import VenueSide

T = TypeVar("T")
NEAR = ("99.99", "100.01")
AWAY = {"buy": ("100.10", "100.20"), "sell": ("99.80", "99.90")}
GAIN = {"buy": ("102.20", "102.30"), "sell": ("97.70", "97.80")}
LOSS = {"buy": ("98.70", "98.80"), "sell": ("101.20", "101.30")}
"""Quotes at which an entry fills, does not fill, and at which target and stop are reached."""
TERMS = {"signal_price": "100.00", "risk": "1", "rr": "2"}
AGAIN = frozenset(
    {
        ErrorCode.ENGINE_STOPPED,
        ErrorCode.CONTROL_UNREACHABLE,
        ErrorCode.CONTROL_LOST,
        ErrorCode.CONTROL_REFUSED,
        ErrorCode.NOT_STARTED,
    }
)
"""What a caller hears of an engine that died: ask the next one."""
NS_PER_S = 1_000_000_000
PAUSE_S = 0.3
DENIED_S = 1.0
"""Nobody who is denied asks again at once."""
CLOSE_S = 20.0
PUSH_S = 5.0


class Trader:
    """All trades of one symbol of one account."""

    def __init__(
        self,
        venue: VenueSide,
        client: AsyncClient,
        symbol: str,
        *,
        chance: Random,
        patience_s: float,
    ) -> None:
        self.symbol = symbol
        self.ended: Counter[str] = Counter()
        self.stuck: list[str] = []
        self._venue = venue
        self._client = client
        self._chance = chance
        self._patience_s = patience_s
        self._count = 0

    async def play(self, is_over: Callable[[], bool]) -> None:
        """Trade until it is over; the last trade is brought to its end."""
        await self._venue.quote(self.symbol, *NEAR)
        while not is_over():
            self._count += 1
            await self._trade(f"{self.symbol}-{self._count}", draw_trade(self._chance))

    async def _trade(self, plan_id: str, draw: TradeDraw) -> None:
        is_near = draw.entering is Entering.AT_ONCE
        await self._venue.quote(self.symbol, *(NEAR if is_near else AWAY[draw.side]))
        moving = asyncio.create_task(self._lets_in(draw))
        try:
            result = await self._insist(lambda: self._enter(plan_id, draw))
        finally:
            await moving
        if result.outcome is None:
            await asyncio.sleep(draw.hold_s)
            result = await self._leaves(plan_id, draw)
        word = result.outcome.value if result.outcome is not None else "OPEN"
        if result.outcome is Outcome.DENIED:
            word += f" {result.reasons[0].code.name}"
            await asyncio.sleep(DENIED_S)
        self.ended[word] += 1
        if result.outcome is None:
            self.stuck.append(plan_id)

    async def _enter(self, plan_id: str, draw: TradeDraw) -> TradeResult:
        return await self._client.trade(
            self.symbol,
            draw.side,
            draw.qty,
            plan_id=plan_id,
            timeout_s=self._patience_s / 10,
            **TERMS,
        )

    async def _lets_in(self, draw: TradeDraw) -> None:
        """The market, as far as the entry is concerned."""
        if draw.entering in (Entering.AT_ONCE, Entering.NEVER):
            return
        await asyncio.sleep(draw.wait_s)
        if draw.entering is Entering.LATER:
            await self._venue.quote(self.symbol, *NEAR)
            return
        await self._venue.quote(self.symbol, *NEAR, size=draw.part)
        await asyncio.sleep(draw.wait_s / 4)
        await self._venue.quote(self.symbol, *AWAY[draw.side])
        if draw.entering is Entering.IN_PARTS:
            await asyncio.sleep(draw.wait_s / 2)
            await self._venue.quote(self.symbol, *NEAR)

    async def _leaves(self, plan_id: str, draw: TradeDraw) -> TradeResult:
        if draw.leaving is Leaving.FLATTEN:
            await self._venue.quote(self.symbol, *NEAR)
            await self._insist(
                lambda: self._client.flatten(self.symbol, "torture", timeout_s=CLOSE_S)
            )
        elif draw.leaving is Leaving.REDUCE and draw.qty > 2:
            await self._venue.quote(self.symbol, *NEAR)
            await self._reduce(plan_id, draw)
        elif draw.leaving is Leaving.STOP:
            await self._loses(draw)
        elif draw.leaving is Leaving.TARGET_IN_PARTS:
            await self._venue.quote(self.symbol, *GAIN[draw.side], size=draw.part)
            await asyncio.sleep(draw.wait_s / 2)
        if draw.leaving is not Leaving.STOP:
            await self._venue.quote(self.symbol, *GAIN[draw.side])
        return await self._ends(plan_id, draw)

    async def _reduce(self, plan_id: str, draw: TradeDraw) -> None:
        found = await self._insist(lambda: self._client.result(plan_id))
        qty = found.position_qty // 10**9 // 3
        if qty > 0:
            await self._insist(
                lambda: self._client.reduce(
                    plan_id, qty, "torture", key=f"{plan_id}-r", timeout_s=CLOSE_S
                )
            )

    async def _loses(self, draw: TradeDraw) -> None:
        bid, ask = LOSS[draw.side]
        await self._venue.quote(self.symbol, bid, ask)
        await self._venue.print_(self.symbol, bid if draw.side == "buy" else ask)

    async def _ends(self, plan_id: str, draw: TradeDraw) -> TradeResult:
        """The market goes to the target, again and again where somebody was late."""
        found = await self._insist(lambda: self._client.result(plan_id))
        until_ns = uptime_ns() + int(self._patience_s * NS_PER_S)
        while found.outcome is None and uptime_ns() < until_ns:
            found = await self._insist(lambda: self._client.closed(plan_id, timeout_s=PUSH_S))
            # An entry that filled late, at a better price, has its stop further away.
            await self._venue.quote(self.symbol, *GAIN[draw.side])
        return found

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The same question to the next engine, as a careful strategy does. ``ask`` says nothing
        that could do more when it is asked twice."""
        while True:
            try:
                return await ask()
            except SurefillError as error:
                if error.code not in AGAIN:
                    raise
            await asyncio.sleep(PAUSE_S)
