"""The formats that recorded tapes come in, behind one port.

What: `TapeReader` (which days are at a place, and one of them as checked columns) and `READERS`:
our Parquet pairs, LOBSTER's CSV pairs, Databento's DBN files.
Why a port: whatever the vendor, a tape is the same quotes and prints in one order, refused with the
same codes; `tests/contract/test_readers.py` holds every reader to that.
Invariants: a library is imported when the first file of its kind is opened, never before. A folder
is searched by every reader, a file belongs to one.
Must never: open a file that is not of its own kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.selection import Loaded, Selection, TapeDay

if TYPE_CHECKING:
    from types import ModuleType

PARQUET_SUFFIXES = ("_nbbo.parquet", "_quotes_l1.parquet", "_trades.parquet")
LOBSTER_PARTS = ("_message_", "_orderbook_")
DBN_SUFFIXES = (".dbn", ".dbn.zst")


class TapeReader(Protocol):
    """One format."""

    def owns(self, path: Path) -> bool:
        """Whether a file is of this format, by its name."""

    def days(self, paths: Sequence[Path]) -> list[TapeDay]:
        """Every recorded day in these files of its own. Raises `TapeError`."""

    def read(self, day: TapeDay, selection: Selection, *, quotes_first: bool) -> Loaded:
        """The selection as checked columns. Raises `TapeError`."""


class ParquetReader:
    """``X_nbbo`` or ``X_quotes_l1`` with ``X_trades`` (docs/replay.md)."""

    def owns(self, path: Path) -> bool:
        """By its suffix."""
        return path.name.endswith(PARQUET_SUFFIXES)

    def days(self, paths: Sequence[Path]) -> list[TapeDay]:
        """From the name of a partition, else from the columns."""
        from surefill.sim import parquet

        return parquet.days_of(paths)

    def read(self, day: TapeDay, selection: Selection, *, quotes_first: bool) -> Loaded:
        """By row groups."""
        from surefill.sim import parquet

        return parquet.read_columns(
            day.quotes_path, day.trades_path, selection, quotes_first=quotes_first
        )


class LobsterReader:
    """``SYMBOL_DATE_START_END_message_N.csv`` with ``..._orderbook_N.csv``."""

    def owns(self, path: Path) -> bool:
        """By its name."""
        return path.suffix == ".csv" and any(part in path.name for part in LOBSTER_PARTS)

    def days(self, paths: Sequence[Path]) -> list[TapeDay]:
        """From the names."""
        from surefill.sim import lobster

        return lobster.days_of(paths)

    def read(self, day: TapeDay, selection: Selection, *, quotes_first: bool) -> Loaded:
        """One message is one row of both files, so ``quotes_first`` has nothing to decide."""
        from surefill.sim import lobster

        return lobster.read(day, selection)


class DbnReader:
    """``*.dbn`` and ``*.dbn.zst`` of the schemas mbp-1, tbbo and trades."""

    def owns(self, path: Path) -> bool:
        """By its suffix."""
        return path.name.endswith(DBN_SUFFIXES)

    def days(self, paths: Sequence[Path]) -> list[TapeDay]:
        """From the records."""
        return _dbn().days_of(paths)  # type: ignore[no-any-return]

    def read(self, day: TapeDay, selection: Selection, *, quotes_first: bool) -> Loaded:
        """One file holds both, in order: ``quotes_first`` has nothing to decide."""
        return _dbn().read(day, selection)  # type: ignore[no-any-return]


READERS: tuple[TapeReader, ...] = (ParquetReader(), LobsterReader(), DbnReader())


def reader_of(path: Path) -> TapeReader:
    """Who reads this file. Raises `TapeError`."""
    for reader in READERS:
        if reader.owns(path):
            return reader
    names = ", ".join(
        (*(f"X{suffix}" for suffix in PARQUET_SUFFIXES), "X_message_N.csv", "X.dbn", "X.dbn.zst")
    )
    raise TapeError(TapeErrorCode.TAPE_NOT_FOUND, f"a tape file is named {names}", str(path))


def _dbn() -> ModuleType:
    try:
        from surefill.sim import dbn
    except ImportError as error:
        raise TapeError(
            TapeErrorCode.EXTRA_MISSING,
            "DBN files need the extra 'databento': pip install surefill[databento]",
            error.name,
        ) from None
    return dbn
