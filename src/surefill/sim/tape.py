"""Recorded tapes: one symbol and day of real quotes and prints as a `MarketSource`.

What: `find_tape` and `list_tapes` look a day up by file name and content, `RecordedTape` plays it,
counts what it holds (`report`) and gives it as columns (`columns`). Our own layout are Parquet
pairs: ``X_nbbo`` or ``X_quotes_l1`` with ``X_trades``; times UTC ns, prices int32 in 1/10000
dollar. What else can be read is in `readers`.
Why: an execution policy is judged on recorded markets; a tape that lies must not be played at all.

Invariants: by default only prints that are fill evidence reach the exchange (docs in `parquet`);
``columns()`` keeps them all, marked. The size of a consolidated quote (``X_nbbo``) is that of one
venue at the best price, not the sum over venues: a fill model that trusts it is conservative.
Must never: import numpy or pyarrow before a tape is opened (extra `tapes`), or repair a tape.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from surefill.sim.market import MarketEvent, TapeError, TapeErrorCode
from surefill.sim.readers import READERS, TapeReader, reader_of
from surefill.sim.selection import Selection, TapeDay

if TYPE_CHECKING:
    from surefill.core.session import Session
    from surefill.sim.columns import TapeColumns, TapeReport
    from surefill.sim.quality import Quality

OnBadFile = Callable[[Path, TapeError], None]
__all__ = ("RecordedTape", "TapeDay", "find_tape", "list_tapes", "open_tape")


class RecordedTape:
    """`MarketSource` of one recorded day, or of the half-open window ``start_ns``..``end_ns``.

    The first event of a window is the first *change* in it; start a minute early to know the
    market at a given instant. ``quotes_first`` chooses the order within one millisecond where the
    tape does not know it (consolidated tapes); results should be shown for both.
    """

    __slots__ = ("_loaded", "_market", "day")

    def __init__(
        self,
        quotes_path: Path | str,
        trades_path: Path | str,
        *,
        symbol: str,
        date: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        quotes_first: bool = False,
        evidence_only: bool = True,
    ) -> None:
        _require_extra()
        from surefill.sim.columns import ColumnMarket, only_evidence

        self.day = TapeDay(Path(quotes_path), Path(trades_path), symbol, date)
        self._loaded = reader_of(self.day.quotes_path).read(
            self.day, Selection(symbol, date, start_ns, end_ns), quotes_first=quotes_first
        )
        columns = self._loaded.columns
        self._market = ColumnMarket(only_evidence(columns) if evidence_only else columns)

    def next_ns(self) -> int | None:
        """Venue time (UTC ns) of the next event; ``None`` at the end."""
        return self._market.next_ns()

    def pop(self) -> MarketEvent:
        """The next quote or print; its ``recv_ns`` is its ``venue_ns`` (travel is the edge's)."""
        return self._market.pop()

    def columns(self) -> TapeColumns:
        """The whole selection as numpy columns, all prints, whatever was popped already."""
        return self._loaded.columns

    def quality(self, session: Session) -> Quality:
        """What it is worth; the window should be the session's regular hours."""
        from surefill.sim.quality import quality_of

        return quality_of(self._loaded, session)

    def report(self) -> TapeReport:
        """What the selection holds, counted: crossed and locked quotes, prints dropped by cause."""
        from surefill.sim.columns import report_of

        return report_of(self._loaded.columns, self._loaded.dropped, self._loaded.noted)


def open_tape(
    day: TapeDay,
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    quotes_first: bool = False,
    evidence_only: bool = True,
) -> RecordedTape:
    """The tape of a day that was found; arguments as for `RecordedTape`."""
    return RecordedTape(
        day.quotes_path,
        day.trades_path,
        symbol=day.symbol,
        date=day.date,
        start_ns=start_ns,
        end_ns=end_ns,
        quotes_first=quotes_first,
        evidence_only=evidence_only,
    )


def list_tapes(root: Path | str, *, on_bad: OnBadFile | None = None) -> tuple[TapeDay, ...]:
    """Every recorded day under a folder, or in one file of a tape, by path, symbol, date.

    A file that cannot be used raises `TapeError`; with ``on_bad`` it is told and passed over.
    """
    _require_extra()
    place = Path(root)
    if not place.exists():
        raise TapeError(TapeErrorCode.TAPE_NOT_FOUND, "there is no tape at", str(root))
    if not place.is_dir():
        return tuple(_days_of(reader_of(place), [place], on_bad))
    # What is hidden is being recorded, and no tape yet.
    files = [
        path
        for path in sorted(place.rglob("*"))
        if path.is_file() and not any(part[0] == "." for part in path.relative_to(place).parts)
    ]
    found: list[TapeDay] = []
    for reader in READERS:
        own = [path for path in files if reader.owns(path)]
        found += _days_of(reader, own, on_bad)
    return tuple(sorted(found, key=lambda day: (day.quotes_path, day.symbol, day.date)))


def _days_of(reader: TapeReader, paths: list[Path], on_bad: OnBadFile | None) -> list[TapeDay]:
    if on_bad is None:
        return reader.days(paths) if paths else []
    # Either file of a pair names the day, and what is wrong with it.
    found: dict[TapeDay, None] = {}
    told: set[str] = set()
    for path in paths:
        try:
            found |= dict.fromkeys(reader.days([path]))
        except TapeError as error:
            if error.code is TapeErrorCode.EXTRA_MISSING:
                raise
            if str(error) not in told:
                told.add(str(error))
                on_bad(path, error)
    return list(found)


def find_tape(root: Path | str, symbol: str, date: int) -> TapeDay:
    """The first recorded day of ``symbol`` on ``date`` (yyyymmdd) under ``root``, by path."""
    days = list_tapes(root)
    for day in days:
        if (day.symbol, day.date) == (symbol, date):
            return day
    raise TapeError(
        TapeErrorCode.TAPE_NOT_FOUND,
        f"no tape of {symbol} on {date} among {len(days)} recorded days",
        str(root),
    )


def _require_extra() -> None:
    try:
        import numpy
        import pyarrow
    except ImportError as error:
        raise TapeError(
            TapeErrorCode.EXTRA_MISSING,
            "recorded tapes need the extra 'tapes': pip install surefill[tapes]",
            error.name,
        ) from None
    assert numpy.__version__
    assert pyarrow.__version__
