"""A symbol-day on its way to disk: pages as parts, then one whole partition, or nothing.

What: `DayFolder` keeps parts of quotes and trades in ``ROOT/symbol=S/.recording-D/`` and makes
``ROOT/symbol=S/date=D/`` of them (quotes, trades, ``record.json``), in the layout of `parquet`.
Why parts that carry their token: a part appears by one rename, and says itself where to go on; so a
kill at any instant loses at most the page that was not yet kept, and repeats none.
Invariants: a partition appears complete, by one rename of its folder; a part is never changed. Rows
that the layout cannot hold are counted in ``record.json``: nothing is left out in silence.
Import lazily: it needs the extra `tapes`. Must never: overwrite a partition.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from surefill.core.market import Nbbo, Print
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.parquet import FINER, PX_UNIT, WITHDRAWN
from surefill.sim.selection import RECORD

QUOTES, TRADES = "quotes", "trades"
KINDS = (QUOTES, TRADES)
GAPS = "gaps.jsonl"
PX_MAX = 2**31 - 1
LOT = 100
ROW_GROUP = 65_536
NANO = 1_000_000_000
_META = b"surefill"
_INT32 = ("bid_px", "bid_sz", "ask_px", "ask_sz", "px", "sz", "side")
_SCHEMAS = {
    QUOTES: ("ts_ns", "bid_px", "bid_sz", "ask_px", "ask_sz"),
    TRADES: ("ts_ns", "px", "sz", "side", "ex", "conditions", "cond"),
}

CONDITION_BITS: Mapping[str, int] = {
    "T": 0x2000,
    "U": 0x2000,
    "W": 0x100000,
    "4": 0x200,
    "L": 0x800,
    "Z": 0x800,
    "P": 0x2000000,
    "M": 0x1000000,
    "Q": 0x4000000,
}
"""A letter of the tapes (CTA, UTP) -> the bit of `parquet.NO_EVIDENCE` that means the same."""
CTA_AVERAGE = "B"
"""Average price on tapes A and B; on tape C the letter means bunched, which is ordinary."""
TAKEN_BACK = frozenset({"canceled", "incorrect"})


class TradeRow(Protocol):
    """A print with the tape's own letters."""

    @property
    def print_(self) -> Print:
        """Price, size, time."""

    @property
    def exchange(self) -> str:
        """The tape's letter; D is off-exchange."""

    @property
    def conditions(self) -> str:
        """The tape's letters, one after the other."""

    @property
    def tape(self) -> str:
        """A, B or C."""

    @property
    def update(self) -> str:
        """Whether it was taken back."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one kind is. ``token``: of the next page; ``last_ns``: time of the newest row."""

    parts: int = 0
    rows: int = 0
    token: str | None = None
    is_done: bool = False
    last_ns: int | None = None


