"""Recorded tapes: one symbol and day of real quotes and prints as a `MarketSource`.

What: `find_tape` and `list_tapes` look a day up by file name and content, `RecordedTape` plays it,
counts what it holds (`report`) and gives it as columns (`columns`). The layouts are Parquet pairs:
``X_nbbo`` or ``X_quotes_l1`` with ``X_trades``; times UTC ns, prices int32 in 1/10000 dollar.
Why: an execution policy is judged on recorded markets; a tape that lies must not be played at all.

Invariants: by default only prints that are fill evidence reach the exchange (docs in `parquet`);
``columns()`` keeps them all, marked. The size of a consolidated quote (``X_nbbo``) is that of one
venue at the best price, not the sum over venues: a fill model that trusts it is conservative.
Must never: import numpy or pyarrow before a tape is opened (extra `tapes`), or repair a tape.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from surefill.sim.market import MarketEvent, TapeError, TapeErrorCode

if TYPE_CHECKING:
    from surefill.sim.columns import TapeColumns, TapeReport

_QUOTE_SUFFIXES = ("_nbbo.parquet", "_quotes_l1.parquet")
_TRADE_SUFFIX = "_trades.parquet"


@dataclass(frozen=True, slots=True)
class TapeDay:
    """Where one recorded day lies: the two files, the symbol and the New York date (yyyymmdd)."""

    quotes_path: Path
    trades_path: Path
    symbol: str
    date: int


class RecordedTape:
    """`MarketSource` of one recorded day, or of the half-open window ``start_ns``..``end_ns``.

    The first event of a window is the first *change* in it; start a minute early to know the
    market at a given instant. ``quotes_first`` chooses the order within one millisecond where the
    tape does not know it (consolidated tapes); results should be shown for both.
    """

    __slots__ = ("_columns", "_dropped", "_market", "day")

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
        from surefill.sim.parquet import Selection, read_columns

        self.day = TapeDay(Path(quotes_path), Path(trades_path), symbol, date)
        self._columns, self._dropped = read_columns(
            self.day.quotes_path,
            self.day.trades_path,
            Selection(symbol, date, start_ns, end_ns),
            quotes_first=quotes_first,
        )
        shown = only_evidence(self._columns) if evidence_only else self._columns
        self._market = ColumnMarket(shown)

    def next_ns(self) -> int | None:
        """Venue time (UTC ns) of the next event; ``None`` at the end."""
        return self._market.next_ns()

    def pop(self) -> MarketEvent:
        """The next quote or print; its ``recv_ns`` is its ``venue_ns`` (travel is the edge's)."""
        return self._market.pop()

    def columns(self) -> TapeColumns:
        """The whole selection as numpy columns, all prints, whatever was popped already."""
        return self._columns

    def report(self) -> TapeReport:
        """What the selection holds, counted: crossed and locked quotes, prints dropped by cause."""
        from surefill.sim.columns import report_of

        return report_of(self._columns, self._dropped)


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


def list_tapes(root: Path | str) -> tuple[TapeDay, ...]:
    """Every recorded day under a folder, or in one quotes or trades file, by path, symbol, date."""
    _require_extra()
    from surefill.sim.parquet import days_in

    days = []
    for quotes_path, trades_path in _pairs(Path(root)):
        for symbol, date in days_in(quotes_path):
            days.append(TapeDay(quotes_path, trades_path, symbol, date))
    return tuple(days)


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


def _pairs(root: Path) -> list[tuple[Path, Path]]:
    """Quotes file and trades file of each tape at ``root``; a quotes file alone is an error."""
    if not root.exists():
        raise TapeError(TapeErrorCode.TAPE_NOT_FOUND, "there is no tape at", str(root))
    if root.is_dir():
        quotes_paths = [
            path for path in sorted(root.rglob("*.parquet")) if path.name.endswith(_QUOTE_SUFFIXES)
        ]
        return [(path, _trades_of(path)) for path in quotes_paths]
    quotes_path = _quotes_of(root) if root.name.endswith(_TRADE_SUFFIX) else root
    return [(quotes_path, _trades_of(quotes_path))]


def _quotes_of(trades_path: Path) -> Path:
    stem = trades_path.name.removesuffix(_TRADE_SUFFIX)
    for suffix in _QUOTE_SUFFIXES:
        path = trades_path.with_name(stem + suffix)
        if path.is_file():
            return path
    raise TapeError(
        TapeErrorCode.TAPE_NOT_FOUND, "no quotes file lies beside the trades file", str(trades_path)
    )


def _trades_of(quotes_path: Path) -> Path:
    for suffix in _QUOTE_SUFFIXES:
        if quotes_path.name.endswith(suffix):
            path = quotes_path.with_name(quotes_path.name.removesuffix(suffix) + _TRADE_SUFFIX)
            if path.is_file():
                return path
            raise TapeError(
                TapeErrorCode.TAPE_NOT_FOUND, "no trades file lies beside the quotes", str(path)
            )
    raise TapeError(
        TapeErrorCode.TAPE_NOT_FOUND,
        f"a tape file is named {' or '.join('X' + suffix for suffix in _QUOTE_SUFFIXES)}",
        str(quotes_path),
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
