"""What a request does: from the words of the protocol to the executor's methods.

What: `Desk.answer`, one method for each request. Why apart from the server: what may be asked is
one thing, who may ask and how often another.
Invariants: limits, gate and idempotency are those of the executor: nobody gets more rights by
asking through a socket (failures.md C.6, 12); every answer is made from what the engine remembers.
Must never: decide about trading.
"""

from __future__ import annotations

import os
from typing import assert_never

from surefill.control.protocol import (
    Adopt,
    Answer,
    AwaitClosed,
    Check,
    Done,
    EngineStatus,
    Execute,
    Failed,
    FlattenAndWait,
    Found,
    ListOpen,
    Operate,
    ReadStatus,
    ReadTrade,
    Reduce,
    Request,
    Tighten,
    Trades,
)
from surefill.core.cover import cover_of
from surefill.core.engine import Engine
from surefill.core.events import Act, OperatorActed, PositionAdopted
from surefill.core.plan import SYMBOL_PATTERN, PlanError, TradePlan
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.core.units import to_text
from surefill.ports import JournalError
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.flat import FlatReport, flat_report
from surefill.runtime.guard import must_fit
from surefill.runtime.recovery import remembered
from surefill.runtime.standing import doubts
from surefill.runtime.tightening import tighten_and_wait
from surefill.runtime.wiring import BUILD
from surefill.smart_order_executor import QUOTE_S, SmartOrderExecutor

PLAN_INVALID = "PLAN_INVALID"
STOPPED = frozenset({ErrorCode.ENGINE_STOPPED, ErrorCode.NOT_STARTED})
S_PER_MS = 1e-3


class EngineGone(Exception):
    """The engine stopped under a request: there is no answer, the next engine may have one."""


class Desk:
    """Serves one running executor. ``account`` is the tag in the ids of its orders."""

    def __init__(self, executor: SmartOrderExecutor) -> None:
        self._executor = executor
        self._clock = executor.runtime.clock
        self.account = executor.runtime.engine.tag

    def now_ns(self) -> int:
        """The engine's time."""
        return self._clock.now_ns()

    async def answer(self, request: Request, *, by: str) -> Answer:
        """Do what is asked in the name of ``by``. Raises `EngineGone`."""
        try:
            return await self._answer(request, by)
        except PlanError as error:
            return Failed(PLAN_INVALID, str(error), error.problems)
        except SurefillError as error:
            if error.code in STOPPED:
                raise EngineGone from None
            return Failed(error.code.value, error.sentence, ())
        except JournalError as error:
            return Failed(error.code, str(error), ())

    async def _answer(self, request: Request, by: str) -> Answer:
        executor = self._executor
        match request:
            case Execute(plan, timeout_ms):
                await executor.execute(plan, timeout_s=_seconds(timeout_ms))
                return self._found(plan.plan_id)
            case AwaitClosed(plan_id, timeout_ms):
                await executor.closed(plan_id, timeout_s=_seconds(timeout_ms))
                return self._found(plan_id)
            case ReadTrade(plan_id):
                return self._found(plan_id)
            case ListOpen():
                return Trades(tuple(executor.runtime.engine.book.open.values()))
            case Operate(act, target, why):
                await self._operate(act, target, by=by, why=why)
                return Done()
            case FlattenAndWait(target, why, timeout_ms):
                return await self._flatten(request, by)
            case Reduce():
                return await self._reduce(request, by)
            case Tighten():
                return await self._tighten(request, by)
            case Check(plan):
                return await executor.check(plan)
            case Adopt(plan, timeout_ms):
                timeout_s = timeout_ms * S_PER_MS
                return Found(await adopt_and_wait(executor, plan, by=by, timeout_s=timeout_s))
            case ReadStatus():
                return self._status()
            case _:
                assert_never(request)

    async def _operate(self, act: Act, target: str, *, by: str, why: str) -> None:
        runtime = self._executor.runtime
        event = OperatorActed(act, target, by, why, runtime.clock.now_ns())
        runtime.driver.post(must_fit(event))
        await runtime.driver.drained()

    async def _flatten(self, request: FlattenAndWait, by: str) -> FlatReport:
        return await flatten_and_wait(
            self._executor,
            request.target,
            by=by,
            why=request.why,
            timeout_s=request.timeout_ms * S_PER_MS,
        )

    async def _reduce(self, request: Reduce, by: str) -> Found:
        await self._executor.reduce(
            request.plan_id,
            to_text(request.qty),
            request.why,
            key=request.key,
            by=by,
            timeout_s=request.timeout_ms * S_PER_MS,
        )
        return self._found(request.plan_id)

    async def _tighten(self, request: Tighten, by: str) -> Found:
        return Found(
            await tighten_and_wait(
                self._executor.runtime,
                request.plan_id,
                request.stop_px,
                by=by,
                why=request.why,
                timeout_s=request.timeout_ms * S_PER_MS,
            )
        )

    def _found(self, plan_id: str) -> Found:
        return Found(_found(self._executor, plan_id))

    def _status(self) -> EngineStatus:
        runtime = self._executor.runtime
        state, trades = runtime.engine.state, runtime.engine.book.open.values()
        return EngineStatus(
            now_ns=runtime.clock.now_ns(),
            started_ns=state.started_ns,
            build=BUILD,
            pid=os.getpid(),
            mode=state.mode,
            records=runtime.stepper.seq,
            kill=state.kill,
            halt=state.halt,
            open_trades=len(trades),
            uncovered_qty=sum(cover_of(trade).uncovered_qty for trade in trades),
            in_doubt=sum(doubts(trade) for trade in trades),
            requests_left=state.requests_left,
        )


