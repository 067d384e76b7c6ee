"""What a recorded symbol-day is worth: counted, and refused where the counts say that it lies.

What: `quality_of` counts what the regular hours hold (crossed, locked, one-sided and repeated
quotes, prints outside the quote, gaps) and lists what makes the tape suspect; `Quality.check`
refuses a suspect one with every suspicion and its number.
Why two kinds of bad: rows that contradict the format (time backwards, a negative price, a wrong
unit that shows) are refused by the readers and never played; what merely cannot be true of a whole
market (every tenth quote crossed, an hour of silence in a busy stock) may be played by who asks for
it, and knows it then.
Invariants: nothing is repaired or dropped here: blemishes below the bounds are on every real tape
and are played as they happened. Bounds are several times what the worst real tape shows.
Must never: be skipped where a tape becomes a result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surefill.core.session import Session
from surefill.core.units import NANO, US_EQUITY_TICKS, to_text
from surefill.sim.columns import Column, TapeColumns, TapeReport, report_of
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.selection import Loaded

PPM = 1_000_000
CROSSED_PPM_MAX = 10_000
LOCKED_PPM_MAX = 250_000
ONE_SIDED_PPM_MAX = 500_000
REPEATED_PPM_MAX = 50_000
OUTSIDE_PPM_MAX = 200_000
"""Shares of rows. Real regular hours: crossed up to 0.09 %, locked 4.4 %, prints outside 4 %."""
ROWS_MIN = 200
"""Of fewer rows a share says nothing."""
BAD_BOOK_PPM_MAX = 1_000
GAP_NS_MIN = 60 * NANO
GAP_TIMES_MEAN = 200
"""A silence counts as a gap when it is a minute or longer and 200 times the tape's own mean wait:
a thin stock may be quiet for an hour, a busy one not for two minutes."""
UNIT_FACTOR = 8
"""Prints this much above or below the quotes are in another unit (cents, dollars), not far away."""
OFF_TICK_PPM_MAX = 100_000
COARSE_PX = NANO
LOWEST_PX = NANO // 20
"""Under five cents no stock is listed for long: rather dollars that were taken for 1/10000."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A silence that is none of the market's, UTC ns."""

    start_ns: int
    end_ns: int

    def holds(self, ns: int) -> bool:
        """Whether an instant lies within."""
        return self.start_ns < ns < self.end_ns


@dataclass(frozen=True, slots=True)
class Quality:
    """``report`` is about the regular hours; ``beyond_count``: rows of the day outside them, which
    are not played; ``repeated_count``: quotes that stand there twice, time included."""

    report: TapeReport
    date: int
    beyond_count: int
    repeated_count: int
    gaps: tuple[Gap, ...]
    suspicions: tuple[str, ...]

    def check(self) -> None:
        """Raise `TapeError` (``TAPE_SUSPECT``) for a tape that cannot be a whole market."""
        if self.suspicions:
            raise TapeError(
                TapeErrorCode.TAPE_SUSPECT,
                f"the tape of {self.report.symbol} on {self.date} is suspect, and is played with "
                "--allow-bad alone",
                "; ".join(self.suspicions),
            )

    def counts(self) -> dict[str, int]:
        """Every number, by name."""
        report = self.report
        return {
            "quotes": report.quote_count,
            "prints": report.print_count,
            "crossed": report.crossed_count,
            "locked": report.locked_count,
            "one_sided": report.one_sided_count,
            "repeated": self.repeated_count,
            "prints_outside": report.outside_count,
            "gaps": len(self.gaps),
            "beyond_hours": self.beyond_count,
            **{f"no_evidence_{cause}": count for cause, count in report.dropped if count},
            **dict(report.noted),
        }

    def sentence(self) -> str:
        """One line for people."""
        counts = self.counts()
        named = [f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items()]
        quotes, prints, *rest = named
        text = f"Tape {self.report.symbol} {self.date}: {quotes}, {prints}; {', '.join(rest)}"
        return text + "".join(f"; SUSPECT: {one}" for one in self.suspicions)


def quality_of(loaded: Loaded, session: Session) -> Quality:
    """The quality of what was loaded of a session's regular hours."""
    columns = loaded.columns
    report = report_of(columns, loaded.dropped, loaded.noted)
    # Of what the recorder wrote down only what touches the regular hours.
    known = {
        Gap(start_ns, end_ns)
        for start_ns, end_ns in loaded.gaps
        if start_ns < session.close_ns and end_ns > session.open_ns
    }
    gaps = tuple(sorted({*_gaps(columns), *known}, key=lambda gap: (gap.start_ns, gap.end_ns)))
    repeated = _repeated(columns)
    return Quality(
        report=report,
        date=session.date,
        beyond_count=loaded.beyond_count,
        repeated_count=repeated,
        gaps=gaps,
        suspicions=(*_shares(report, repeated), *_units(columns), *_said(gaps), *_noted(report)),
    )


