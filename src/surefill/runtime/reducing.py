"""Closing shares of a trade on request: once for each request, however often it is asked.

What: `reduce_and_wait`. Why: a closing order that is sent again after a lost answer must not close
twice as much; the caller's own id of it is journaled with the act, as a plan's id is with a plan.
Invariants: a request is known by its id for ever and across restarts; the same id with another
trade or quantity is an error and closes nothing.
Must never: count what was sold; the engine does (decisions 0006 and 0015).
"""

from __future__ import annotations

from surefill.core.cover import cover_of
from surefill.core.events import OperatorActed
from surefill.core.ids import PLAN_ID_PATTERN
from surefill.core.plan import PlanError
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Denial
from surefill.core.units import to_text
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.guard import must_fit
from surefill.runtime.recovery import remembered, remembered_closing
from surefill.runtime.wiring import Runtime


async def reduce_and_wait(runtime: Runtime, act: OperatorActed, *, timeout_s: float) -> None:
    """Carry out a `REDUCE` of one trade unless its ``key`` was used before; return when its shares
    are gone and the rest is covered, or after ``timeout_s``.

    Raises `PlanError` (an id that is none), `SurefillError` (PLAN_ID_REUSED).
    """
    must_fit(act)
    if act.key and not PLAN_ID_PATTERN.fullmatch(act.key):
        raise PlanError((Reason.of(ReasonCode.PLAN_ID_INVALID, value=act.key),))
    if not _was_asked(runtime, act):
        runtime.driver.post(act)
        await runtime.driver.drained()
        _was_asked(runtime, act)  # two callers at once, and the other one was first
    await runtime.driver.until(lambda: _is_done(runtime, act), timeout_s=timeout_s)


def _was_asked(runtime: Runtime, act: OperatorActed) -> bool:
    found = remembered_closing(runtime.stepper, act.key) if act.key else None
    if found is not None and (found.trade_id, found.qty) != (act.target, act.qty):
        shares = f"{to_text(found.qty)} shares of {found.trade_id}"
        sentence = f"id {act.key} was used before, to close {shares}"
        raise SurefillError(ErrorCode.PLAN_ID_REUSED, sentence)
    return found is not None


def _is_done(runtime: Runtime, act: OperatorActed) -> bool:
    trade = remembered(runtime.stepper, act.target)
    if trade is None or isinstance(trade, Denial) or trade.is_closed:
        return True
    is_reduced = trade.keep_qty is None and trade.exit_reason is None
    return is_reduced and not cover_of(trade).uncovered_qty