async def flatten_and_wait(
    executor: SmartOrderExecutor, target: str, *, by: str, why: str, timeout_s: float
) -> FlatReport:
    """Close every trade that ``target`` means (a symbol, a plan id, empty: all) and look at what
    came of it, at the latest after ``timeout_s``.

    Raises `SurefillError`: TRADE_UNKNOWN when ``target`` is neither a symbol nor a plan id of ours.
    """
    engine = executor.runtime.engine
    meant = [
        trade.trade_id
        for trade in engine.book.open.values()
        if target in ("", trade.symbol, trade.trade_id)
    ]
    if meant:
        await executor.flatten(target, why, by=by)
        await executor.runtime.driver.until(
            lambda: not any(name in engine.book.open for name in meant), timeout_s=timeout_s
        )
    elif target and not SYMBOL_PATTERN.fullmatch(target):
        meant = [_found(executor, target).plan.plan_id]  # over already, or a word that is nothing
    found = [_found(executor, name) for name in meant]
    trades = [trade for trade in found if isinstance(trade, Trade)]
    return flat_report(trades, target=target, foreign=engine.state.foreign)


async def adopt_and_wait(
    executor: SmartOrderExecutor, plan: TradePlan, *, by: str, timeout_s: float
) -> Trade | Denial:
    """Make a trade of shares that are there but not ours, and wait until they are covered, at the
    latest ``timeout_s`` after the market was seen. The same plan again gives its first result.

    Raises `SurefillError` (PLAN_ID_REUSED), `PlanError`.
    """
    runtime = executor.runtime
    driver, engine = runtime.driver, runtime.engine
    policy = executor.settings.policy_for(plan.symbol)
    event = PositionAdopted(plan, policy, by, runtime.clock.now_ns())
    must_fit(event)
    known = remembered(runtime.stepper, plan.plan_id)
    if known is not None:
        if known.plan != plan:
            sentence = f"plan id {plan.plan_id} was used before with another body"
            raise SurefillError(ErrorCode.PLAN_ID_REUSED, sentence)
        return known
    if SYMBOL_PATTERN.fullmatch(plan.symbol):
        runtime.broker.watch(plan.symbol)
        await driver.until(lambda: _is_seen(engine, plan.symbol), timeout_s=QUOTE_S)
    driver.post(event)

    def is_covered() -> bool:
        found = remembered(runtime.stepper, plan.plan_id)
        return isinstance(found, Denial) or (found is not None and found.is_settled)

    await driver.until(is_covered, timeout_s=timeout_s)
    return _found(executor, plan.plan_id)


def _is_seen(engine: Engine, symbol: str) -> bool:
    view = engine.views.get(symbol)
    has_quote = view is not None and view.nbbo is not None
    return has_quote and engine.state.instrument(symbol) is not None


def _found(executor: SmartOrderExecutor, plan_id: str) -> Trade | Denial:
    found = remembered(executor.runtime.stepper, plan_id)
    if found is None:
        sentence = f"no trade {plan_id} in the journal of this account"
        raise SurefillError(ErrorCode.TRADE_UNKNOWN, sentence)
    return found


def _seconds(timeout_ms: int | None) -> float | None:
    return None if timeout_ms is None else max(0, timeout_ms) * S_PER_MS
