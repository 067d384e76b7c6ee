"""``surefill trade``: do it, wait for entry and cover, print the result.

What: one plan through `SmartOrderExecutor`, with the settings of the environment and ``.env``;
progress on stderr, the result on stdout.
Why: the same path as a strategy's, for a person or a shell script. Where `surefill run` holds the
account, that engine is asked instead of starting one.
Invariants: whoever leaves early (Ctrl-C, SIGTERM, time over) first ends the entry, because nobody
would cover its later fills; cover rests at the broker and stays. The exit code tells "nothing
happened" from "somebody must look" without reading text.
Must never: flatten a position that is covered, or call an unknown state done.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from surefill.cli.exits import Exit
from surefill.cli.output import Block, Progress, Table, emit, say, show
from surefill.cli.plans import (
    add_plan_arguments,
    exit_of,
    pair_problem,
    plan_of,
    plan_terms,
    reason_row,
)
from surefill.cli.remote import RemoteExecutor
from surefill.config import Settings
from surefill.control.place import ControlPlace
from surefill.core.plan import SECOND_NS, PlanError, TradePlan, plan_problems
from surefill.core.reasons import Reason
from surefill.core.trade import Outcome, Phase
from surefill.core.units import to_text, to_usd_text
from surefill.ports import JournalError
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.result import TradeResult
from surefill.runtime.wiring import journal_path
from surefill.smart_order_executor import SmartOrderExecutor
from surefill.tactics.registry import PLAN_TACTICS

BY = "surefill trade"
COVER_S = 60.0
"""Beyond the entry's own time: to end it, to cover the last fill and to confirm it."""
LEAVE_S = 15.0
"""To end an entry and cover what it brought, when somebody wants to leave."""
LOOK_S = 0.1
LEAVE_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, ``kill`` or ``timeout``, a terminal that closes: the entry ends before we do."""

EXIT_OF_ERROR: dict[ErrorCode, Exit] = {
    ErrorCode.KEYS_MISSING: Exit.USAGE,
    ErrorCode.KEYS_REFUSED: Exit.USAGE,
    ErrorCode.LIVE_NOT_CONFIRMED: Exit.USAGE,
    ErrorCode.LIVE_OTHER_ACCOUNT: Exit.USAGE,
    ErrorCode.PLAN_ID_REUSED: Exit.USAGE,
    ErrorCode.ALERTS_INVALID: Exit.USAGE,
    ErrorCode.BROKER_UNAVAILABLE: Exit.UNAVAILABLE,
    ErrorCode.START_INCOMPLETE: Exit.UNAVAILABLE,
    ErrorCode.LOG_UNWRITABLE: Exit.UNAVAILABLE,
    ErrorCode.FENCED: Exit.UNAVAILABLE,
    ErrorCode.CONTROL_UNREACHABLE: Exit.UNAVAILABLE,
    ErrorCode.CONTROL_REFUSED: Exit.UNAVAILABLE,
    ErrorCode.CONTROL_BUSY: Exit.UNAVAILABLE,
    ErrorCode.TRADE_UNKNOWN: Exit.USAGE,
    ErrorCode.STOP_NOT_TIGHTER: Exit.USAGE,
}
"""The others mean that the engine stopped under a trade: somebody must look."""

STAGES: dict[Phase, str] = {
    Phase.AWAITING_TRIGGER: "waiting for the trigger, nothing sent",
    Phase.PRE_SEND: "sending the entry",
    Phase.IN_FLIGHT: "entry sent, no answer yet",
    Phase.IN_DOUBT: "entry in doubt, asking the broker",
    Phase.WORKING: "entry working",
    Phase.PARTIAL: "entry partly filled, covering",
    Phase.CANCELLING: "ending the entry",
    Phase.FILLED_UNCOVERED: "filled, covering",
    Phase.COVER_IN_FLIGHT: "filled, cover sent",
    Phase.COVERED: "covered",
    Phase.AMENDING: "covered, moving the exits to the fill",
    Phase.EXITING: "leaving by its exits",
    Phase.FLATTENING: "closing",
    Phase.SETTLING: "reading the last executions",
    Phase.CLOSED: "closed",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill trade``."""
    add_plan_arguments(parser)
    parser.add_argument(
        "--plan-id", metavar="ID", help="idempotency key: the same id never trades twice"
    )
    parser.add_argument(
        "--wait-closed", action="store_true", help="wait for the outcome too, not only for cover"
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        help="longest wait for entry and cover (default: the entry's own time and a minute; "
        "with --trigger until it is over)",
    )


