"""Moving a stop nearer on request: said at once when that is not what would happen.

What: `tighten_and_wait`. Why beside the engine: the engine takes a stop that is no nearer for what
it is, nothing to do; a person who typed it has to hear why.
Invariants: a request may come twice: the same stop again is where it is already; the old stop works
at the broker until the new one does (I22).
Must never: loosen a stop, close anything, or wait without a limit.
"""

from __future__ import annotations

from surefill.core.events import Act, OperatorActed
from surefill.core.plan import PlanError
from surefill.core.ratchet import is_ratchet, tightened
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.core.units import UnitError, to_nano, to_usd_text
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.guard import must_fit
from surefill.runtime.recovery import remembered
from surefill.runtime.wiring import Runtime

TIGHTEN_S = 10.0
"""For the broker to put the new stop in the old one's place; it goes on after that."""


def stop_px_of(value: object) -> int:
    """A stop (1e-9 USD) from what people type. Raises `PlanError`."""
    try:
        px = to_nano(str(value))
    except UnitError:
        px = 0
    if px <= 0:
        code = ReasonCode.EXITS_LEVEL_INVALID
        raise PlanError((Reason.of(code, field="stop", value=value),))
    return px


async def tighten_and_wait(
    runtime: Runtime,
    plan_id: str,
    stop_px: int,
    *,
    by: str,
    why: str,
    timeout_s: float = TIGHTEN_S,
) -> Trade:
    """Put a trade's stop at ``stop_px`` (1e-9 USD); return the trade when every stop of it rests
    there, or after ``timeout_s`` as it is by then.

    Raises `SurefillError`: TRADE_UNKNOWN; STOP_NOT_TIGHTER with the reason, then nothing is done.
    """
    trade = _open_trade(runtime, plan_id)
    if trade.ratchet_px != stop_px:
        _must_help(runtime, trade, stop_px)
        now = runtime.clock.now_ns()
        event = OperatorActed(Act.TIGHTEN, plan_id, by, why, now, px=stop_px)
        runtime.driver.post(must_fit(event))
        await runtime.driver.drained()
    await runtime.driver.until(lambda: _rests(runtime, plan_id), timeout_s=timeout_s)
    return _known(runtime, plan_id)


def _must_help(runtime: Runtime, trade: Trade, stop_px: int) -> None:
    """Raises `SurefillError` when the engine would find nothing to do, or the broker no place."""
    at, asked = to_usd_text(trade.wanted_exits().stop_px), to_usd_text(stop_px)
    if tightened(trade, stop_px) is trade:
        target = to_usd_text(trade.wanted_exits().target_px)
        raise _refused(f"the stop is at {at} and only tightens, below its target {target}: {asked}")
    view = runtime.engine.views.get(trade.symbol)
    touch_px = view.nbbo.near_px(trade.sign) if view is not None and view.nbbo is not None else 0
    if touch_px and trade.sign * (touch_px - stop_px) <= 0:
        touch = to_usd_text(touch_px)
        raise _refused(f"a stop at {asked} is at or through the market {touch}; flatten closes now")


def _rests(runtime: Runtime, plan_id: str) -> bool:
    trade = _known(runtime, plan_id)
    return trade.is_closed or not any(is_ratchet(trade, order) for order in trade.orders)


def _open_trade(runtime: Runtime, plan_id: str) -> Trade:
    trade = _known(runtime, plan_id)
    if trade.is_closed or trade.position_qty <= 0 or trade.exit_reason is not None:
        raise _refused(f"trade {plan_id} holds no shares that a stop protects")
    return trade


def _known(runtime: Runtime, plan_id: str) -> Trade:
    found = remembered(runtime.stepper, plan_id)
    if found is None or isinstance(found, Denial):
        sentence = f"no trade {plan_id} in the journal of this account"
        raise SurefillError(ErrorCode.TRADE_UNKNOWN, sentence)
    return found


def _refused(sentence: str) -> SurefillError:
    return SurefillError(ErrorCode.STOP_NOT_TIGHTER, sentence)
