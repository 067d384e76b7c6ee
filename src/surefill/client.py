"""A strategy's end of the control port: the engine runs elsewhere, this asks it.

    with Client.from_env(strategy="opening-range") as engine:
        result = engine.trade("CRWD", "buy", 25, signal_price="534.82", risk="5.35", rr=2)
        print(result, engine.closed(result))

What: `AsyncClient` and its blocking twin `Client`, for the engine of `surefill run` on this
machine, found by the same settings (keys and journal) as everything else.
Why: several strategies and scripts share one account, and a strategy that crashes takes no engine
with it.
Invariants: a plan's id is its idempotency key, so after a lost connection the client asks again
with the same plan and gets the first result; an act that could do more when repeated is not
repeated (CONTROL_LOST says so). Results are made from the engine's own image of the trade.
Must never: hold a broker's key longer than it takes to name the account, or trade by itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from surefill.config import Settings
from surefill.control import protocol
from surefill.control.desk import PLAN_INVALID
from surefill.control.link import Link, LinkLost
from surefill.control.place import ControlPlace
from surefill.control.protocol import EngineStatus, Failed, Found
from surefill.core.events import Act
from surefill.core.plan import PlanError, TradePlan, whole_shares
from surefill.ports import Clock, JournalError
from surefill.runtime.dry_run import PlanCheck
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.flat import FlatReport
from surefill.runtime.fresh_ids import FreshIds
from surefill.runtime.loop_thread import Blocking
from surefill.runtime.result import TradeResult, result_of
from surefill.runtime.tightening import TIGHTEN_S, stop_px_of
from surefill.runtime.wiring import journal_path, machine_clock

__all__ = ["Client", "AsyncClient", "FlatReport", "EngineStatus", "PlanCheck", "TradeResult"]

RECONNECT_S = 30.0
"""For an engine to come back: two seconds of its service manager and a complete start."""
PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)
FLATTEN_S = 30.0
REDUCE_S = 30.0
ADOPT_S = 10.0
NS_PER_S = 1_000_000_000

T = TypeVar("T")
A = TypeVar("A")


class AsyncClient:
    """Asks the running engine of one account. Use it as ``async with``.

    ``strategy`` stands in every plan and act; ``reconnect_s`` is how long a lost or missing engine
    is waited for, at the start too.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        strategy: str = "",
        reconnect_s: float = RECONNECT_S,
        clock: Clock | None = None,
    ) -> None:
        self.strategy = strategy
        found = settings if settings is not None else Settings.load(os.environ, Path(".env"))
        self._place = ControlPlace(journal_path(found))
        self._reconnect_s = reconnect_s
        self._clock = clock if clock is not None else machine_clock()
        self._link: Link | None = None
        self._opening = asyncio.Lock()
        self._ids = FreshIds(f"{strategy[:20]}-" if strategy else "")

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        dotenv_path: Path = Path(".env"),
        strategy: str = "",
    ) -> AsyncClient:
        """With the settings of the environment over a ``.env`` file. Raises `ConfigError`."""
        found = Settings.load(os.environ if environ is None else environ, dotenv_path)
        return cls(found, strategy=strategy)

    async def __aenter__(self) -> AsyncClient:
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Raises `SurefillError`: CONTROL_UNREACHABLE (with who holds the account, if anybody)
        after ``reconnect_s``, CONTROL_REFUSED at once."""
        await self.status()

    async def close(self) -> None:
        """Let the engine go; what it was asked to do goes on."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    # ------------------------------------------------------------------------------- trading

    async def execute(self, plan: TradePlan, *, timeout_s: float | None = None) -> TradeResult:
        """Do it; see `SmartOrderExecutor.execute`. The same plan again gives its first result,
        also from another process and after a restart of the engine."""
        until_ns = self._until_ns(timeout_s)
        return await self._found(lambda: protocol.Execute(plan, self._left_ms(until_ns)))

    async def trade(
        self,
        symbol: str,
        side: str,
        quantity: object,
        *,
        timeout_s: float | None = None,
        **terms: Any,
    ) -> TradeResult:
        """`execute` with a plan of these terms, by the names of `TradePlan.of`."""
        return await self.execute(
            self.plan_of(symbol, side, quantity, **terms), timeout_s=timeout_s
        )

    async def closed(
        self, trade: str | TradePlan | TradeResult, *, timeout_s: float | None = None
    ) -> TradeResult:
        """The outcome: waits until the trade is flat and over, across restarts of the engine."""
        plan_id = trade if isinstance(trade, str) else trade.plan_id
        until_ns = self._until_ns(timeout_s)
        return await self._found(lambda: protocol.AwaitClosed(plan_id, self._left_ms(until_ns)))

    async def result(self, plan_id: str) -> TradeResult:
        """How a trade stands now. Raises `SurefillError` (TRADE_UNKNOWN)."""
        return await self._found(lambda: protocol.ReadTrade(plan_id))

    async def check(self, plan: TradePlan) -> PlanCheck:
        """What would happen to this plan now: terms, orders, reasons. Nothing is sent."""
        return await self._ask(protocol.Check(plan), PlanCheck)

    async def open_trades(self, *, strategy: str | None = None) -> tuple[TradeResult, ...]:
        """Every open trade of the account, or of one ``strategy``, in order of acceptance."""
        answer = await self._ask(protocol.ListOpen(), protocol.Trades)
        found = tuple(result_of(trade) for trade in answer.trades)
        return tuple(one for one in found if strategy is None or one.strategy == strategy)

    def plan_of(
        self,
        symbol: str,
        side: str,
        quantity: object,
        *,
        plan_id: str | None = None,
        **terms: Any,
    ) -> TradePlan:
        """`TradePlan.of` in the name of this strategy, with an id when none is given.

        Give an id of your own when the same signal may reach you twice.
        """
        name = plan_id if plan_id is not None else self._ids.of(symbol, self._clock.now_ns())
        terms.setdefault("strategy", self.strategy)
        return TradePlan.of(symbol, side, quantity, plan_id=name, **terms)

    # ------------------------------------------------------------------------------ operator

    async def status(self) -> EngineStatus:
        """How the engine stands."""
        return await self._ask(protocol.ReadStatus(), EngineStatus)

    async def halt(self, why: str) -> None:
        """No new entries; protection stays."""
        await self.operate(Act.HALT, "", why)

    async def resume(self, why: str = "") -> None:
        """Entries again."""
        await self.operate(Act.RESUME, "", why)

    async def kill(self, why: str) -> None:
        """No new entries, working entries are cancelled; survives restarts. Flattens nothing."""
        await self.operate(Act.KILL, "", why)

    async def unkill(self, why: str) -> None:
        """Take the kill switch back: a human's decision."""
        await self.operate(Act.UNKILL, "", why)

    async def cancel_entry(self, target: str, why: str = "") -> None:
        """End the entry of a trade (or of all in a symbol); what has filled stays covered."""
        await self.operate(Act.CANCEL_ENTRY, target, why)

    async def flatten(
        self, target: str = "", why: str = "", *, timeout_s: float = FLATTEN_S
    ) -> FlatReport:
        """Close positions of ours: of a symbol, of a trade, or all of the account (empty). FLAT, or
        NOT_FLAT with the remaining cover after ``timeout_s``; the closing goes on then."""
        return await self._ask(
            protocol.FlattenAndWait(target, why, int(timeout_s * 1000)), FlatReport
        )

    async def reduce(
        self,
        trade: str | TradePlan | TradeResult,
        quantity: object,
        why: str = "",
        *,
        key: str | None = None,
        timeout_s: float = REDUCE_S,
    ) -> TradeResult:
        """Close this many shares of a trade; see `SmartOrderExecutor.reduce`. Without a ``key`` of
        yours this call has one of its own, so that a lost connection closes nothing twice."""
        plan_id = trade if isinstance(trade, str) else trade.plan_id
        name = key if key is not None else self._ids.of("reduce", self._clock.now_ns())
        qty, timeout_ms = whole_shares(quantity), int(timeout_s * 1000)
        return await self._found(lambda: protocol.Reduce(plan_id, qty, why, name, timeout_ms))

    async def tighten(
        self, plan_id: str, stop: object, why: str = "", *, timeout_s: float = TIGHTEN_S
    ) -> TradeResult:
        """Move a trade's stop nearer; see `SmartOrderExecutor.tighten`."""
        px, timeout_ms = stop_px_of(stop), int(timeout_s * 1000)
        return await self._found(lambda: protocol.Tighten(plan_id, px, why, timeout_ms))

    async def operate(self, act: Act, target: str, why: str) -> None:
        """Any other act of an operator; returns when it is recorded."""
        await self._ask(protocol.Operate(act, target, why), protocol.Done)

    async def adopt(self, plan: TradePlan, *, timeout_s: float = ADOPT_S) -> TradeResult:
        """Cover shares that are there but not ours: as many as the plan says, by its exits. A
        denial says why not."""
        return await self._found(lambda: protocol.Adopt(plan, int(timeout_s * 1000)))

    # ------------------------------------------------------------------------------- helpers

    async def _found(self, request: Callable[[], protocol.Request]) -> TradeResult:
        answer = await self._answer(request)
        return result_of(_checked(answer, Found).trade)

    async def _ask(self, request: protocol.Request, expected: type[A]) -> A:
        return _checked(await self._answer(lambda: request), expected)

    async def _answer(self, request: Callable[[], protocol.Request]) -> object:
        """The engine's answer, across lost connections where that is safe."""
        tries, give_up_ns = 0, self._until_ns(self._reconnect_s)
        while True:
            asked = request()
            try:
                link = await self._connected()
                tries, give_up_ns = 0, self._until_ns(self._reconnect_s)
                return await link.ask(asked)
            except LinkLost as lost:
                if lost.was_sent and not protocol.is_repeatable(asked):
                    sentence = "the engine went away before it answered; look before you repeat it"
                    raise SurefillError(ErrorCode.CONTROL_LOST, sentence) from None
                if give_up_ns is None or self._clock.now_ns() >= give_up_ns:
                    raise self._place.unreachable() from None
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1

    async def _connected(self) -> Link:
        """Raises `LinkLost` (nobody there) and `SurefillError` (CONTROL_REFUSED)."""
        async with self._opening:
            if self._link is None or self._link.is_over:
                if self._link is not None:
                    await self._link.close()
                self._link = await Link.open(self._place, name=self.strategy)
            return self._link

    def _until_ns(self, timeout_s: float | None) -> int | None:
        return None if timeout_s is None else self._clock.now_ns() + int(timeout_s * NS_PER_S)

    def _left_ms(self, until_ns: int | None) -> int | None:
        if until_ns is None:
            return None
        return max(0, until_ns - self._clock.now_ns()) // 1_000_000