def run(args: argparse.Namespace) -> int:
    """Trade; return an `Exit` code."""
    problem = pair_problem(args)
    if problem is not None:
        return _refuse(problem, Exit.USAGE)
    try:
        settings = Settings.load(os.environ, Path(".env"))
        timeout_s = _timeout_s(args, settings)
        plan = plan_of(args, "new" if args.plan_id is None else args.plan_id)
    except PlanError as error:
        return _malformed(error.problems, as_json=args.json)
    except ValueError as error:  # settings, or the time-out
        return _refuse(str(error), Exit.USAGE)
    reasons = plan_problems(plan, PLAN_TACTICS)
    if exit_of(reasons) is Exit.USAGE:
        return _malformed(reasons, as_json=args.json)  # known without a broker: nothing is sent
    is_running = ControlPlace(journal_path(settings)).holder() is not None
    executor = RemoteExecutor(settings) if is_running else SmartOrderExecutor(settings)
    work = _Work(args, executor, timeout_s)
    try:
        found = asyncio.run(work.run())
    except SurefillError as error:
        return _refuse(str(error), EXIT_OF_ERROR.get(error.code, Exit.EXPOSED))
    except JournalError as error:
        return _refuse(str(error), Exit.UNAVAILABLE)
    except KeyboardInterrupt:
        if work.is_handed_over:
            return _refuse("interrupted while leaving: look at the account now", Exit.EXPOSED)
        found = None
    if found is None:
        return _refuse("ended before anything was sent", Exit.NOT_TRADED)
    if args.json:
        emit(found.to_dict())
    else:
        show(as_blocks(found))
    return exit_of_result(found)


def _refuse(sentence: str, code: Exit) -> Exit:
    say(f"surefill trade: {sentence}")
    return code


def _malformed(reasons: tuple[Reason, ...], *, as_json: bool) -> Exit:
    if as_json:
        emit({"outcome": None, "reasons": [reason_row(reason) for reason in reasons]})
    for reason in reasons:
        say(f"surefill trade: {reason}")
    return Exit.USAGE


def _timeout_s(args: argparse.Namespace, settings: Settings) -> float | None:
    text = args.timeout
    if text is None and args.trigger is not None:
        return None  # the engine ends the wait, with the session at the latest
    if text is None:
        return settings.fill_timeout_ns / SECOND_NS + COVER_S
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        seconds = Decimal(0)
    if not seconds.is_finite() or seconds <= 0:
        raise ValueError(f"--timeout {text}: expected a positive number of seconds")
    return float(seconds)


def exit_of_result(found: TradeResult) -> Exit:
    """What the process tells its caller about a trade."""
    if found.outcome in (Outcome.DENIED, Outcome.NOT_ENTERED):
        return Exit.NOT_TRADED
    if found.outcome is not None:
        return Exit.DONE
    if not found.is_settled or found.uncovered_qty or found.position_qty < 0:
        return Exit.EXPOSED
    return Exit.DONE


# --------------------------------------------------------------------------------- doing it


@dataclass
class _Work:
    """One trade, from connecting to leaving."""

    args: argparse.Namespace
    executor: SmartOrderExecutor | RemoteExecutor
    timeout_s: float | None
    is_handed_over: bool = False
    interrupts: int = 0
    interrupted: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> TradeResult | None:
        """The result; ``None`` when it ended before the plan was handed over.

        Raises `SurefillError`, `JournalError`.
        """
        is_remote = isinstance(self.executor, RemoteExecutor)
        place = "the running engine" if is_remote else self.executor.settings.base_url
        say(f"connecting to {place}")
        async with self.executor:
            loop = asyncio.get_running_loop()
            for number in LEAVE_SIGNALS:
                loop.add_signal_handler(number, self._interrupt)
            try:
                return await self._trade()
            finally:
                for number in LEAVE_SIGNALS:
                    loop.remove_signal_handler(number)

    def _interrupt(self) -> None:
        self.interrupts += 1
        self.interrupted.set()

    async def _trade(self) -> TradeResult | None:
        plan = self.executor.plan_of(**plan_terms(self.args), plan_id=self.args.plan_id)
        plan_id = plan.plan_id
        say(f"plan {plan_id}")
        self.is_handed_over = True
        with Progress() as progress:
            watcher = asyncio.create_task(self._watch(plan_id, progress))
            try:
                is_over = await self._wait(lambda: self.executor.execute(plan), self.timeout_s)
                if not is_over:
                    await self._end_entry(plan)
                elif self.args.wait_closed:
                    await self._wait(lambda: self.executor.closed(plan_id), None)
            finally:
                watcher.cancel()
                await asyncio.gather(watcher, return_exceptions=True)
        if not self.executor.knows(plan_id):
            return None
        found = self.executor.result(plan_id)
        if found.outcome is None:
            say(left_text(found, is_engine_running=isinstance(self.executor, RemoteExecutor)))
        return found

    async def _wait(
        self, start: Callable[[], Coroutine[Any, Any, TradeResult]], timeout_s: float | None
    ) -> bool:
        """Whether it ended before the time was over and before somebody wanted to leave.

        Raises what the executor raises.
        """
        work = asyncio.create_task(start())
        leave = asyncio.create_task(self.interrupted.wait())
        first = asyncio.FIRST_COMPLETED
        await asyncio.wait({work, leave}, timeout=timeout_s, return_when=first)
        leave.cancel()
        if not work.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            return False
        work.result()
        return True

    async def _end_entry(self, plan: TradePlan) -> None:
        """Leave nothing behind that could still fill without cover."""
        why = "interrupted"
        if not self.interrupts and self.timeout_s is not None:
            why = f"time is over after {self.timeout_s:g} s"
        say(f"{why}: ending the entry; cover stays at the broker (Ctrl-C again leaves at once)")
        self.interrupted.clear()
        await self.executor.cancel_entry(plan.plan_id, why, by=BY)
        if self.executor.knows(plan.plan_id):
            await self._wait(lambda: self.executor.execute(plan), LEAVE_S)

    async def _watch(self, plan_id: str, progress: Progress) -> None:
        while True:
            if self.executor.knows(plan_id):
                progress.at(stage_text(self.executor.result(plan_id)))
            await asyncio.sleep(LOOK_S)


