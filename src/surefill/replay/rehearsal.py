"""A real round trip both ways, so that the integration items have something to look at.

    results = await rehearse(settings, "SPY", by="ann")

What: one share in on the smart path, covered, flattened; then, after a restart with the routing
turned to legacy, the same again. Everything goes through `SmartOrderExecutor`, the account's own
journal and its log, as a strategy would do it.
Invariants: one share each; the legacy round begins only when the smart one is flat; what entered is
covered until it is flat, whatever happens in between.
Must never: run on an account with real money.
"""

from __future__ import annotations

from surefill.config import Settings
from surefill.core.plan import TradePlan
from surefill.core.units import CENT, to_text
from surefill.core.values import replace
from surefill.runtime.checkup import Level, mode_check
from surefill.runtime.result import TradeResult
from surefill.smart_order_executor import SmartOrderExecutor

CLOSE_S = 90.0
"""Four steps of a widening close, and the answers between them."""
RISK_PERCENT = 1
WHY = "rehearsal of the integration stage"


class RehearsalError(Exception):
    """There was no round trip; the sentence says why."""


async def rehearse(settings: Settings, symbol: str, *, by: str) -> tuple[TradeResult, ...]:
    """The results of the smart round and of the legacy one.

    Raises `RehearsalError`, and `SurefillError` or `JournalError` where nothing could be started.
    """
    if mode_check(settings).level is not Level.OK:
        raise RehearsalError("this account has real money; rehearse on paper or a local exchange")
    results = []
    for is_smart in (True, False):
        async with SmartOrderExecutor(replace(settings, use_smart_executor=is_smart)) as executor:
            result = await _round(executor, symbol, by=by)
        if result.outcome is None:
            raise RehearsalError(f"{result.plan_id} is still open: {result.line}")
        results.append(result)
    return tuple(results)


async def _round(executor: SmartOrderExecutor, symbol: str, *, by: str) -> TradeResult:
    plan = await _plan(executor, symbol)
    result = await executor.execute(plan)
    if result.outcome is not None:
        return result
    await executor.flatten(plan.plan_id, WHY, by=by)
    return await executor.closed(plan, timeout_s=CLOSE_S)


async def _plan(executor: SmartOrderExecutor, symbol: str) -> TradePlan:
    """One share at the present ask, so that the entry can fill at once."""
    probe = executor.plan_of(symbol, "buy", 1, signal_price="1", risk="0.1", rr="2")
    await executor.check(probe)  # reads instrument and quote; nothing is sent
    view = executor.runtime.engine.views.get(symbol)
    ask_px = view.nbbo.ask_px if view is not None and view.nbbo is not None else 0
    if not ask_px:
        raise RehearsalError(f"no quote for {symbol}; rehearse while its market is open")
    risk_px = max(10 * CENT, ask_px * RISK_PERCENT // 100 // CENT * CENT)
    return executor.plan_of(
        symbol,
        "buy",
        1,
        signal_price=to_text(ask_px),
        risk=to_text(risk_px),
        rr=to_text(max(executor.settings.min_rr_ppb, 2_000_000_000)),
    )
