"""``surefill run``: the engine as a process of its own, which strategies and scripts ask.

What: `SmartOrderExecutor` with a control port beside its journal, until SIGTERM or SIGINT.
Why: several strategies share an account, and none of them takes the engine with it when it fails.
Invariants: requests are taken after the start is complete and until the stop begins; an orderly
stop ends entries, covers what they brought, says what stays at the broker and only then lets the
journal go; a second engine is refused and told who holds the account, or, with ``--standby``, waits
for its end and takes over.
Must never: flatten at the end: cover rests at the broker, and the next start goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

from surefill.cli.account import load
from surefill.cli.exits import Exit
from surefill.cli.output import emit, say
from surefill.cli.trade import EXIT_OF_ERROR, left_text
from surefill.config import ConfigError, Settings
from surefill.control.desk import Desk
from surefill.control.place import ControlPlace
from surefill.control.server import ControlServer
from surefill.core.units import to_text
from surefill.ports import JournalError, JournalHeld
from surefill.runtime.account import source_of
from surefill.runtime.errors import SurefillError
from surefill.runtime.heartbeat import Heartbeat
from surefill.runtime.result import TradeResult, result_of
from surefill.runtime.standby import POLL_S, refuse_neighbour, stand_by
from surefill.runtime.wiring import BUILD, clock_for, journal_path
from surefill.smart_order_executor import SmartOrderExecutor

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill run``."""
    parser.add_argument(
        "--standby",
        action="store_true",
        help="wait while another process holds the account, then take it over",
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line: standby, ready, stopped"
    )


def run(args: argparse.Namespace) -> int:
    """Run until told to stop; return an `Exit` code."""
    try:
        settings = load()
    except ConfigError as error:
        say(f"surefill run: {error}")
        return Exit.USAGE
    try:
        return asyncio.run(_Run(settings, as_json=args.json, is_standby=args.standby).run())
    except SurefillError as error:
        say(f"surefill run: {error}")
        return EXIT_OF_ERROR.get(error.code, Exit.EXPOSED)
    except JournalError as error:
        say(f"surefill run: {error}")
        return Exit.UNAVAILABLE


class _Run:
    """One life of the process."""

    def __init__(self, settings: Settings, *, as_json: bool, is_standby: bool) -> None:
        self._settings = settings
        self._as_json = as_json
        self._is_standby = is_standby
        self._executor = SmartOrderExecutor(settings)
        self._stop = asyncio.Event()

    async def run(self) -> Exit:
        """Raises `SurefillError`, `JournalError`."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._stop.set)
        say(f"{BUILD}: connecting to {self._settings.base_url}")
        if not await self._before_stop(self._begin()):
            await self._executor.close()
            say("stopped before the start was complete; nothing was sent")
            return Exit.DONE
        driver, book = self._executor.runtime.driver, self._executor.runtime.engine.book
        place = ControlPlace(journal_path(self._settings))
        server = ControlServer(Desk(self._executor), place)
        try:
            heart = Heartbeat(journal_path(self._settings))
            await server.start()
            self._tell_ready(place)
            await self._before_stop(heart.keep_beating(driver))
        finally:
            # First nobody may ask any more, then the engine ends.
            await server.close()
            await self._executor.close()
        heart.close()  # reached in order only: a stop by an error of ours says nothing
        return self._tell_left(tuple(result_of(trade) for trade in book.open.values()))

    async def _begin(self) -> None:
        """Start; on standby, once the account is free."""
        if not self._is_standby:
            await self._executor.start()
            return
        await clock_for(self._settings)  # what is missing here must not be found at the takeover
        source = source_of(self._settings)
        refuse_neighbour(source)
        while True:
            await stand_by(source, tell=self._tell_waiting)
            try:
                await self._executor.start()
                return
            except JournalHeld:
                await asyncio.sleep(POLL_S)  # another standby was faster

    def _tell_waiting(self, why: str) -> None:
        if self._as_json:
            emit({"event": "standby", "why": why})
        say(why)

    async def _before_stop(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether the work ended before somebody wanted to stop. Raises what it raises."""
        task = asyncio.create_task(work)
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if task.done():
            task.result()
            return True
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False

    def _tell_ready(self, place: ControlPlace) -> None:
        trades = self._executor.open_trades()
        runtime = self._executor.runtime
        state = runtime.engine.state
        switches = [str(reason) for reason in (state.kill, state.halt) if reason is not None]
        if self._as_json:
            emit(
                {
                    "event": "ready",
                    "pid": os.getpid(),
                    "socket": str(place.socket_path),
                    "open_trades": [trade.plan_id for trade in trades],
                    "switches": switches,
                }
            )
        shown = f"; {'; '.join(switches)}" if switches else ""
        say(f"ready: {len(trades)} open trades, requests at {place.socket_path}{shown}")

    def _tell_left(self, left: tuple[TradeResult, ...]) -> Exit:
        bare = [trade for trade in left if trade.uncovered_qty or not trade.is_settled]
        if self._as_json:
            emit(
                {
                    "event": "stopped",
                    "covered": [trade.plan_id for trade in left if trade not in bare],
                    "look_now": [trade.plan_id for trade in bare],
                    "uncovered_qty": to_text(sum(trade.uncovered_qty for trade in left)),
                }
            )
        for trade in left:
            say(left_text(trade))
        say("stopped; cover stays at the broker" if left else "stopped; no trade was open")
        return Exit.EXPOSED if bare else Exit.DONE
