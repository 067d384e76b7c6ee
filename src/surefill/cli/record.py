"""``surefill record``: past days, or the market as it comes, into files that ``replay`` plays.

What: with ``--from`` (and ``--to``) the quotes and trades of past days by the user's own key, page
by page; with ``--live`` the stream of today. One folder a symbol and day, in Parquet.
Invariants: interrupted or killed, the same command goes on where it was: no row twice, none
missing; a folder that is there is whole. Exit code 0 when everything asked for is there, 3 when
some of it is not over yet or the server would not or could not answer.
Must never: send anything but reads, or write over a recorded day.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Coroutine
from datetime import date
from pathlib import Path
from typing import Any

from surefill.cli.account import load
from surefill.cli.demo_bar import DemoBar
from surefill.cli.exits import Exit
from surefill.cli.output import emit, say, show
from surefill.config import ConfigError, Settings
from surefill.core.fix import Feed
from surefill.core.plan import SYMBOL_PATTERN
from surefill.journal.files import ProcessLock
from surefill.ports import Clock, JournalError
from surefill.runtime.errors import SurefillError
from surefill.runtime.recording import (
    PER_MILLE,
    Job,
    OnProgress,
    Recorded,
    RecordError,
    jobs_of,
    record_live,
    record_past,
    words_of,
)
from surefill.sim.calendar import new_york_date
from surefill.sim.market import TapeError

EXAMPLES = """examples:
  surefill record CRWD AAPL --from 2026-03-02 --to 2026-03-06
  surefill record CRWD --from 2026-03-02 --feed iex --out tapes
  surefill record CRWD AAPL --live --minutes 30
  surefill replay tapes --plans plans.csv"""
OUT = Path("tapes")
ROWS_MAX = 10_000
LOCK = ".recording.lock"
"""Two recorders would give the same number to two parts."""
MINUTE_NS = 60 * 1_000_000_000
FEEDS = {feed.value.lower(): feed for feed in (Feed.SIP, Feed.IEX)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill record``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "symbols", metavar="SYMBOL", nargs="+", type=_symbol, help="tickers, as in CRWD"
    )
    parser.add_argument("--from", dest="first", metavar="DATE", type=_day, help="first day")
    parser.add_argument("--to", dest="last", metavar="DATE", type=_day, help="last day, included")
    parser.add_argument("--live", action="store_true", help="the stream of today instead")
    parser.add_argument(
        "--minutes", metavar="M", type=_count, help="of --live (default: until the close)"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, default=OUT, help=f"default: {OUT}")
    parser.add_argument(
        "--feed",
        choices=tuple(FEEDS),
        help="sip: all venues; iex: one, free (default: as in the settings)",
    )
    parser.add_argument(
        "--all-hours", action="store_true", help="04:00 to 20:00 New York, not the session alone"
    )
    parser.add_argument(
        "--page", metavar="ROWS", type=_count, default=ROWS_MAX, help="rows a request, at most"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a day on stdout")


def run(args: argparse.Namespace) -> int:
    """Record; return an `Exit` code."""
    if args.live == (args.first is not None):
        say("surefill record: give either --from DATE or --live")
        return Exit.USAGE
    try:
        settings = load()
        args.out.mkdir(parents=True, exist_ok=True)
        lock = ProcessLock(args.out.absolute() / LOCK)
        lock.take("surefill record")
        try:
            return asyncio.run(_record(args, settings))
        finally:
            lock.release()
    except (ConfigError, JournalError, TapeError, OSError) as error:
        say(f"surefill record: {error}")
        return Exit.USAGE
    except (RecordError, SurefillError) as error:
        say(f"surefill record: {error}")
        return Exit.UNAVAILABLE
    except KeyboardInterrupt:
        say("surefill record: interrupted; the same command goes on from here")
        return Exit.UNAVAILABLE


async def _record(args: argparse.Namespace, settings: Settings) -> Exit:
    from surefill.runtime.wiring import clock_for

    clock = await clock_for(settings)
    feed = FEEDS[args.feed] if args.feed else settings.data_feed
    now = clock.now_ns()
    first = args.first or new_york_date(now)
    symbols = tuple(dict.fromkeys(args.symbols))
    over, early = jobs_of(symbols, (first, args.last or first), all_hours=args.all_hours, now=now)
    if args.live:
        return await _live(args, settings, early, clock=clock, feed=feed)
    for job in early:
        say(f"surefill record: {job.symbol} {job.date} is not over yet; left out")
    if not over:
        say("surefill record: no day of trading among those dates is over")
        return Exit.UNAVAILABLE if early else Exit.USAGE

    def work(on_progress: OnProgress) -> Coroutine[Any, Any, list[Recorded]]:
        return record_past(
            settings,
            over,
            args.out,
            clock=clock,
            feed=feed,
            rows_max=min(args.page, ROWS_MAX),
            on_progress=on_progress,
        )

    found = await _shown(work, f"{len(over)} symbol-days", len(over) * PER_MILLE)
    _tell(found, args)
    return Exit.UNAVAILABLE if early else Exit.DONE


async def _live(
    args: argparse.Namespace, settings: Settings, jobs: list[Job], *, clock: Clock, feed: Feed
) -> Exit:
    if not jobs:
        say("surefill record: no trading is going on or to come today")
        return Exit.USAGE
    until_ns = jobs[0].window[1]
    if args.minutes:
        until_ns = min(until_ns, clock.now_ns() + args.minutes * MINUTE_NS)

    def work(on_progress: OnProgress) -> Coroutine[Any, Any, list[Recorded]]:
        return record_live(
            settings,
            jobs,
            args.out,
            clock=clock,
            feed=feed,
            until_ns=until_ns,
            on_progress=on_progress,
        )

    _tell(await _shown(work, f"live, {len(jobs)} symbols", PER_MILLE), args)
    return Exit.DONE


async def _shown(
    work: Callable[[OnProgress], Coroutine[Any, Any, list[Recorded]]], text: str, total: int
) -> list[Recorded]:
    with DemoBar() as bar:
        bar.count(text, total)

        def on_progress(done: int, what: str) -> None:
            bar.note(what)
            bar.at(done)

        return await work(on_progress)


def _tell(found: list[Recorded], args: argparse.Namespace) -> None:
    if not args.json:
        show([*words_of(found), f"surefill replay {args.out} plays them."])
        return
    for one in found:
        emit(
            {
                "symbol": one.job.symbol,
                "date": one.job.date,
                "folder": str(one.folder),
                "quotes": one.quotes,
                "prints": one.trades,
                "gaps": one.gaps,
                "counts": one.counts,
                "new": one.is_new,
            }
        )


def _symbol(text: str) -> str:
    """A ticker: it becomes a folder's name."""
    if SYMBOL_PATTERN.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{text} is not a ticker, as in CRWD")
    return text


def _day(text: str) -> int:
    """yyyymmdd of ``2026-03-02``."""
    try:
        return int(date.fromisoformat(text).strftime("%Y%m%d"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a day, as in 2026-03-02") from None


def _count(text: str) -> int:
    """A whole number above 0."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)
