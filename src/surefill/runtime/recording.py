"""Records the market to disk: past days page by page, or the stream as it comes.

What: `jobs_of` (which symbol-days, and which are not over yet), `record_past` and `record_live`.
Why here: it joins a broker's reads to the layout of tapes, which know nothing of each other.
Invariants: a page is on disk before the next one is asked for; a day is whole or it is not there;
what was not heard is written down as a gap, also the time in which this program did not run.
Must never: send anything but reads.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.endpoints import EndpointError, Endpoints, endpoints_of
from surefill.brokers.alpaca.live_tape import LiveTape
from surefill.brokers.alpaca.past import PastMarket, PastRefused
from surefill.brokers.alpaca.stream import Stream
from surefill.brokers.alpaca.translate.past import LOTS_BEFORE, PastKind, PastTrade
from surefill.config import Settings
from surefill.core.fix import Feed
from surefill.core.market import Nbbo
from surefill.core.session import Session
from surefill.ports import Clock
from surefill.sim.calendar import us_equity_calendar
from surefill.sim.recording import DayFolder

LEAD_NS = 60 * 1_000_000_000
"""Before the open and after the close: the quote at the open is older than the open."""
SUFFIXES = {Feed.SIP: "nbbo"}
ONE_VENUE = "quotes_l1"
TICK_S, DEAD_TICKS = 0.5, 20
FLUSH_ROWS = 5_000
FLUSH_S = 1.0
"""What a kill may cost of a live recording; it is written down as a gap."""
PER_MILLE = 1_000

OnProgress = Callable[[int, str], None]
"""Is told how many thousandths of the work are done, and what is being done."""


class RecordError(Exception):
    """Nothing can be recorded; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """One symbol-day. ``window``: UTC ns, both ends included."""

    symbol: str
    date: int
    window: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a symbol-day: its folder, rows, what was counted, gaps; ``is_new``: it was not
    there before."""

    job: Job
    folder: Path
    quotes: int
    trades: int
    counts: dict[str, int]
    gaps: int
    is_new: bool


def jobs_of(
    symbols: Sequence[str], dates: tuple[int, int], *, all_hours: bool, now: int
) -> tuple[list[Job], list[Job]]:
    """(symbol-days that are over, those that are not yet), by day, then symbol."""
    over: list[Job] = []
    early: list[Job] = []
    for session in us_equity_calendar(*dates).sessions:
        window = window_of(session, all_hours=all_hours)
        for symbol in symbols:
            (over if window[1] <= now else early).append(Job(symbol, session.date, window))
    return over, early


def window_of(session: Session, *, all_hours: bool) -> tuple[int, int]:
    """Regular hours with a minute on both sides, or pre-market to post-market."""
    if all_hours:
        return session.pre_ns, session.post_ns
    return session.open_ns - LEAD_NS, session.close_ns + LEAD_NS


def folder_of(root: Path, job: Job, feed: Feed, *, word: str = "recording") -> DayFolder:
    """Where a symbol-day goes: a consolidated feed is an NBBO, another one venue's touch."""
    suffix = SUFFIXES.get(feed, ONE_VENUE)
    return DayFolder(root, job.symbol, job.date, suffix=suffix, word=word)


async def record_past(
    settings: Settings,
    jobs: Sequence[Job],
    root: Path,
    *,
    clock: Clock,
    feed: Feed,
    rows_max: int,
    on_progress: OnProgress,
) -> list[Recorded]:
    """Every job, one after the other; what is there already is left alone. Raises `RecordError`."""
    done: list[Recorded] = []
    waits: list[str] = []

    def on_wait(why: str, until_ns: int) -> None:
        seconds = max(0, until_ns - clock.now_ns()) // 1_000_000_000
        waits.append(why)
        on_progress(len(done) * PER_MILLE, f"waiting {seconds} s: {why}")

    endpoints, credentials = _access(settings, feed)
    async with PastMarket(
        endpoints=endpoints,
        credentials=credentials,
        feed=feed,
        clock=clock,
        sleep=asyncio.sleep,
        on_wait=on_wait,
        rows_max=rows_max,
    ) as market:
        for n, job in enumerate(jobs):
            folder = folder_of(root, job, feed)
            is_new = not folder.is_whole
            if is_new:
                await _record_day(market, folder, job, progress=(n * PER_MILLE, on_progress))
            done.append(_finish(folder, job, feed, source="history", is_new=is_new))
            on_progress(len(done) * PER_MILLE, f"{job.symbol} {job.date}")
    return done


