"""What a strategy imports: give it a plan, get a protected position or none, and one result.

    async with SmartOrderExecutor.from_env() as executor:
        result = await executor.execute(plan)       # entered and covered, or not at all
        final = await executor.closed(plan.plan_id)  # later: the outcome

What: `SmartOrderExecutor`; `blocking_executor` has its twin for scripts.
Why: everything a caller can do wrong around an engine (trade before the account is known, run two
processes on one account, send the same plan twice) is answered here, before it can cost money.
Invariants: one plan id is one trade, for ever and across restarts (I9); leaving the ``with`` block
leaves cover at the broker; entries start only after a complete reconciliation (I25).
Must never: decide about trading, or wait without a limit for anything but the market.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from surefill.config import Settings
from surefill.core.commands import Milestone
from surefill.core.events import Act, OperatorActed, PlanSubmitted
from surefill.core.plan import SYMBOL_PATTERN, TradePlan, whole_shares
from surefill.core.state import Denial, Mode
from surefill.core.trade import Trade
from surefill.ports import Clock, JournalError
from surefill.runtime import wiring
from surefill.runtime.build import rules_build
from surefill.runtime.dry_run import PlanCheck, dry_run
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.fresh_ids import FreshIds
from surefill.runtime.guard import must_fit
from surefill.runtime.json_log import told
from surefill.runtime.live import must_be_account
from surefill.runtime.logs import INITIALIZED, LOGGER_NAME
from surefill.runtime.recovery import is_same_plan, remembered, remembered_closing, unread
from surefill.runtime.reducing import reduce_and_wait
from surefill.runtime.result import OrderRef, TradeResult, result_of
from surefill.runtime.tightening import stop_px_of, tighten_and_wait
from surefill.runtime.wiring import Runtime
from surefill.tca.runs import BEGAN, ENDED

__all__ = ["SmartOrderExecutor", "TradeResult", "OrderRef", "PlanCheck"]
__all__ += ["SurefillError", "ErrorCode"]

logger = logging.getLogger(LOGGER_NAME)

READY_S = 30.0
"""For a whole start, first reads and reconciliation together: half a window of a request limit."""
QUOTE_S = 5.0
"""For a symbol's instrument and first quote; then the gate says what is missing."""
LEAVE_S = 15.0
"""For entries to end and their fills to be covered when the executor closes."""
CLOSE_S = 10.0
REDUCE_S = 30.0
"""For the shares of a reduction to go in regular hours."""

T = TypeVar("T")
_Handler = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]