class DayFolder:
    """One symbol and New York date (yyyymmdd) under ``root``. ``suffix``: `nbbo` for a consolidated
    feed, `quotes_l1` for that of one venue."""

    def __init__(
        self, root: Path, symbol: str, date: int, *, suffix: str, word: str = "recording"
    ) -> None:
        """``word``: names the parts, so that two ways of recording do not mix."""
        self.symbol, self.date = symbol, date
        self._suffix = suffix
        self.whole = root.joinpath(f"symbol={symbol}", f"date={date}")
        self.parts = root.joinpath(f"symbol={symbol}", f".{word}-{date}")

    @property
    def is_whole(self) -> bool:
        """Whether the partition is there."""
        return self.whole.is_dir()

    def progress(self, kind: str) -> Progress:
        """What the parts of a kind say. Raises `TapeError` when one is missing or damaged."""
        found = Progress()
        for n, path in enumerate(self._parts(kind)):
            if path != self._part(kind, n):
                raise TapeError(TapeErrorCode.TAPE_NOT_FOUND, "a part is missing", str(path))
            meta = _meta(path)
            found = Progress(
                parts=n + 1,
                rows=found.rows + meta["rows"],
                token=meta["token"],
                is_done=meta["done"],
                last_ns=meta["last_ns"] if meta["last_ns"] is not None else found.last_ns,
            )
        return found

    def add(
        self,
        kind: str,
        rows: Sequence[Nbbo] | Sequence[TradeRow],
        *,
        token: str | None = None,
        is_done: bool = False,
        unreadable: int = 0,
    ) -> None:
        """Keep a page and where to go on. Raises `TapeError` for a price the layout cannot hold."""
        counts: Counter[str] = Counter()
        table = _quote_table(rows, counts) if kind == QUOTES else _trade_table(rows, counts)  # type: ignore[arg-type]
        if unreadable:
            counts["unreadable_rows"] = unreadable
        meta = {
            "rows": table.num_rows,
            "token": token,
            "done": is_done,
            "last_ns": int(table["ts_ns"][-1].as_py()) if table.num_rows else None,
            "counts": dict(counts),
        }
        self.parts.mkdir(parents=True, exist_ok=True)
        number = len(self._parts(kind))
        text = json.dumps(meta).encode()
        _write(self._part(kind, number), table.replace_schema_metadata({_META: text}))

    def gap(self, start_ns: int, end_ns: int, why: str) -> None:
        """Write down a time (UTC ns) in which nothing was recorded."""
        self.parts.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"start_ns": start_ns, "end_ns": end_ns, "why": why})
        with self.parts.joinpath(GAPS).open("a", encoding="utf-8") as file:
            # The newline before: what a kill left without an end stays a line of its own.
            file.write(f"\n{line}\n")
            file.flush()
            os.fsync(file.fileno())

    def finish(self, about: Mapping[str, object], *, may_be_lots: bool = False) -> dict[str, Any]:
        """Make the partition of the parts, once; what ``record.json`` says. ``about``: of it.
        ``may_be_lots``: quotes that are not all multiples of 100 are in lots of 100 shares."""
        if self.is_whole:
            shutil.rmtree(self.parts, ignore_errors=True)  # a kill came between the last two steps
            found: dict[str, Any] = json.loads(
                self.whole.joinpath(RECORD).read_text(encoding="utf-8")
            )
            return found
        made = self.parts.joinpath("whole")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        said: dict[str, Any] = {"symbol": self.symbol, "date": self.date, **about}
        counts: Counter[str] = Counter()
        for kind in KINDS:
            name = self._suffix if kind == QUOTES else TRADES
            table = self._merged(kind, counts)
            if kind == QUOTES and may_be_lots:
                table = _in_shares(table, counts)
            said[kind] = table.num_rows
            _write(made.joinpath(f"{self.symbol}_{name}.parquet"), table)
        said["counts"] = dict(counts)
        said["gaps"] = self._gaps()
        text = json.dumps(said, indent=1)
        _replaced(made.joinpath(RECORD), text.encode())
        _sync_folder(made)
        made.rename(self.whole)
        _sync_folder(self.whole.parent)
        shutil.rmtree(self.parts)
        return said

    def _gaps(self) -> list[dict[str, Any]]:
        path = self.parts.joinpath(GAPS)
        if not path.exists():
            return []
        found = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line:
                continue
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # a kill cut the last line off; the next start wrote its gap anew
        return found

    def _merged(self, kind: str, counts: Counter[str]) -> Any:
        """All parts as one table in order of time, in the layout of `parquet`."""
        tables = []
        for part in self._parts(kind):
            counts.update(_meta(part)["counts"])
            tables.append(pq.read_table(part))
        table = pa.concat_tables(tables) if tables else _empty(kind)
        ns = table["ts_ns"].to_numpy()
        late = int((ns[1:] < ns[:-1]).sum())
        if late:
            counts[f"late_{kind}"] += late
            table = table.take(np.argsort(ns, kind="stable"))
        rows = table.num_rows
        head = {
            "symbol": pa.array([self.symbol] * rows, pa.string()).dictionary_encode(),
            "date": pa.array(np.full(rows, self.date, dtype=np.int32)),
            "ts_ns": table["ts_ns"],
            "seq": pa.array(np.arange(rows, dtype=np.int64)),
        }
        rest = {name: table[name] for name in _SCHEMAS[kind] if name != "ts_ns"}
        return pa.table(head | rest)

    def _part(self, kind: str, number: int) -> Path:
        return self.parts.joinpath(f"{kind}-{number:06d}.part")

    def _parts(self, kind: str) -> list[Path]:
        return sorted(self.parts.glob(f"{kind}-*.part"))