async def _record_day(
    market: PastMarket, folder: DayFolder, job: Job, *, progress: tuple[int, OnProgress]
) -> None:
    """All pages of a day that are not there yet. Raises `RecordError`."""
    base, on_progress = progress
    try:
        for n, kind in enumerate(PastKind):
            at = (base + n * PER_MILLE // 2, on_progress)
            await _record_kind(market, folder, job, kind=kind, progress=at)
    except (PastRefused, ConnectionError) as error:
        raise RecordError(f"{error}; what was recorded is kept, ask again") from None


async def _record_kind(
    market: PastMarket,
    folder: DayFolder,
    job: Job,
    *,
    kind: PastKind,
    progress: tuple[int, OnProgress],
) -> None:
    """All pages of one kind that are not there yet."""
    base, on_progress = progress
    known = folder.progress(kind)
    while not known.is_done:
        page = await market.page(kind, job.symbol, job.window, token=known.token)
        folder.add(
            kind,
            page.rows,  # type: ignore[arg-type]
            token=page.token,
            is_done=page.token is None,
            unreadable=len(page.unreadable),
        )
        known = folder.progress(kind)
        start_ns, end_ns = job.window
        through = ((known.last_ns or start_ns) - start_ns) * PER_MILLE // (end_ns - start_ns)
        text = f"{job.symbol} {job.date}: {known.rows:,} {kind.value}"
        on_progress(base + through // 2, text)


def _finish(
    folder: DayFolder, job: Job, feed: Feed, *, source: str, is_new: bool = True
) -> Recorded:
    about = {"feed": feed.value, "source": source, "window": list(job.window)}
    said = folder.finish(about, may_be_lots=job.date < LOTS_BEFORE)
    return _recorded(folder, job, said, is_new=is_new)


def _recorded(folder: DayFolder, job: Job, said: dict[str, object], *, is_new: bool) -> Recorded:
    counts, gaps = said["counts"], said["gaps"]
    assert isinstance(counts, dict)
    assert isinstance(gaps, list)
    return Recorded(
        job=job,
        folder=folder.whole,
        quotes=int(str(said["quotes"])),
        trades=int(str(said["trades"])),
        counts={str(name): int(count) for name, count in counts.items()},
        gaps=len(gaps),
        is_new=is_new,
    )


def _access(settings: Settings, feed: Feed) -> tuple[Endpoints, Credentials]:
    """Raises `RecordError`."""
    if not settings.key_id:
        raise RecordError("there are no keys: they stand in the environment or in .env")
    try:
        endpoints = endpoints_of(settings.base_url, feed=feed)
    except EndpointError as error:
        raise RecordError(f"{error}. Nothing was sent") from None
    key_id, secret = settings.key_id.reveal(), settings.secret_key.reveal()
    return endpoints, Credentials(key_id=key_id, secret=secret)


# -- live -------------------------------------------------------------------------------------


class LiveRecorder:
    """Rows of the stream, kept by symbol until they are a part. ``rows``: kept so far."""

    def __init__(self, folders: dict[str, DayFolder], clock: Clock) -> None:
        self._folders = folders
        self._clock = clock
        self._waiting: dict[tuple[str, PastKind], list[Nbbo | PastTrade]] = defaultdict(list)
        self.rows = 0
        self.gaps = 0
        for folder in folders.values():
            known = [folder.progress(kind).last_ns for kind in PastKind]
            before = [ns for ns in known if ns is not None]
            if before:
                self._gap(folder, (max(before), clock.now_ns()), why="the recorder did not run")

    def on_row(self, symbol: str, kind: PastKind, row: Nbbo | PastTrade) -> None:
        """Keep a row; a full part is written at once."""
        some = self._waiting[symbol, kind]
        some.append(row)
        self.rows += 1
        if len(some) >= FLUSH_ROWS:
            self._write(symbol, kind)

    def on_gap(self, start_ns: int, end_ns: int, why: str) -> None:
        """Nothing was heard of any symbol."""
        for folder in self._folders.values():
            self._gap(folder, (start_ns, end_ns), why=why)

    def flush(self) -> None:
        """Write what waits."""
        for symbol, kind in list(self._waiting):
            self._write(symbol, kind)

    def _write(self, symbol: str, kind: PastKind) -> None:
        rows = self._waiting.pop((symbol, kind), [])
        if rows:
            self._folders[symbol].add(kind, rows)  # type: ignore[arg-type]

    def _gap(self, folder: DayFolder, span: tuple[int, int], *, why: str) -> None:
        folder.gap(*span, why)
        self.gaps += 1


async def record_live(
    settings: Settings,
    jobs: Sequence[Job],
    root: Path,
    *,
    clock: Clock,
    feed: Feed,
    until_ns: int,
    on_progress: OnProgress,
) -> list[Recorded]:
    """Record the stream until ``until_ns`` (UTC ns), then make the days of it. Cancelled, it leaves
    parts that the next call goes on with. Raises `RecordError`."""
    folders = {job.symbol: folder_of(root, job, feed, word="live") for job in jobs}
    whole = [folder.whole for folder in folders.values() if folder.is_whole]
    if whole:
        raise RecordError(f"{whole[0]} is there already")
    recorder = LiveRecorder(folders, clock)
    endpoints, credentials = _access(settings, feed)
    tape = LiveTape(
        credentials=credentials,
        symbols=list(folders),
        clock=clock,
        on_row=recorder.on_row,
        on_gap=recorder.on_gap,
    )
    stream = Stream(
        url=endpoints.market_stream_url,
        handler=tape,
        sleep=asyncio.sleep,
        random=Random(0),
        tick_s=TICK_S,
        dead_ticks=DEAD_TICKS,
    )
    task = asyncio.create_task(stream.run())
    began_ns = clock.now_ns()
    with _flushed(recorder):
        try:
            while (now := clock.now_ns()) < until_ns:
                done = (now - began_ns) * PER_MILLE // max(1, until_ns - began_ns)
                on_progress(done, f"{recorder.rows:,} rows, {recorder.gaps} gaps")
                await asyncio.sleep(min(FLUSH_S, (until_ns - now) * 1e-9))
                recorder.flush()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            tape.close()
    if tape.unreadable:
        for folder in folders.values():
            folder.add(PastKind.QUOTES, (), unreadable=tape.unreadable)
    return [_finish(folders[job.symbol], job, feed, source="stream") for job in jobs]


@contextmanager
def _flushed(recorder: LiveRecorder) -> Iterator[None]:
    """What was heard is kept however this ends."""
    try:
        yield
    finally:
        recorder.flush()


def words_of(recorded: Iterable[Recorded]) -> list[str]:
    """A line for people about each symbol-day."""
    lines = []
    for one in recorded:
        counts = "".join(f", {name.replace('_', ' ')} {n:,}" for name, n in one.counts.items())
        state = "recorded" if one.is_new else "was there"
        lines.append(
            f"{one.job.symbol} {one.job.date}: {state}, {one.quotes:,} quotes, {one.trades:,} "
            f"prints, {one.gaps} gaps{counts}"
        )
    return lines
