"""``surefill watchdog``: a second process that reads, compares and alarms.

What: every half second the engine's heartbeat; every few seconds, or every second while anything is
suspicious, the broker's positions and working orders (two requests), held against the symbols that
the journal says are ours. Alarms go to stderr, to ``watchdog.log`` in the log directory and, with
``--run``, to a command of the user's choice; and to people, by the alert channels of the settings.
Why a process of its own: an engine that hangs cannot say so.
Invariants: reads only, beside the engine; what it could not read clears nothing. With a journal
that cannot be read any more it goes on with the trades that it knew last, and opens it again.
Must never: place, cancel or lock anything, or end because the broker or the journal is away.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shlex
import signal
from pathlib import Path
from shutil import disk_usage

from surefill.cli.account import journal_of, load
from surefill.cli.act import complaint
from surefill.cli.exits import Exit
from surefill.cli.output import clean, emit, say
from surefill.config import ConfigError, Settings
from surefill.core.cover import cover_of
from surefill.core.events import ReadFailed
from surefill.core.state import EngineState
from surefill.core.trade import Trade
from surefill.journal.images import ENGINE_IMAGE, decode_state, decode_trade
from surefill.ports import Journal, JournalError
from surefill.runtime.errors import SurefillError
from surefill.runtime.heartbeat import read_beat
from surefill.runtime.telling import courier_of, notice_of_alarm
from surefill.runtime.watchdog import Alarm, Watch, uncovered
from surefill.runtime.wiring import cover_look, machine_clock, read_journal

TICK_S = 0.5
SLOW_NS = 5_000_000_000
"""24 requests a minute, beside the engine's: an eighth of what the broker allows by default."""
FAST_NS = 1_000_000_000
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOG_NAME = "watchdog.log"
RUN_S = 10.0
"""For the user's command; then it is left alone."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill watchdog``."""
    parser.add_argument(
        "--seconds", metavar="N", type=float, help="watch this long and end (4: an alarm stands)"
    )
    parser.add_argument("--run", metavar="COMMAND", help="run it with each alarm as last argument")
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each alarm")


def run(args: argparse.Namespace) -> int:
    """Watch until told to stop; return an `Exit` code."""
    try:
        settings = load()
        # At the start a journal that is not there is more often a wrong directory than a fault.
        watchdog = _Watchdog(settings, read_journal(journal_of(settings)), args)
        try:
            return asyncio.run(watchdog.run())
        finally:
            watchdog.close()
    except (ConfigError, SurefillError, JournalError) as error:
        return complaint("watchdog", error)


Known = tuple[list[Trade], EngineState | None]


class _Watchdog:
    """One watch, from start to signal."""

    def __init__(self, settings: Settings, journal: Journal, args: argparse.Namespace) -> None:
        self._settings = settings
        self._journal: Journal | None = journal
        self._known: Known = ([], None)
        self._source = journal_of(settings)
        self._args = args
        self._clock = machine_clock()
        self._eyes = cover_look(settings, clock=self._clock)
        self._watch = Watch(self._clock.now_ns())
        self._stop = asyncio.Event()
        self._looked_ns = 0
        self._courier = courier_of(settings, role="watchdog", report=self._report)

    def _report(self, level: int, sentence: str) -> None:
        """How the alert channels are; from their threads."""
        say(sentence)
        if level >= logging.WARNING:
            write_line(self._settings.log_dir / LOG_NAME, sentence)

    def close(self) -> None:
        """Tell what is still to tell, and let the journal go."""
        self._courier.close()
        self._release()

    def _release(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    async def run(self) -> Exit:
        """Until it is stopped, or its time is over."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._stop.set)
        self._courier.start()
        await self._eyes.open()
        say(f"watching {self._source}")
        try:
            async with asyncio.timeout(self._args.seconds):
                while not self._stop.is_set():
                    await self._turn()
        except TimeoutError:
            pass  # --seconds are over
        finally:
            await self._eyes.close()
        return Exit.EXPOSED if self._watch.is_alarmed else Exit.DONE

    async def _turn(self) -> None:
        now = self._clock.now_ns()
        await self._raise(self._watch.hear(read_beat(self._source.path), now))
        problem = self._read_again()
        await self._raise(self._watch.read(problem, now))
        await self._raise(self._room(now))
        trades, state = self._known
        is_bare = any(cover_of(trade).uncovered_qty for trade in trades)
        gap_ns = FAST_NS if is_bare or self._watch.is_suspicious else SLOW_NS
        if now - self._looked_ns >= gap_ns:
            self._looked_ns = now
            await self._raise(await self._look(trades, state))
        try:
            async with asyncio.timeout(TICK_S):
                await self._stop.wait()
        except TimeoutError:
            pass  # the next turn

    def _room(self, now: int) -> list[Alarm]:
        """Free space where the journal lies; the disk of a database is not ours to look at."""
        if self._source.address is not None:
            return []
        try:
            free_bytes = disk_usage(self._source.path.parent).free
        except OSError:
            return []  # the folder is away: who reads the journal tells that
        return self._watch.room(free_bytes, now)

    def _read_again(self) -> str | None:
        """Bring what is known up to date; what went wrong, if anything: then it stays as it was."""
        try:
            if self._journal is None:
                self._journal = read_journal(self._source)
            self._known = _remembered(self._journal)
        except JournalError as error:
            self._release()  # another try wants another look: the file may have been replaced
            return error.code
        return None

    async def _look(self, trades: list[Trade], state: EngineState | None) -> list[Alarm]:
        positions, orders = await self._eyes.read()
        now = self._clock.now_ns()
        if isinstance(positions, ReadFailed) or isinstance(orders, ReadFailed):
            return self._watch.look(None, now)
        foreign: dict[str, int] = {}
        for position in state.foreign if state is not None else ():
            foreign[position.symbol] = foreign.get(position.symbol, 0) + position.qty
        ours = dict.fromkeys(trade.symbol for trade in trades)
        bare = uncovered(positions.positions, orders.orders, ours=ours, foreign=foreign)
        return self._watch.look(bare, now)

    async def _raise(self, alarms: list[Alarm]) -> None:
        for alarm in alarms:
            say(str(alarm))
            if self._args.json:
                word = "over" if alarm.is_over else "alarm"
                row = {"event": word, "code": alarm.code.value, "what": alarm.what}
                emit(row | {"sentence": alarm.sentence})
            write_line(self._settings.log_dir / LOG_NAME, str(alarm))
            self._courier.tell(notice_of_alarm(alarm, self._clock.now_ns()))
            if self._args.run:
                await _tell_command(self._args.run, str(alarm))


def _remembered(journal: Journal) -> Known:
    """What the journal says is open. Raises `JournalError`."""
    images = dict(journal.open_images())
    state = images.pop(ENGINE_IMAGE, None)
    found = [decode_trade(image) for image in images.values()]
    trades = [one for one in found if isinstance(one, Trade) and not one.is_closed]
    return trades, None if state is None else decode_state(state)


def write_line(path: Path, text: str) -> None:
    """Append to the watchdog's own log; a disk that is full must not silence the other channels."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with open(fd, "a", encoding="utf-8") as file:
            file.write(clean(text) + "\n")
    except OSError as error:
        say(f"surefill watchdog: {path} cannot be written: {error}")


async def _tell_command(command: str, text: str) -> None:
    try:
        process = await asyncio.create_subprocess_exec(*shlex.split(command), clean(text))
        async with asyncio.timeout(RUN_S):
            await process.wait()
    except (OSError, ValueError, TimeoutError) as error:
        say(f"surefill watchdog: {command} did not run: {error!r}")
