"""``surefill watch``: the essentials live in a terminal, beside whoever trades.

What: twice a second a frame of `dashboard.frame`, from the journal and the engine's control port;
``q`` or Ctrl-C ends it. ``--once``, or a stdout that is no terminal, prints one frame.
Invariants: reads only, and works while no HTTP API and no engine runs; the terminal is left as it
was found. Exit 4 of one frame when shares are bare, an order is in doubt, or trades are open and no
engine watches over them.
Must never: wait for the engine: what it does not answer is said.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from surefill.cli.account import journal_of, load
from surefill.cli.exits import Exit
from surefill.cli.output import say
from surefill.client import AsyncClient
from surefill.config import ConfigError, Settings
from surefill.dashboard.archive import Archive
from surefill.dashboard.board import Board
from surefill.dashboard.frame import ToneLine, frame_of
from surefill.dashboard.watcher import Watcher
from surefill.dashboard.words import Tone
from surefill.runtime.account import machine_clock
from surefill.runtime.errors import SurefillError
from surefill.service.reader import Reader

EVERY_S = 0.5
ALERTS_S = 10.0
"""One frame waits for the rules; a live one shows them when they are there."""
ANSWER_S = 1.0
STYLES = {Tone.BAD: "bold red", Tone.WARN: "yellow", Tone.GOOD: "green", Tone.PLAIN: ""}
QUIT = b"qQ\x03\x04"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill watch``."""
    parser.add_argument("--once", action="store_true", help="print one frame and end")


def run(args: argparse.Namespace) -> int:
    """Watch; return an `Exit` code."""
    try:
        settings = load()
    except ConfigError as error:
        say(f"surefill watch: {error}")
        return Exit.USAGE
    is_live = sys.stdout.isatty() and sys.stdin.isatty() and not args.once
    try:
        return asyncio.run(_live(settings) if is_live else _once(settings))
    except KeyboardInterrupt:
        return Exit.DONE


class _Eyes:
    """What looks. Close it."""

    def __init__(self, settings: Settings) -> None:
        source, now_ns = journal_of(settings), machine_clock().now_ns
        self._reader, self._archive = Reader(source), Archive(Reader(source))
        self._client = AsyncClient(settings, strategy="watch", reconnect_s=0.0)
        self._watcher = Watcher(settings, self._reader, self._archive, now_ns=now_ns)

    async def close(self) -> None:
        """Let everything go."""
        await self._watcher.close()
        await self._client.close()
        await self._archive.close()
        await self._reader.close()

    async def frame(self, **more: float) -> tuple[list[ToneLine], Board]:
        """One look."""
        board = await self._watcher.look(**more)
        control = await self._control()
        return frame_of(board, tuple(self._watcher.happenings), control=control), board

    async def _control(self) -> str:
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await self._client.status()
        except TimeoutError:
            return "does not answer"
        except SurefillError as error:
            return error.code.value
        return f"answers (pid {found.pid})"


async def _once(settings: Settings) -> Exit:
    eyes = _Eyes(settings)
    try:
        lines, board = await eyes.frame(alerts_s=ALERTS_S)
    finally:
        await eyes.close()
    sys.stdout.write("".join(f"{text}\n" for text, _ in lines))
    sys.stdout.flush()
    if board.problem:
        return Exit.UNAVAILABLE
    return Exit.EXPOSED if _is_loud(board) else Exit.DONE


def _is_loud(board: Board) -> bool:
    """Whether somebody should look: bare shares, a doubt, or trades that nobody watches over."""
    words = ("EXPOSED", "IN DOUBT", "ENGINE SILENT")
    if any(one.title.startswith(words) for one in board.notices):
        return True
    return bool(board.trades) and any(one.title == "NO ENGINE RUNS" for one in board.notices)


async def _live(settings: Settings) -> Exit:
    from rich.live import Live  # the extra `cli`
    from rich.text import Text

    def drawn(lines: list[ToneLine]) -> Text:
        last = [("", Tone.PLAIN), ("q ends it; nothing else is done from here", Tone.PLAIN)]
        parts = [Text(text, style=STYLES[tone]) for text, tone in [*lines, *last]]
        return Text("\n").join(parts)

    eyes, over = _Eyes(settings), asyncio.Event()
    try:
        with _keys(over), Live(screen=True, auto_refresh=False) as live:
            while not over.is_set():
                lines, _ = await eyes.frame()
                live.update(drawn(lines), refresh=True)
                await _wait(over)
    finally:
        await eyes.close()
    return Exit.DONE


async def _wait(over: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(EVERY_S):
            await over.wait()
    except TimeoutError:
        pass  # time for another frame


@contextmanager
def _keys(over: asyncio.Event) -> Iterator[None]:
    """Each key as it is pressed, until the end; then the terminal as it was."""
    fd, loop = sys.stdin.fileno(), asyncio.get_running_loop()
    before = termios.tcgetattr(fd)

    def pressed() -> None:
        keys = os.read(fd, 64)
        if not keys or any(key in QUIT for key in keys):
            over.set()

    tty.setcbreak(fd)
    loop.add_reader(fd, pressed)
    try:
        yield
    finally:
        loop.remove_reader(fd)
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
