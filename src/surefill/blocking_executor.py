"""The executor for scripts: every call blocks until its answer is there.

    with BlockingExecutor.from_env() as executor:
        result = executor.execute_trade("CRWD", "buy", 25, 534.82, 5.35, 2)

What: `BlockingExecutor`, the twin of `SmartOrderExecutor` on an event loop in a thread of its own.
Why: most strategies are scripts, and protection must go on while a script computes.
Must never: know anything that the asynchronous executor does not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from surefill.config import Settings
from surefill.core.plan import TradePlan
from surefill.ports import Clock
from surefill.runtime.dry_run import PlanCheck
from surefill.runtime.loop_thread import Blocking
from surefill.runtime.result import TradeResult
from surefill.smart_order_executor import REDUCE_S, SmartOrderExecutor

T = TypeVar("T")


class BlockingExecutor(Blocking):
    """`SmartOrderExecutor` for scripts: an event loop in a thread of its own.

    with BlockingExecutor.from_env() as executor:
        result = executor.execute_trade("CRWD", "buy", 25, 534.82, 5.35, 2)

    Every method blocks until its answer is there. Safe to call from several threads.
    """

    not_started = "start it first: with BlockingExecutor(...) as executor"

    def __init__(self, settings: Settings | None = None, *, clock: Clock | None = None) -> None:
        super().__init__()
        self.executor = SmartOrderExecutor(settings, clock=clock)

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, dotenv_path: Path = Path(".env")
    ) -> BlockingExecutor:
        """With the settings of the environment over a ``.env`` file. Raises `ConfigError`."""
        found = os.environ if environ is None else environ
        return cls(Settings.load(found, dotenv_path))

    async def _open(self) -> None:
        await self.executor.start()

    async def _shut(self) -> None:
        await self.executor.close()  # cover stays at the broker

    def execute_trade(
        self,
        symbol: str,
        side: str,
        quantity: object,
        signal_price: object,
        risk_amount: object,
        rr_ratio: object,
        *,
        plan_id: str | None = None,
        timeout_s: float | None = None,
    ) -> TradeResult:
        """Enter with exits by distance: the stop ``risk_amount`` USD *per share* from the fill, the
        target ``rr_ratio`` times as far beyond it.

        Numbers may be text, ``int``, ``Decimal`` or ``float``. ``plan_id`` is the idempotency key;
        without one every call is a new trade. Raises `PlanError`, `SurefillError`.
        """
        plan = self.executor.plan_of(
            symbol,
            side,
            quantity,
            plan_id=plan_id,
            signal_price=signal_price,
            risk=risk_amount,
            rr=rr_ratio,
        )
        return self.execute(plan, timeout_s=timeout_s)

    def execute(self, plan: TradePlan, *, timeout_s: float | None = None) -> TradeResult:
        """See `SmartOrderExecutor.execute`."""
        return self.run(self.executor.execute(plan, timeout_s=timeout_s))

    def closed(
        self, trade: str | TradePlan | TradeResult, *, timeout_s: float | None = None
    ) -> TradeResult:
        """See `SmartOrderExecutor.closed`."""
        return self.run(self.executor.closed(trade, timeout_s=timeout_s))

    def check(self, plan: TradePlan) -> PlanCheck:
        """See `SmartOrderExecutor.check`."""
        return self.run(self.executor.check(plan))

    def reduce(
        self,
        trade: str | TradePlan | TradeResult,
        quantity: object,
        why: str = "",
        *,
        key: str = "",
        timeout_s: float = REDUCE_S,
    ) -> TradeResult:
        """See `SmartOrderExecutor.reduce`."""
        work = self.executor.reduce(trade, quantity, why, key=key, timeout_s=timeout_s)
        return self.run(work)

    def tighten(self, plan_id: str, stop: object, why: str = "") -> TradeResult:
        """See `SmartOrderExecutor.tighten`."""
        return self.run(self.executor.tighten(plan_id, stop, why))

    def result(self, plan_id: str) -> TradeResult:
        """See `SmartOrderExecutor.result`."""
        return self.run(_ready_made(lambda: self.executor.result(plan_id)))

    def open_trades(self) -> tuple[TradeResult, ...]:
        """See `SmartOrderExecutor.open_trades`."""
        return self.run(_ready_made(self.executor.open_trades))


async def _ready_made(read: Callable[[], T]) -> T:
    """A read that has to happen on the loop's thread."""
    return read()