def _in_shares(table: Any, counts: Counter[str]) -> Any:
    """Sizes in lots of 100 become shares, and are counted; sizes in shares stay."""
    sizes = {name: table[name].to_numpy() for name in ("bid_sz", "ask_sz")}
    if not any((values % LOT).any() for values in sizes.values()):
        return table
    counts["quote_sizes_were_lots"] += table.num_rows
    for name, values in sizes.items():
        shares = pa.array((values.astype(np.int64) * LOT).clip(max=PX_MAX), pa.int64())
        at = table.column_names.index(name)
        table = table.set_column(at, name, shares.cast(pa.int32()))
    return table


def _quote_table(rows: Iterable[Nbbo], counts: Counter[str]) -> Any:
    columns: dict[str, list[Any]] = {name: [] for name in _SCHEMAS[QUOTES]}
    for nbbo in rows:
        columns["ts_ns"].append(nbbo.venue_ns)
        for side in ("bid", "ask"):
            px, qty = getattr(nbbo, f"{side}_px"), getattr(nbbo, f"{side}_qty")
            if px % PX_UNIT:
                counts["quotes_finer_than_layout"] += 1
            # A bid is not better, an ask not cheaper than it was.
            units = px // PX_UNIT if side == "bid" else -(-px // PX_UNIT)
            columns[f"{side}_px"].append(_held(units, px))
            columns[f"{side}_sz"].append(qty // NANO)
    return _table(QUOTES, columns)


def _trade_table(rows: Iterable[TradeRow], counts: Counter[str]) -> Any:
    columns: dict[str, list[Any]] = {name: [] for name in _SCHEMAS[TRADES]}
    for row in rows:
        px, qty = row.print_.px, row.print_.qty // NANO
        if not qty:
            counts["prints_of_less_than_a_share"] += 1
            continue
        columns["ts_ns"].append(row.print_.venue_ns)
        columns["px"].append(_held(px // PX_UNIT, px))
        columns["sz"].append(qty)
        columns["side"].append(0)
        columns["ex"].append(row.exchange)
        columns["conditions"].append(row.conditions)
        columns["cond"].append(condition_bits(row))
    return _table(TRADES, columns)


def condition_bits(row: TradeRow) -> int:
    """What of a print's letters says that it proves no fill, as the bits of `parquet`."""
    bits = 0
    for letter in row.conditions:
        bits |= CONDITION_BITS.get(letter, 0)
        if letter == CTA_AVERAGE and row.tape != "C":
            bits |= CONDITION_BITS["W"]
    if row.update in TAKEN_BACK:
        bits |= WITHDRAWN
    return bits | (FINER if row.print_.px % PX_UNIT else 0)


def _held(units: int, px: int) -> int:
    if units > PX_MAX:
        raise TapeError(
            TapeErrorCode.TAPE_BAD_VALUE, "the layout holds prices up to 214,748.3647 USD", px
        )
    return units


def _table(kind: str, columns: Mapping[str, list[Any]]) -> Any:
    return pa.table({name: pa.array(columns[name], _type(name)) for name in _SCHEMAS[kind]})


def _empty(kind: str) -> Any:
    return _table(kind, {name: [] for name in _SCHEMAS[kind]})


def _type(name: str) -> Any:
    if name in _INT32:
        return pa.int32()
    return pa.string() if name in ("ex", "conditions") else pa.int64()


def _meta(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(pq.read_schema(path).metadata[_META])
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise TapeError(
            TapeErrorCode.TAPE_UNREADABLE, f"the part {path.name} is damaged", str(error)
        ) from error
    return found


def _write(path: Path, table: Any) -> None:
    """A Parquet file that is there completely or not at all."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        pq.write_table(table, file, row_group_size=ROW_GROUP)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    _sync_folder(path.parent)


def _replaced(path: Path, data: bytes) -> None:
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)


def _sync_folder(folder: Path) -> None:
    """Let the names in a folder survive a loss of power."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