class SmartOrderExecutor:
    """Trades one account. Use it as ``async with``; every method needs a started executor.

    ``settings`` default to those of the environment and ``.env``. ``clock`` is for callers that
    bring their own time; by default it is this machine's, or that of a venue on this machine.
    """

    def __init__(self, settings: Settings | None = None, *, clock: Clock | None = None) -> None:
        self.settings = settings if settings is not None else _settings(os.environ)
        self._given_clock = clock
        self._runtime: Runtime | None = None
        self._loop_task: asyncio.Task[None] | None = None
        self._old_handler: _Handler | None = None
        self._ids = FreshIds()

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, dotenv_path: Path = Path(".env")
    ) -> SmartOrderExecutor:
        """With the settings of the environment over a ``.env`` file. Raises `ConfigError`."""
        return cls(_settings(os.environ if environ is None else environ, dotenv_path))

    # ------------------------------------------------------------------------ start and end

    async def __aenter__(self) -> SmartOrderExecutor:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Recover, reconcile, repair cover; ready when this returns.

        Raises `SurefillError` (keys, broker, incomplete start), `JournalHeld` when another process
        trades this account, `JournalError`; nothing stays open then.
        """
        if self._runtime is not None:
            return
        runtime = None
        try:
            async with asyncio.timeout(READY_S), AsyncExitStack() as on_failure:
                clock = self._given_clock or await wiring.clock_for(self.settings, within_s=READY_S)
                runtime = self._runtime = wiring.assemble(self.settings, clock=clock)
                on_failure.push_async_callback(self.close)
                await self._start(runtime)
                on_failure.pop_all()
        except TimeoutError:
            raise _incomplete(runtime) from None
        logger.info(INITIALIZED, extra=told("initialized"))

    async def _start(self, runtime: Runtime) -> None:
        settings, driver = self.settings, runtime.driver
        loop = asyncio.get_running_loop()
        self._old_handler = loop.get_exception_handler()
        loop.set_exception_handler(self._on_background_error)
        now = runtime.clock.now_ns()
        decided = runtime.stepper.start(rules_build(), settings.digest(), now=now)
        runtime.stepper.note(BEGAN, "its end will be told", now=now)
        self._loop_task = asyncio.create_task(driver.run())
        try:
            await runtime.broker.start(driver.post, within_s=READY_S)
        except ConnectionError as error:
            raise wiring.unavailable(settings, error) from None
        for trade in list(runtime.engine.book.open.values()):
            runtime.broker.watch(trade.symbol)
        runtime.outbox.send(decided.commands, seq=runtime.stepper.seq)
        await driver.until(self._is_ready, timeout_s=None)
        must_be_account(runtime.permit, runtime.engine.state.account)
        runtime.alerts.begin()

    async def close(self) -> None:
        """End entries, because nobody would cover their later fills; wait until what filled is
        covered; then disconnect and release the journal. Cover stays at the broker."""
        runtime = self._runtime
        if runtime is None:
            return
        try:
            if self._is_ready() and runtime.driver.error is None:
                await _leave(runtime)
        finally:
            self._runtime = None
            await self._disconnect(runtime)

    async def _disconnect(self, runtime: Runtime) -> None:
        await runtime.broker.close()
        if self._loop_task is not None:
            asyncio.get_running_loop().set_exception_handler(self._old_handler)
            runtime.driver.stop()
            await asyncio.wait({self._loop_task}, timeout=CLOSE_S)
            await runtime.alerts.close(_failure(runtime))
            if self._loop_task.done():
                _tell_end(runtime)
            self._loop_task = None
        runtime.stepper.journal.close()
        await runtime.alerts.deliver()
        runtime.logs.close()

    # ------------------------------------------------------------------------------- trading

    async def execute(self, plan: TradePlan, *, timeout_s: float | None = None) -> TradeResult:
        """Do it: returns when the entry is over and every filled share is covered, or when the
        plan is denied. The same plan again returns its first result.

        ``timeout_s``: return what is known by then (``outcome`` is ``None``; the engine goes on).
        Raises `SurefillError` (PLAN_ID_REUSED, ENGINE_STOPPED), `PlanError` (a field's type).
        """
        return await self.submit(plan, timeout_s=timeout_s)

    async def submit(
        self, plan: TradePlan, *, is_legacy: bool | None = None, timeout_s: float | None = None
    ) -> TradeResult:
        """`execute` on a chosen path; the default is that of the settings."""
        runtime = self._started()
        must_fit(_submission(runtime, plan, is_legacy=is_legacy))
        if remembered(runtime.stepper, plan.plan_id) is None:
            await _see_market(runtime, plan.symbol)
        found = remembered(runtime.stepper, plan.plan_id)  # again: somebody may have been faster
        if found is not None and not is_same_plan(found, plan):
            raise _reused(plan)
        if found is None:
            runtime.driver.post(_submission(runtime, plan, is_legacy=is_legacy))
        elif _is_settled(found):
            return result_of(found)
        result = await self._milestone(plan.plan_id, Milestone.SETTLED, timeout_s)
        if not is_same_plan(self._found(plan.plan_id), plan):
            raise _reused(plan)  # two callers at once, and the other one's plan was first
        return result

    async def closed(
        self, trade: str | TradePlan | TradeResult, *, timeout_s: float | None = None
    ) -> TradeResult:
        """The outcome: waits until the trade is flat and over. Raises `SurefillError`."""
        plan_id = _id_of(trade)
        found = self._found(plan_id)
        if isinstance(found, Denial) or found.is_closed:
            return result_of(found)
        return await self._milestone(plan_id, Milestone.CLOSED, timeout_s)

    def result(self, plan_id: str) -> TradeResult:
        """How a trade stands now. Raises `SurefillError` (TRADE_UNKNOWN)."""
        return result_of(self._found(plan_id))

    def knows(self, plan_id: str) -> bool:
        """Whether this plan id was ever used on this account."""
        return self._started().engine.book.known_as(plan_id) is not None

    def open_trades(self) -> tuple[TradeResult, ...]:
        """Every open trade, in order of acceptance."""
        book = self._started().engine.book
        return tuple(result_of(trade) for trade in book.open.values())

    def plan_of(
        self,
        symbol: str,
        side: str,
        quantity: object,
        *,
        plan_id: str | None = None,
        **terms: Any,
    ) -> TradePlan:
        """`TradePlan.of` with an id made from symbol and time when none is given.

        Give an id of your own when the same signal may reach you twice.
        """
        name = plan_id
        if name is None:
            name = self._ids.of(symbol, self._started().clock.now_ns())
        return TradePlan.of(symbol, side, quantity, plan_id=name, **terms)

    async def check(self, plan: TradePlan, *, is_legacy: bool | None = None) -> PlanCheck:
        """What would happen to this plan now: terms, orders, reasons. Nothing is sent."""
        runtime = self._started()
        await _see_market(runtime, plan.symbol)
        event = _submission(runtime, plan, is_legacy=is_legacy)
        return dry_run(runtime.engine, event, now=runtime.clock.now_ns())

    # ------------------------------------------------------------------------------ operator

    async def halt(self, why: str, *, by: str = "caller") -> None:
        """No new entries; protection stays."""
        await self._act(Act.HALT, "", by=by, why=why)

    async def resume(self, why: str = "", *, by: str = "caller") -> None:
        """Entries again."""
        await self._act(Act.RESUME, "", by=by, why=why)

    async def kill(self, why: str, *, by: str = "caller") -> None:
        """No new entries, working entries are cancelled; survives restarts. Flattens nothing."""
        await self._act(Act.KILL, "", by=by, why=why)

    async def unkill(self, why: str, *, by: str = "caller") -> None:
        """Take the kill switch back: a human's decision."""
        await self._act(Act.UNKILL, "", by=by, why=why)

    async def flatten(self, target: str = "", why: str = "", *, by: str = "caller") -> None:
        """Close positions of ours: of a symbol, of a trade, or all (empty). `closed` waits."""
        await self._act(Act.FLATTEN, target, by=by, why=why)

    async def reduce(
        self,
        trade: str | TradePlan | TradeResult,
        quantity: object,
        why: str = "",
        *,
        key: str = "",
        by: str = "caller",
        timeout_s: float = REDUCE_S,
    ) -> TradeResult:
        """Close this many shares of a trade; the rest stays covered, a working entry ends.

        All of it or more is a flatten. Returns when they are gone and the rest is covered, or after
        ``timeout_s`` with what is so far (CLOSE_PENDING); it goes on after that. ``key`` is your
        own id of this request: the same again closes nothing more and gives its first result.
        Raises `PlanError` (no whole number of shares above zero), `SurefillError` (TRADE_UNKNOWN,
        PLAN_ID_REUSED).
        """
        plan_id, qty = _id_of(trade), whole_shares(quantity)
        self._found(plan_id)
        runtime = self._started()
        now = runtime.clock.now_ns()
        act = OperatorActed(Act.REDUCE, plan_id, by, why, now, qty, key)
        await reduce_and_wait(runtime, act, timeout_s=timeout_s)
        return self.result(plan_id)

    def closing(self, key: str) -> TradeResult | None:
        """The trade whose shares a `reduce` of this id closes; ``None`` for an unused id."""
        found = remembered_closing(self._started().stepper, key)
        return None if found is None else self.result(found.trade_id)

    async def tighten(
        self, plan_id: str, stop: object, why: str = "", *, by: str = "caller"
    ) -> TradeResult:
        """Move a trade's stop nearer (USD); see `tighten_and_wait` for what it raises."""
        px = stop_px_of(stop)
        return result_of(await tighten_and_wait(self._started(), plan_id, px, by=by, why=why))

    async def cancel_entry(self, target: str, why: str = "", *, by: str = "caller") -> None:
        """End the entry; what has filled stays covered."""
        await self._act(Act.CANCEL_ENTRY, target, by=by, why=why)

    async def hand_over(self, target: str, *, to: str) -> bool:
        """Leave a covered trade to somebody else; False while it is not fully covered."""
        await self._act(Act.HAND_OVER, target, by=to, why="")
        found = remembered(self._started().stepper, target)
        return found is None or isinstance(found, Denial) or found.is_closed

    # ------------------------------------------------------------------------------- helpers

    @property
    def runtime(self) -> Runtime:
        """The engine and what surrounds it, for reading."""
        return self._started()

    def _started(self) -> Runtime:
        if self._runtime is None:
            sentence = "start it first: async with SmartOrderExecutor(...) as executor"
            raise SurefillError(ErrorCode.NOT_STARTED, sentence)
        if self._runtime.driver.error is not None:
            raise self._runtime.driver.error
        return self._runtime

    async def _milestone(
        self, plan_id: str, milestone: Milestone, timeout_s: float | None
    ) -> TradeResult:
        await _reached(self._started(), plan_id, milestone, timeout_s=timeout_s)
        return result_of(self._found(plan_id))

    def _found(self, plan_id: str) -> Trade | Denial:
        found = remembered(self._started().stepper, plan_id)
        if found is None:
            sentence = f"no trade {plan_id} in the journal of this account"
            raise SurefillError(ErrorCode.TRADE_UNKNOWN, sentence)
        return found

    async def _act(self, act: Act, target: str, *, by: str, why: str) -> None:
        """Post an act and wait until it is recorded."""
        runtime = self._started()
        event = OperatorActed(act, target, by, why, runtime.clock.now_ns())
        runtime.driver.post(must_fit(event))
        await runtime.driver.drained()

    def _is_ready(self) -> bool:
        return self._runtime is not None and self._runtime.engine.state.mode is Mode.READY

    def _on_background_error(
        self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        """A background task of ours died of a bug: no new risk, keep what protects."""
        runtime = self._runtime
        if runtime is not None and context.get("message") == "broker task failed":
            why = f"a background task failed: {type(context.get('exception')).__name__}"
            logger.critical("halt: %s", why, exc_info=context.get("exception"))
            now = runtime.clock.now_ns()
            runtime.driver.post(OperatorActed(Act.HALT, "", "surefill", why, now))
            return
        if self._old_handler is not None:
            self._old_handler(loop, context)
        else:
            loop.default_exception_handler(context)


def _settings(environ: Mapping[str, str], dotenv_path: Path = Path(".env")) -> Settings:
    return Settings.load(environ, dotenv_path)


def _incomplete(runtime: Runtime | None) -> SurefillError:
    rest = "the venue's clock missing" if runtime is None else unread(runtime.engine.state)
    sentence = f"no complete picture of the account after {READY_S:.0f} s: {rest}"
    return SurefillError(ErrorCode.START_INCOMPLETE, sentence)


def _id_of(trade: str | TradePlan | TradeResult) -> str:
    return trade if isinstance(trade, str) else trade.plan_id


def _reused(plan: TradePlan) -> SurefillError:
    sentence = f"plan id {plan.plan_id} was used before with another body"
    return SurefillError(ErrorCode.PLAN_ID_REUSED, sentence)


def _is_settled(found: Trade | Denial) -> bool:
    return isinstance(found, Denial) or found.is_settled or found.is_closed


def _failure(runtime: Runtime) -> str | None:
    """Why the engine stopped by itself, if it did."""
    error = runtime.driver.error
    return error.sentence if error is not None and runtime.driver.has_failed else None


def _tell_end(runtime: Runtime) -> None:
    """An end that is not told is a crash to the next start."""
    if runtime.driver.has_failed:
        return
    try:
        runtime.stepper.note(ENDED, "the executor was closed", now=runtime.clock.now_ns())
    except JournalError as problem:
        logger.error("the end could not be put on record: %s", problem)


async def _leave(runtime: Runtime) -> None:
    """End entries, because nobody would cover their later fills; wait for what filled."""
    book, driver = runtime.engine.book, runtime.driver
    unsettled = [trade.trade_id for trade in book.open.values() if not trade.is_settled]
    now, why = runtime.clock.now_ns(), "the executor closes"
    for name in unsettled:
        driver.post(OperatorActed(Act.CANCEL_ENTRY, name, "surefill", why, now))

    def is_settled() -> bool:
        return all(name not in book.open or book.open[name].is_settled for name in unsettled)

    try:
        if not await driver.until(is_settled, timeout_s=LEAVE_S):
            facts = told("left_unsettled", plan_ids=unsettled)
            logger.error("closing with trades in doubt or not covered: %s", unsettled, extra=facts)
    except SurefillError as error:
        logger.error("closing after the engine stopped: %s", error)


async def _see_market(runtime: Runtime, symbol: str) -> None:
    """Have instrument and a current quote, or let the gate say what is missing."""
    if not SYMBOL_PATTERN.fullmatch(symbol):
        return  # the gate says so; one wrong word would refuse the whole subscription
    runtime.broker.watch(symbol)

    def is_seen() -> bool:
        view = runtime.engine.views.get(symbol)
        age_ns = view.quote_age_ns(runtime.clock.now_ns()) if view is not None else None
        is_known = runtime.engine.state.instrument(symbol) is not None
        return is_known and age_ns is not None and age_ns <= runtime.settings.quote_age_max_ns

    await runtime.driver.until(is_seen, timeout_s=QUOTE_S)


async def _reached(
    runtime: Runtime, plan_id: str, milestone: Milestone, *, timeout_s: float | None
) -> None:
    future = runtime.waiters.expect(plan_id, milestone)
    try:
        async with asyncio.timeout(timeout_s):
            await future
    except TimeoutError:
        pass  # the caller wanted to know by now; the trade goes on


def _submission(runtime: Runtime, plan: TradePlan, *, is_legacy: bool | None) -> PlanSubmitted:
    settings, now = runtime.settings, runtime.clock.now_ns()
    legacy = is_legacy
    if legacy is None:  # before the gate: a plan that is denied belongs to its path, too
        legacy = settings.is_legacy(plan.plan_id, salt=runtime.engine.tag)
    return PlanSubmitted(plan, settings.policy_for(plan.symbol), legacy, now)
