"""`OrderManager.submit_order`: the call that users already have, on the smart or the legacy path.

    with OrderManager.from_env() as orders:
        orders.submit_order("CRWD", "buy", 25, 534.82, 529.47, 536.87)     # enters
        orders.submit_order("CRWD", "sell", 25)                            # closes it

What: an order that opens becomes a plan with exits by level, routed by ``USE_SMART_EXECUTOR``; one
that goes against a trade of ours closes it or a part of it: what goes takes its exits along, what
stays stays covered (decision 0006).
Why routing happens only here: both paths are one engine, so limits, cover, journal and recovery are
the same on both; the legacy path differs by its market order and its static exits, no more.
Invariants: a plan is smart or legacy for its whole life, whatever the setting says later; exits and
reducing orders pass every limit and switch (kill and halt included).
Must never: turn a reducing order into a new position: no more is sold than is held. Shares that are
not ours are not touched: an order against them is a new entry, which the gate denies
(`POSITION_FOREIGN`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from surefill.blocking_executor import BlockingExecutor
from surefill.config import Settings
from surefill.core.plan import PlanError
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.trade import Phase
from surefill.ports import Clock
from surefill.smart_order_executor import (
    ErrorCode,
    SmartOrderExecutor,
    SurefillError,
    TradeResult,
)

__all__ = ["OrderManager", "TradeResult"]

SIGNS = {"buy": 1, "long": 1, "sell": -1, "short": -1, "sell_short": -1}
CLOSE_S = 30.0
"""For a closing order to be done in regular hours; it goes on after that."""


class OrderManager:
    """Orders of one account, blocking. Use it as ``with``.

    ``settings`` default to those of the environment and ``.env``.
    """

    def __init__(self, settings: Settings | None = None, *, clock: Clock | None = None) -> None:
        self._blocking = BlockingExecutor(settings, clock=clock)

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, dotenv_path: Path = Path(".env")
    ) -> OrderManager:
        """With the settings of the environment over a ``.env`` file. Raises `ConfigError`."""
        found = os.environ if environ is None else environ
        return cls(Settings.load(found, dotenv_path))

    def __enter__(self) -> OrderManager:
        self._blocking.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._blocking.close()

    @property
    def executor(self) -> SmartOrderExecutor:
        """The executor underneath, for everything an order cannot say."""
        return self._blocking.executor

    def submit_order(
        self,
        symbol: str,
        side: str,
        qty: object,
        price: object = None,
        stop_loss_price: object = None,
        take_profit_price: object = None,
        *,
        plan_id: str | None = None,
        timeout_s: float | None = None,
    ) -> TradeResult:
        """Enter with stop and target, or close what this order goes against.

        ``price`` is the signal price in USD. Returns when an entry is over and covered (or denied),
        or when the shares to close are gone; ``timeout_s`` bounds the wait, never the trade.
        A closing order whose time is over has ``closing_qty`` left and says CLOSE_PENDING.

        ``plan_id`` is your own id of this order, whether it enters or closes: the same order again
        gives its first result. Without one a closing order sent twice closes twice as much.
        Raises `PlanError` for values that are no numbers, `SurefillError` (NOTHING_TO_CLOSE for an
        order without a price where nothing is open, PLAN_ID_REUSED for an id with another order:
        then nothing is sent).
        """
        return self._blocking.run(
            self._submit(
                (symbol, side, qty),
                (price, stop_loss_price, take_profit_price),
                plan_id=plan_id,
                timeout_s=timeout_s,
            )
        )

    def flatten(self, symbol: str, *, timeout_s: float = CLOSE_S) -> tuple[TradeResult, ...]:
        """Close every trade of ours in this symbol and wait until it is flat."""
        return self._blocking.run(self._flatten(symbol, timeout_s))

    def kill(self, why: str, *, by: str = "caller") -> None:
        """No new entries, working entries are cancelled; survives restarts. Flattens nothing."""
        self._blocking.run(self.executor.kill(why, by=by))

    async def _submit(
        self,
        order: tuple[str, str, object],
        prices: tuple[object, object, object],
        *,
        plan_id: str | None,
        timeout_s: float | None,
    ) -> TradeResult:
        symbol, side, qty = order
        key = plan_id or ""
        against = self._trade_against(symbol, side, key)
        if against is not None and not self.executor.knows(key):
            return await self.executor.reduce(
                against,
                qty,
                "submit_order",
                key=key,
                by="order manager",
                timeout_s=CLOSE_S if timeout_s is None else timeout_s,
            )
        signal_px, stop_px, target_px = prices
        if signal_px is None:
            sentence = f"no open trade of ours in {symbol} that a {side} would close, and no price"
            raise SurefillError(ErrorCode.NOTHING_TO_CLOSE, f"{sentence}. Nothing was sent")
        plan = self.executor.plan_of(
            symbol,
            side,
            qty,
            plan_id=plan_id,
            signal_price=signal_px,
            stop=stop_px,
            target=target_px,
        )
        return await self.executor.execute(plan, timeout_s=timeout_s)

    def _trade_against(self, symbol: str, side: str, key: str) -> TradeResult | None:
        """The trade of ours that an order of this side reduces: the one that it reduced when it was
        asked before, or the open one; a symbol has one."""
        sign = SIGNS.get(str(side).lower())
        if sign is None:
            raise PlanError((Reason.of(ReasonCode.PLAN_SIDE_INVALID, value=side),))
        before = self.executor.closing(key) if key else None
        for trade in self.executor.open_trades() if before is None else (before,):
            is_there = trade.phase is not Phase.AWAITING_TRIGGER  # nothing to reduce yet
            if trade.symbol == symbol and trade.side.sign != sign and is_there:
                return trade
        if before is not None:
            sentence = f"id {key} was used before, to close shares of {before.plan_id}"
            raise SurefillError(ErrorCode.PLAN_ID_REUSED, f"{sentence}. Nothing was sent")
        return None

    async def _flatten(self, target: str, timeout_s: float) -> tuple[TradeResult, ...]:
        trades = [
            trade
            for trade in self.executor.open_trades()
            if target in (trade.symbol, trade.plan_id)
        ]
        await self.executor.flatten(target, "submit_order", by="order manager")
        return tuple([await self.executor.closed(trade, timeout_s=timeout_s) for trade in trades])
