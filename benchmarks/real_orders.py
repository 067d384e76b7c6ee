"""Real orders and the market around them, from the tapes' ``orders``, ``quotes_l1`` and ``trades``.

What: `days_of` gives, day by day, the events of one symbol in the order of the venue's sequence and
the fate of every displayed order that was entered at or inside the best price.
Must never: let a fate reach what is judged by it; `Real.executions` serve to take an order's own
shares out of what is displayed, and for nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.sim.tapes import tapes_root

SETS = {
    "CSCO": ("l3/CSCO_YHOO_2003", "chosen on"),
    "YHOO": ("l3/CSCO_YHOO_2003", "check"),
    "AAPL": ("lobster2012/AAPL_1h", "check"),
}
"""Symbol -> where its files are, and what for."""


@dataclass(frozen=True, slots=True)
class Event:
    """One instant of a symbol-day: a print, the best prices after it, or both."""

    seq: int
    ts_ns: int
    trade: tuple[int, int] | None
    quote: tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True)
class Real:
    """A displayed order and its fate. Prices in 1/10000 USD, sizes in shares."""

    order_id: int
    ts_ns: int
    seq: int
    sign: int
    px: int
    size: int
    before: tuple[int, int]
    filled_ns: int | None
    canceled_ns: int | None
    executions: tuple[tuple[int, int], ...]

    @property
    def is_join(self) -> bool:
        """At the best price; the others improved it."""
        return self.px == (self.before[0] if self.sign > 0 else self.before[1])


def days_of(symbol: str, days: int | None = None) -> Iterator[tuple[list[Event], list[Real]]]:
    """The first ``days`` of a symbol (default all): its events in sequence, and its orders."""
    stem = tapes_root() / SETS[symbol][0]
    rows = {
        kind: pq.read_table(f"{stem}_{kind}.parquet", filters=[("symbol", "=", symbol)])
        for kind in ("orders", "quotes_l1", "trades")
    }
    dates = {int(date or 0) for date in rows["orders"]["date"].to_pylist()}
    for date in sorted(dates)[:days]:
        of_day = {kind: _columns(table_, date) for kind, table_ in rows.items()}
        executions: dict[int, list[tuple[int, int]]] = defaultdict(list)
        trades = of_day["trades"]
        for order_id, seq, size in zip(
            trades["order_id"], trades["seq"], trades["sz"], strict=True
        ):
            executions[order_id].append((seq, size))
        yield _events(of_day["quotes_l1"], trades), list(_orders(of_day["orders"], executions))


def _columns(rows: Any, date: int) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = rows.filter(pc.field("date") == date).to_pydict()
    return found


def _events(quotes: dict[str, list[Any]], trades: dict[str, list[Any]]) -> list[Event]:
    prints = {
        seq: (ts, (px, size))
        for seq, ts, px, size in zip(
            trades["seq"], trades["ts_ns"], trades["px"], trades["sz"], strict=True
        )
    }
    names = ("bid_px", "bid_sz", "ask_px", "ask_sz")
    best = {
        seq: (ts, values)
        for seq, ts, *values in zip(
            quotes["seq"], quotes["ts_ns"], *(quotes[name] for name in names), strict=True
        )
    }
    found = []
    for seq in sorted({*prints, *best}):
        ts_ns = (prints.get(seq) or best[seq])[0]
        trade = prints[seq][1] if seq in prints else None
        quote = best[seq][1] if seq in best else None
        found.append(Event(seq, ts_ns, trade, None if quote is None else tuple(quote)))
    return found


def _orders(
    rows: dict[str, list[Any]], executions: dict[int, list[tuple[int, int]]]
) -> Iterator[Real]:
    for n, order_id in enumerate(rows["order_id"]):
        is_filled = rows["exec_sz"][n] == rows["size"][n]
        yield Real(
            order_id=order_id,
            ts_ns=rows["ts_add"][n],
            seq=rows["seq_add"][n],
            sign=rows["dir"][n],
            px=rows["px"][n],
            size=rows["size"][n],
            before=(rows["best_bid_before"][n], rows["best_ask_before"][n]),
            filled_ns=rows["ts_last_exec"][n] if is_filled else None,
            canceled_ns=(rows["ts_last_cancel"][n] or None) if not is_filled else None,
            executions=tuple(sorted(executions.get(order_id, ()))),
        )