class Client(Blocking):
    """`AsyncClient` for scripts: every method blocks until its answer is there, from any thread."""

    not_started = "connect first: with Client(...) as engine"

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        strategy: str = "",
        reconnect_s: float = RECONNECT_S,
    ) -> None:
        super().__init__()
        self.client = AsyncClient(settings, strategy=strategy, reconnect_s=reconnect_s)

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        dotenv_path: Path = Path(".env"),
        strategy: str = "",
    ) -> Client:
        """With the settings of the environment over a ``.env`` file. Raises `ConfigError`."""
        found = Settings.load(os.environ if environ is None else environ, dotenv_path)
        return cls(found, strategy=strategy)

    async def _open(self) -> None:
        await self.client.connect()

    async def _shut(self) -> None:
        await self.client.close()

    def execute(self, plan: TradePlan, *, timeout_s: float | None = None) -> TradeResult:
        """See `AsyncClient.execute`."""
        return self.run(self.client.execute(plan, timeout_s=timeout_s))

    def trade(
        self,
        symbol: str,
        side: str,
        quantity: object,
        *,
        timeout_s: float | None = None,
        **terms: Any,
    ) -> TradeResult:
        """See `AsyncClient.trade`."""
        return self.run(self.client.trade(symbol, side, quantity, timeout_s=timeout_s, **terms))

    def plan_of(
        self,
        symbol: str,
        side: str,
        quantity: object,
        *,
        plan_id: str | None = None,
        **terms: Any,
    ) -> TradePlan:
        """See `AsyncClient.plan_of`."""
        return self.client.plan_of(symbol, side, quantity, plan_id=plan_id, **terms)

    def closed(
        self, trade: str | TradePlan | TradeResult, *, timeout_s: float | None = None
    ) -> TradeResult:
        """See `AsyncClient.closed`."""
        return self.run(self.client.closed(trade, timeout_s=timeout_s))

    def check(self, plan: TradePlan) -> PlanCheck:
        """See `AsyncClient.check`."""
        return self.run(self.client.check(plan))

    def reduce(
        self,
        trade: str | TradePlan | TradeResult,
        quantity: object,
        why: str = "",
        *,
        key: str | None = None,
        timeout_s: float = REDUCE_S,
    ) -> TradeResult:
        """See `AsyncClient.reduce`."""
        return self.run(self.client.reduce(trade, quantity, why, key=key, timeout_s=timeout_s))

    def result(self, plan_id: str) -> TradeResult:
        """See `AsyncClient.result`."""
        return self.run(self.client.result(plan_id))

    def open_trades(self, *, strategy: str | None = None) -> tuple[TradeResult, ...]:
        """See `AsyncClient.open_trades`."""
        return self.run(self.client.open_trades(strategy=strategy))

    def status(self) -> EngineStatus:
        """See `AsyncClient.status`."""
        return self.run(self.client.status())

    def halt(self, why: str) -> None:
        """See `AsyncClient.halt`."""
        self.run(self.client.halt(why))

    def resume(self, why: str = "") -> None:
        """See `AsyncClient.resume`."""
        self.run(self.client.resume(why))

    def kill(self, why: str) -> None:
        """See `AsyncClient.kill`."""
        self.run(self.client.kill(why))

    def unkill(self, why: str) -> None:
        """See `AsyncClient.unkill`."""
        self.run(self.client.unkill(why))

    def cancel_entry(self, target: str, why: str = "") -> None:
        """See `AsyncClient.cancel_entry`."""
        self.run(self.client.cancel_entry(target, why))

    def tighten(
        self, plan_id: str, stop: object, why: str = "", *, timeout_s: float = TIGHTEN_S
    ) -> TradeResult:
        """See `AsyncClient.tighten`."""
        return self.run(self.client.tighten(plan_id, stop, why, timeout_s=timeout_s))

    def operate(self, act: Act, target: str, why: str) -> None:
        """See `AsyncClient.operate`."""
        self.run(self.client.operate(act, target, why))

    def flatten(
        self, target: str = "", why: str = "", *, timeout_s: float = FLATTEN_S
    ) -> FlatReport:
        """See `AsyncClient.flatten`."""
        return self.run(self.client.flatten(target, why, timeout_s=timeout_s))

    def adopt(self, plan: TradePlan, *, timeout_s: float = ADOPT_S) -> TradeResult:
        """See `AsyncClient.adopt`."""
        return self.run(self.client.adopt(plan, timeout_s=timeout_s))


def _checked(answer: object, expected: type[A]) -> A:
    """The answer, or the error it stands for."""
    if isinstance(answer, Failed):
        raise _error_of(answer)
    if not isinstance(answer, expected):
        sentence = f"the engine answered with {type(answer).__name__}"
        raise SurefillError(ErrorCode.CONTROL_REFUSED, sentence)
    return answer


def _error_of(failed: Failed) -> Exception:
    if failed.code == PLAN_INVALID:
        return PlanError(failed.problems)
    if failed.code in ErrorCode.__members__:
        return SurefillError(ErrorCode(failed.code), failed.sentence)
    return JournalError(failed.code, failed.sentence)