# ------------------------------------------------------------------------------- what it prints


def stage_text(found: TradeResult) -> str:
    """How far a trade is, in one line."""
    if found.phase is None:
        return f"{found.symbol}: denied"
    text = f"{found.symbol}: {STAGES[found.phase]}"
    if found.entry_qty:
        asked = to_text(found.order_qty or 0)
        text += f", {to_text(found.entry_qty)} of {asked} at {_px(found.avg_px)}"
    if found.uncovered_qty:
        text += f", {to_text(found.uncovered_qty)} bare"
    return text


def left_text(found: TradeResult, *, is_engine_running: bool = False) -> str:
    """What stays at the broker when this process ends with the trade open."""
    held = to_text(found.position_qty)
    covered = to_text(max(0, found.position_qty - found.uncovered_qty))
    text = (
        f"leaving {held} shares of {found.symbol}, {covered} covered at the broker: stop "
        f"{_px(found.stop_px)}, target {_px(found.target_px)}"
    )
    if not found.is_settled:
        text += "; ITS STATE IS OPEN: look at the broker's order list now"
    who = "The running engine" if is_engine_running else "The next start on this account"
    return f"{text}. {who} goes on with it"


def as_blocks(found: TradeResult) -> list[Block]:
    """The result for people."""
    asked = f" {to_text(found.order_qty)}" if found.order_qty is not None else ""
    head = f"{found.symbol} {found.side.value}{asked} at signal {_px(found.signal_px)}"
    blocks: list[Block] = [f"{head}: {verdict(found)}"]
    if found.reasons:
        why = [(reason.code.name, reason.sentence) for reason in found.reasons]
        blocks.append(Table("Why", why))
    if found.entry_qty:
        blocks.append(Table("Trade", _number_rows(found)))
    if found.orders:
        orders = [
            (order.leg.value, order.state, to_text(order.cum_qty), order.cl_ord_id)
            for order in found.orders
        ]
        head_row = ("leg", "state", "filled", "id")
        blocks.append(Table("Orders", orders, head=head_row, right=frozenset({2})))
    remarks = [("note", str(note)) for note in found.notes]
    remarks += [("ALARM", alarm) for alarm in found.alarms]
    if remarks:
        blocks.append(Table("Remarks", remarks))
    return [*blocks, "", f"The whole story: surefill why {found.plan_id}"]


def verdict(found: TradeResult) -> str:
    """The result in a few words."""
    if found.outcome is not None:
        return found.outcome.value
    if exit_of_result(found) is Exit.EXPOSED:
        return "NOT SETTLED, look now"
    return "entered and covered"


def _number_rows(found: TradeResult) -> list[tuple[str, str]]:
    rows = [
        ("entered", f"{to_text(found.entry_qty)} at {_px(found.avg_px)} on average"),
        ("held now", f"{to_text(found.position_qty)}, bare {to_text(found.uncovered_qty)}"),
        ("stop", _px(found.stop_px)),
        ("target", ", ".join(map(_px, found.targets_px)) or _px(found.target_px)),
        ("slippage", f"{_signed(found.slippage_vs_signal_bps)} bps against the signal"),
        ("", f"{_signed(found.slippage_vs_arrival_bps)} bps against arrival {_arrival(found)}"),
        ("reward/risk", f"{_ratio(found.rr_planned)} planned"),
        ("", f"{_ratio(found.rr_at_fill)} at the fill, against the signal's own levels"),
    ]
    if found.outcome is not None:
        rows.append(("", f"{_ratio(found.r_realized)} R realized"))
        rows.append(("closed at", f"{_px(found.exit_avg_px)}, {_usd(found.pnl_usd)} USD"))
    bare_ms = found.uncovered_ns // 1_000_000
    rows.append(("without cover", f"{bare_ms} ms, {found.uncovered_share_s} share-seconds"))
    return rows


def _arrival(found: TradeResult) -> str:
    feed = f" ({found.arrival_feed.value})" if found.arrival_feed is not None else ""
    return f"{_px(found.arrival_px)}{feed}"


def _px(nano: int | None) -> str:
    """A price for people: an average is cut after four decimals."""
    return "?" if nano is None else to_usd_text(nano // 100_000 * 100_000)


def _usd(nano: int | None) -> str:
    return "?" if nano is None else to_usd_text(nano)


def _ratio(value: Decimal | None) -> str:
    return "?" if value is None else f"{value:.2f}"


def _signed(value: Decimal | None) -> str:
    return "?" if value is None else f"{value:+}"