def _repeated(columns: TapeColumns) -> int:
    rows = np.stack(
        [columns.quote_ns, columns.bid_px, columns.bid_qty, columns.ask_px, columns.ask_qty]
    )
    return int((rows[:, 1:] == rows[:, :-1]).all(axis=0).sum())


def _gaps(columns: TapeColumns) -> tuple[Gap, ...]:
    ns = np.sort(np.concatenate([columns.quote_ns, columns.print_ns]))
    if len(ns) < ROWS_MIN:
        return ()
    mean_ns = int(ns[-1] - ns[0]) // (len(ns) - 1)
    waits = ns[1:] - ns[:-1]
    found = np.flatnonzero(waits >= max(GAP_NS_MIN, GAP_TIMES_MEAN * mean_ns))
    return tuple(Gap(int(ns[n]), int(ns[n + 1])) for n in found.tolist())


def _shares(report: TapeReport, repeated: int) -> list[str]:
    bounds = (
        ("crossed quotes", report.crossed_count, report.quote_count, CROSSED_PPM_MAX),
        ("locked quotes", report.locked_count, report.quote_count, LOCKED_PPM_MAX),
        ("one-sided quotes", report.one_sided_count, report.quote_count, ONE_SIDED_PPM_MAX),
        ("repeated quotes", repeated, report.quote_count, REPEATED_PPM_MAX),
        ("prints outside the quote", report.outside_count, report.evidence_count, OUTSIDE_PPM_MAX),
    )
    return [
        f"{count:,} of {total:,} {name}"
        for name, count, total, bound in bounds
        if total >= ROWS_MIN and count * PPM > bound * total
    ]


def _units(columns: TapeColumns) -> list[str]:
    """Prices that can only be right in another unit."""
    is_market = (columns.bid_px > 0) & (columns.bid_px <= columns.ask_px)
    bid_px, ask_px = columns.bid_px[is_market], columns.ask_px[is_market]
    if not len(bid_px):
        return ["no two-sided quote"]
    found = []
    mid_px, print_px = _median(bid_px), _median(columns.print_px)
    is_apart = print_px and not mid_px <= print_px * UNIT_FACTOR <= mid_px * UNIT_FACTOR**2
    if is_apart:
        found.append(f"prints at {to_text(print_px)} where quotes are at {to_text(mid_px)}")
    if mid_px < LOWEST_PX:
        found.append(f"quotes at {to_text(mid_px)} USD: another unit?")
    prices = np.concatenate([bid_px, ask_px])
    tick_px = US_EQUITY_TICKS.tick_at(mid_px)
    off = int((prices % tick_px != 0).sum())
    if len(prices) >= ROWS_MIN and off * PPM > OFF_TICK_PPM_MAX * len(prices):
        found.append(f"{off:,} of {len(prices):,} prices between ticks: another unit?")
    if len(np.unique(prices)) >= ROWS_MIN and int(np.gcd.reduce(prices)) >= COARSE_PX:
        found.append("every price a whole number of dollars: another unit?")
    return found


def _median(values: Column) -> int:
    """The middle value; 0 of none."""
    return int(np.partition(values, len(values) // 2)[len(values) // 2]) if len(values) else 0


def _said(gaps: tuple[Gap, ...]) -> list[str]:
    if not gaps:
        return []
    longest = max(gaps, key=lambda gap: gap.end_ns - gap.start_ns)
    seconds = (longest.end_ns - longest.start_ns) // NANO
    return [f"{len(gaps)} gaps, the longest {seconds:,} s from {longest.start_ns} ns"]


def _noted(report: TapeReport) -> list[str]:
    """What the format says against itself."""
    noted = dict(report.noted)
    found = []
    if noted.get("maybe_bad_book", 0) * PPM > BAD_BOOK_PPM_MAX * max(1, report.quote_count):
        found.append(f"{noted['maybe_bad_book']:,} records whose book the vendor doubts")
    if "halt_messages" in noted:
        found.append(f"{noted['halt_messages']:,} halt messages, which are not played")
    if "unreadable_rows" in noted:
        found.append(f"{noted['unreadable_rows']:,} rows that the recorder could not read")
    if "quotes_only_at_trades" in noted:
        found.append("quotes only where there were trades")
    return found
