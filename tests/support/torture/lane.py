"""One account: its engine, lived again and again, its troubles, its trades.

What: `Lane.run` gives an engine life after life as drawn; what happened is in `lives`, `struck` and
`excuses`. At the end one life is left in peace until every trade is over.
Must never: judge; it only remembers when what was done to whom (venue time).
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from surefill.client import AsyncClient
from surefill.config import Settings
from tests.support.torture.draw import (
    CLOCK,
    End,
    Hit,
    LifePlan,
    Trouble,
    Ways,
    draw_hit,
    draw_lives,
)
from tests.support.torture.life import Life
from tests.support.torture.place import Disk, journal_in, phases_in
from tests.support.torture.proxy import Proxy
from tests.support.torture.shim import Shim, ShimControl
from tests.support.torture.traffic import Trader
from tests.support.torture.venue import VenueSide
from tests.support.torture.waits import Waits
from tests.support.workplace import Workplace, clean_environ

READY_S = 45.0
FAULT_S = 20.0
"""An engine that trades writes within this time, and so meets its fault."""
RECONNECT_S = 120.0
PATIENCE_S = 200.0
"""For a trade to end: an entry in doubt needs 120 s of evidence and 30 more (I10, I21)."""
LOST_MS, LOST_GRACE_MS = 5_000, 5_000
"""A request that is swallowed is given up after the read timeout; a stream that was lost leaves 5 s
(I3 b)."""
RESTART_GRACE_MS = 10_000
"""I3 (d)."""
NS_PER_MS = 1_000_000
LOOK_S = 0.1
STEADY_GAP_S = (4.0, 14.0)
SETTINGS = {
    "SMART_EXECUTOR_FILL_TIMEOUT": "4",
    "SUREFILL_REQUESTS_PER_MINUTE": "1000",
    "SUREFILL_DAILY_LOSS_LIMIT_USD": "1000000",
    "SUREFILL_LIMITS": "entries_per_minute=0 symbol_entries_per_minute=0 duplicate_s=0 collar=0",
}


@dataclass(slots=True)
class LifeStory:
    """What became of one life. Times UTC ns of the venue; ``end``: how it was to end;
    ``is_surprise``: it ended by itself and nobody had asked for it."""

    end: str
    began_ns: int
    ready_ns: int | None = None
    broke_ns: int = 0
    """when its disk broke: from here on it can do nothing, until it has ended"""
    ended_ns: int = 0
    code: int = 0
    phases: tuple[str, ...] = ()
    is_surprise: bool = False
    said: str = ""


@dataclass(slots=True)
class Remembered:
    """What the judge needs of a lane."""

    lives: list[LifeStory] = field(default_factory=list)
    excuses: list[tuple[int, int, int]] = field(default_factory=list)
    """(from ns, to ns, grace ms)"""
    struck: Counter[str] = field(default_factory=Counter)
    waits: Waits = field(default_factory=Waits)


class Lane:
    """One account before the exchange. ``symbols`` are its alone; ``plans`` are its lives, drawn by
    default; ``is_done``: the last of them is over."""

    def __init__(
        self,
        venue: VenueSide,
        folder: Path,
        *,
        symbols: tuple[str, ...],
        ways: Ways,
        seed: str,
        shim: Shim | None = None,
        plans: Iterable[LifePlan] | None = None,
        patience_s: float = PATIENCE_S,
        is_steady: bool = False,
        wants_disk: bool = True,
    ) -> None:
        self.venue = venue
        self.symbols = symbols
        self.ways = ways
        self.is_steady = is_steady
        self.kept = Remembered()
        self.life: Life | None = None
        self.is_done = False
        self.disk = Disk(folder, wants_own=wants_disk)
        self.place = Workplace(venue.exchange, folder)
        self.errors = folder.with_name(folder.name + ".err")
        self._chance = Random(f"{seed}:lives")
        if not self.disk.is_small:  # nobody fills a disk that others write to
            ways = self.ways = replace(ways, ends=tuple(e for e in ways.ends if e != End.DISK_FULL))
        self._plans = plans if plans is not None else draw_lives(self._chance, ways)
        self._seed = seed
        self._patience_s = patience_s
        self._shim = shim
        self._control = ShimControl(folder.with_name(folder.name + ".ctl"))
        self._proxy: Proxy
        self._is_over: Callable[[], bool] = lambda: False
        self.traders: list[Trader] = []

    @property
    def settings(self) -> Settings:
        """Those of its engine."""
        journal = str(self.place.folder / ".surefill" / "journal.db")
        return Settings.load({"SUREFILL_JOURNAL_PATH": journal}, self.place.env)

    async def run(self, is_over: Callable[[], bool]) -> None:
        """Live and trade until it is over, then end every trade and the engine."""
        self._is_over = is_over
        async with Proxy(self.venue.exchange.port, self._lost) as self._proxy:
            url = f"http://127.0.0.1:{self._proxy.port}"
            self.place.write_env(APCA_API_BASE_URL=url, **SETTINGS)
            self.venue.exchange.control(
                "POST", "account", {"key": self.place.key, "cash": "10000000"}
            )
            looking = asyncio.create_task(self._look())
            lives = asyncio.create_task(self._live_steadily() if self.is_steady else self._live())
            try:
                await self._trade()
            finally:
                await lives
                await self._end()
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)

    async def _trade(self) -> None:
        client = AsyncClient(self.settings, strategy="torture", reconnect_s=RECONNECT_S)
        self.traders = [
            Trader(
                self.venue,
                client,
                symbol,
                chance=Random(f"{self._seed}:{symbol}"),
                patience_s=self._patience_s,
            )
            for symbol in self.symbols
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for trader in self.traders:
                    group.create_task(trader.play(self._is_over))
        finally:
            await client.close()

    async def _look(self) -> None:
        """How long the engine has to wait for a processor."""
        while True:
            if self.life is not None and self.life.code is None:
                self.kept.waits.sample(self.life.pid, self.venue.now_ns())
            await asyncio.sleep(LOOK_S)

    # ------------------------------------------------------------------------------- lives

    async def _live(self) -> None:
        for plan in self._plans:
            if self._is_over():
                break
            await self._one_life(plan)
        self.is_done = True
        await self._begin("left in peace")

    async def _begin(self, end: str) -> tuple[Life, LifeStory]:
        """A new process; the machine is as it should be."""
        self.disk.free()
        self._control.set_clock(0)
        environ = clean_environ()
        if self._shim is not None:
            environ |= self._shim.environ(self._control)
        story = LifeStory(end, self.venue.now_ns())
        self.kept.lives.append(story)
        self.life = await Life.begin(self.place.folder, self.errors, environ)
        return self.life, story

    async def _one_life(self, plan: LifePlan) -> None:
        life, story = await self._begin(plan.end.value)
        if not plan.is_early and await life.until_ready(READY_S):
            story.ready_ns = self.venue.now_ns()
        hits = [asyncio.create_task(self._hit(life, hit)) for hit in plan.hits]
        lasted = await life.lasts(plan.at_s)
        if life.is_ready.is_set() and story.ready_ns is None:
            story.ready_ns = self.venue.now_ns()
        if plan.end is End.KILL or not lasted:
            story.is_surprise = not lasted
            life.kill()
        else:
            await self._break(life, story, plan.end)
        story.code = await life.is_over()
        story.ended_ns = self.venue.now_ns()
        await asyncio.gather(*hits)
        if story.code != -signal.SIGKILL:
            story.said = life.said()
        story.phases = await asyncio.to_thread(phases_in, journal_in(self.place.folder))
        await asyncio.sleep(plan.pause_s)

    async def _break(self, life: Life, story: LifeStory, end: End) -> None:
        """The disk fails; the engine has to end by itself, with a coded error."""
        story.broke_ns = self.venue.now_ns()
        if end is End.DISK_FULL:
            self.disk.fill()
        elif end is End.FILE_LIMIT:
            journal = journal_in(self.place.folder)
            assert journal is not None
            wal = journal.with_name(journal.name + "-wal")
            life.limit_files(max(4096, wal.stat().st_size if wal.exists() else 0))
        else:
            self._control.fail_fsyncs(1)
        if await life.lasts(FAULT_S):
            story.end = f"kill -9 ({end.value} was not met)"
            life.kill()
        self._control.fail_fsyncs(0)

    async def _live_steadily(self) -> None:
        """One life that nobody ends: only troubles."""
        life, story = await self._begin("steady")
        while not self._is_over():
            if not await life.until_ready(READY_S):
                story.is_surprise, story.code = True, life.code or 0
                story.ended_ns, story.said = self.venue.now_ns(), life.said()
                life.kill()
                await life.is_over()
                life, story = await self._begin("steady, again")
                continue
            story.ready_ns = story.ready_ns or self.venue.now_ns()
            hit = draw_hit(self._chance, self.ways.troubles, at_s=0)
            await self._hit(life, hit)
            await life.lasts(self._chance.uniform(*STEADY_GAP_S))

    async def _end(self) -> None:
        """The last life ends in order."""
        assert self.life is not None
        story = self.kept.lives[-1]
        try:
            if self.life.code is None:
                story.code = await self.life.stop()
        except TimeoutError:
            story.is_surprise = True
            self.life.kill()
            story.code = await self.life.is_over()
        story.ended_ns, story.said = self.venue.now_ns(), self.life.said()

    def close(self) -> None:
        """Nothing of it is left."""
        if self.life is not None:
            self.life.kill()
        self._control.close()
        self.disk.close()

    # ----------------------------------------------------------------------------- troubles

    def _lost(self) -> None:
        now_ns = self.venue.now_ns()
        self._excuse(now_ns, now_ns + LOST_MS * NS_PER_MS)

    def _excuse(self, from_ns: int, to_ns: int, grace_ms: int = LOST_GRACE_MS) -> None:
        kept = self.kept.excuses
        if kept and kept[-1][2] == grace_ms and from_ns <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(to_ns, kept[-1][1]), grace_ms)
        else:
            kept.append((from_ns, to_ns, grace_ms))

    async def _hit(self, life: Life, hit: Hit) -> None:
        if not await life.lasts(hit.at_s):
            return
        self.kept.struck[hit.what.value] += 1
        from_ns = self.venue.now_ns()
        if hit.what is Trouble.RESET:
            self._proxy.reset()
        elif hit.what is Trouble.HALF_OPEN:
            self._proxy.half_open()
        elif hit.what is Trouble.VANISH:
            self._proxy.vanish(True)
            await life.lasts(hit.size)
            self._proxy.vanish(False)
        elif hit.what is Trouble.FREEZE:
            life.signal(signal.SIGSTOP)
            await asyncio.sleep(hit.size)
            life.signal(signal.SIGCONT)
        elif hit.what in CLOCK:
            ahead = hit.size if hit.what is Trouble.CLOCK_AHEAD else -hit.size
            self._control.set_clock(ahead)
            await life.lasts(5.0)
            self._control.set_clock(0)
            return
        self._excuse(from_ns, self.venue.now_ns())
