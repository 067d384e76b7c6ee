"""A torture run: lanes before one exchange process, until so many kills are done.

    result = asyncio.run(torture(Wanted(seed=1, kills=500), folder, tell=print))

``Wanted`` says how much; the result has the rows of the report and everything that is wrong.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from surefill.runtime.clock import uptime_ns
from tests.support.report import Row
from tests.support.torture.draw import CLOCK, NETWORK, End, Trouble, Ways
from tests.support.torture.figures import Held, kills, rows
from tests.support.torture.lane import Lane
from tests.support.torture.life import open_files, resident_bytes
from tests.support.torture.shim import Shim
from tests.support.torture.venue import Line, VenueSide
from tests.support.torture.verdict import COVER_LIMIT_S, Judged, judge, rows_in

SAMPLE_S = 2.0
NS_PER_S = 1_000_000_000
DISK_ENDS = (End.KILL, End.DISK_FULL, End.FILE_LIMIT)
ALL_TROUBLES = (*NETWORK, *CLOCK, Trouble.FREEZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How much. ``lanes`` are those whose engine is killed; one more is steady, if wanted."""

    seed: int
    kills: int
    minutes: float
    lanes: int = 4
    symbols: int = 2
    has_steady: bool = True


@dataclass(slots=True)
class Result:
    """What came of it."""

    rows: list[Row]
    faults: list[str]
    kills: int


class _Run:
    def __init__(
        self, wanted: Wanted, venue: VenueSide, *, lanes: list[Lane], tell: Callable[[str], None]
    ) -> None:
        self.wanted, self.venue, self.lanes = wanted, venue, lanes
        self.exchange = Held("exchange")
        self.engine = Held("engine that was never killed")
        self._tell = tell
        self._until_ns = uptime_ns() + int(wanted.minutes * 60 * NS_PER_S)

    def is_over(self) -> bool:
        """Enough kills, or no time left."""
        return kills(self.lanes) >= self.wanted.kills or uptime_ns() > self._until_ns

    async def play(self, exchange_pid: int | None) -> None:
        """All lanes at once, to their end."""
        watching = asyncio.create_task(self._watch(exchange_pid))
        try:
            async with asyncio.TaskGroup() as group:
                for lane in self.lanes:
                    group.create_task(lane.run(self.is_over))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, exchange_pid: int | None) -> None:
        while True:
            if exchange_pid is not None:
                _sample(self.exchange, exchange_pid)
            for lane in self.lanes:
                life = lane.life
                if lane.is_steady and life is not None and life.is_ready.is_set():
                    _sample(self.engine, life.pid)
            done = kills(self.lanes)
            open_now = sum(1 for lane in self.lanes for _ in lane.symbols)
            self._tell(f"{done}/{self.wanted.kills} kills, {open_now} symbols traded")
            await asyncio.sleep(SAMPLE_S)


def _sample(held: Held, pid: int) -> None:
    try:
        rss_bytes, files = resident_bytes(pid), open_files(pid)
    except OSError:
        return  # it ended at this instant
    held.rss_bytes.append(rss_bytes)
    held.files.append(files)


def _lanes(wanted: Wanted, venue: VenueSide, folder: Path) -> list[Lane]:
    """Odd lanes have a sound network and the strict limits; even ones have every trouble."""
    shim = Shim.build(folder)
    made = []
    for number in range(wanted.lanes + wanted.has_steady):
        is_steady = number == wanted.lanes
        ends = DISK_ENDS if shim is None else tuple(End)
        troubles: tuple[Trouble, ...] = (
            ALL_TROUBLES if shim is not None else (*NETWORK, Trouble.FREEZE)
        )
        if number % 2 and not is_steady:
            troubles = ()
        lane = Lane(
            venue,
            folder / f"lane{number}",
            symbols=tuple(f"T{number}{'ABCDEF'[at]}" for at in range(wanted.symbols)),
            ways=Ways(ends=ends, troubles=troubles),
            seed=f"{wanted.seed}:{number}",
            shim=shim,
            is_steady=is_steady,
        )
        made.append(lane)
    return made


async def torture(
    wanted: Wanted,
    venue: VenueSide,
    folder: Path,
    *,
    tell: Callable[[str], None],
    exchange_pid: int | None = None,
    kept: Path | None = None,
) -> Result:
    """Play it and judge it. ``kept``: leave the venue's log and the engines' folders there."""
    lanes = _lanes(wanted, venue, folder)
    run = _Run(wanted, venue, lanes=lanes, tell=tell)
    try:
        await run.play(exchange_pid)
        log = venue.log()
        if kept is not None:
            await asyncio.to_thread(_keep, run, log, kept)
        return _result(run, log)
    finally:
        for lane in lanes:
            lane.close()


def _keep(run: _Run, log: list[Line], folder: Path) -> None:
    """For whoever wants to know what happened: the lanes' own disks are about to go."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in log)
    (folder / "log.jsonl").write_text(text, encoding="utf-8")
    for lane in run.lanes:
        source, told = lane.place.folder, lane.errors
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("*.sock"))
        shutil.copy(told, folder / told.name)


def _result(run: _Run, log: list[Line]) -> Result:
    all_rows = [row for lane in run.lanes for row in rows_in(lane, log)]
    judged = [judge(lane, all_rows, log) for lane in run.lanes]
    found = rows(run.lanes, judged)
    found += [held.row() for held in (run.exchange, run.engine) if held.files]
    return Result(found, list(_faults(run, judged)), kills(run.lanes))


def _faults(run: _Run, judged: list[Judged]) -> list[str]:
    found = []
    for lane, one in zip(run.lanes, judged, strict=True):
        found += [f"{v.code} {v.plan_id} at {v.at_ns}: {v.sentence}" for v in one.violations]
        for r in one.recovered:
            if not r.is_cut and r.own_s > COVER_LIMIT_S:
                found.append(f"{r.symbol}: covered {r.own_s:.2f} s after a start")
        for life in lane.kept.lives:
            if life.is_surprise:
                found.append(f"{lane.symbols}: life '{life.end}' ended {life.code}: {life.said}")
        stuck = [plan_id for trader in lane.traders for plan_id in trader.stuck]
        found += [f"{plan_id} never ended" for plan_id in stuck]
        found += [f"books: {text}" for text in run.venue.breaks(lane.place.key)]
    return found
