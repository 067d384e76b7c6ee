"""Tapes for tests: the recorded ones when they are there, and synthetic twins in the same layout.

`day` gives a recorded day or skips with the reason; `write_twin` writes a synthetic day as the
same Parquet pair, so that every test of a recorded tape also runs where none is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from surefill.sim.columns import Column, TapeColumns
from surefill.sim.profiles import MID
from surefill.sim.scripts import CRWD_SESSION
from surefill.sim.synthetic import PX_UNIT, SyntheticTape
from surefill.sim.tape import TapeDay, find_tape

ROOT = Path(__file__).parents[2]
NANO = 1_000_000_000


def tapes_root() -> Path:
    """Where recorded tapes are looked for."""
    return Path(os.environ.get("SUREFILL_TAPES") or ROOT.parent / "shared" / "tapes")


def day(symbol: str, date: int) -> TapeDay:
    """A recorded day, or a skip that says why."""
    root = tapes_root()
    if not root.is_dir():
        pytest.skip(f"no recorded tapes at {root} (SUREFILL_TAPES); the synthetic twin runs")
    return find_tape(root, symbol, date)


def table_of(columns: Mapping[str, Any], symbol: str, date: int | None) -> pa.Table:
    """A table in the layout of the tapes: int32 in 1/10000 dollar, dictionary of symbols."""
    count = len(next(iter(columns.values())))
    wide = {"ts_ns": pa.int64(), "cond": pa.int64()}
    arrays: dict[str, Any] = {"symbol": pa.array([symbol] * count).dictionary_encode()}
    if date is not None:
        arrays["date"] = pa.array([date] * count, pa.int32())
    for name, values in columns.items():
        if name == "ex":
            arrays[name] = pa.array(values, pa.string()).dictionary_encode()
        else:
            arrays[name] = pa.array(values, wide.get(name, pa.int32()))
    return pa.table(arrays)


def quote_columns(tape: TapeColumns) -> dict[str, object]:
    """Quotes of columns in the units of the files."""
    return {
        "ts_ns": tape.quote_ns,
        "seq": np.arange(len(tape.quote_ns)) + tape_gap(tape),
        "bid_px": tape.bid_px // PX_UNIT,
        "bid_sz": tape.bid_qty // NANO,
        "ask_px": tape.ask_px // PX_UNIT,
        "ask_sz": tape.ask_qty // NANO,
    }


def tape_gap(tape: TapeColumns) -> Column:
    """How many prints precede each quote: makes quotes and prints share one sequence."""
    return np.searchsorted(tape.quotes_before, np.arange(len(tape.quote_ns)), side="right")


def trade_columns(tape: TapeColumns) -> dict[str, object]:
    """Prints of columns in the units of the files; numbered together with the quotes."""
    return {
        "ts_ns": tape.print_ns,
        "seq": tape.quotes_before + np.arange(len(tape.print_ns)),
        "px": tape.print_px // PX_UNIT,
        "sz": tape.print_qty // NANO,
        "side": tape.print_side,
    }


def write_pair(folder: Path, quotes: pa.Table, trades: pa.Table) -> tuple[Path, Path]:
    """Both tables as a pair of files, in small row groups as large files have them."""
    paths = folder / "TWIN_nbbo.parquet", folder / "TWIN_trades.parquet"
    for path, table in zip(paths, (quotes, trades), strict=True):
        pq.write_table(table, path, row_group_size=1_000)
    return paths


def write_twin(folder: Path, tape: SyntheticTape, *, with_date: bool = True) -> TapeDay:
    """A synthetic day as a pair of files in the layout of the recorded tapes."""
    columns = tape.columns()
    date = tape.sessions[0].date
    shown = date if with_date else None
    quotes_path, trades_path = write_pair(
        folder,
        table_of(quote_columns(columns), tape.symbol, shown),
        table_of(trade_columns(columns), tape.symbol, shown),
    )
    return TapeDay(quotes_path, trades_path, tape.symbol, date)


def twin(folder: Path, *, with_date: bool = True) -> TapeDay:
    """A small synthetic day on disk."""
    tape = SyntheticTape(5, "TWIN", CRWD_SESSION, profile=replace(MID, events=4_000))
    return write_twin(folder, tape, with_date=with_date)


def spoilt(found: TapeDay, *, cut: tuple[int, int] | None = None) -> TapeDay:
    """The same day with every tenth quote crossed, or (``cut``) without the rows between two
    instants (UTC ns)."""
    if cut is None:
        table = pq.read_table(found.quotes_path)
        bids = table["bid_px"].to_numpy().copy()
        bids[::10] += 50_000
        at = table.column_names.index("bid_px")
        table = table.set_column(at, "bid_px", pa.array(bids, pa.int32()))
        pq.write_table(table, found.quotes_path)
        return found
    for path in (found.quotes_path, found.trades_path):
        table = pq.read_table(path)
        ns = table["ts_ns"].to_numpy()
        pq.write_table(table.filter(pa.array((ns < cut[0]) | (ns > cut[1]))), path)
    return found
