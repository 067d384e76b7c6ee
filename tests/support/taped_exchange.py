"""A served exchange that has just played a small recorded day to its end: a past to read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from surefill.sim.alpaca.app import ExchangeConfig
from surefill.sim.calendar import session_on
from surefill.sim.tape import TapeDay, open_tape
from tests.sim.tapes import twin
from tests.support.exchange_server import RunningExchange

MS_NS = 1_000_000
DAY = "2026-11-20"


@contextmanager
def taped_exchange(folder: Path) -> Iterator[tuple[RunningExchange, TapeDay]]:
    """The exchange, three minutes after the close of the day that it played."""
    folder.mkdir(exist_ok=True)
    day = twin(folder)
    session = session_on(day.date)
    start_ns = session.open_ns - 60_000 * MS_NS
    with RunningExchange(ExchangeConfig(tape=folder, start_ns=start_ns)) as exchange:
        length_ms = (session.close_ns - start_ns) // MS_NS
        exchange.control("POST", "clock", {"advance_ms": length_ms + 180_000})
        yield exchange, day


def environment(exchange: RunningExchange, *, key: str) -> dict[str, str]:
    """What a program needs to reach it."""
    names = ("PATH", "PYTHONPATH", "HOME")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    keys = {"APCA_API_KEY_ID": key, "APCA_API_SECRET_KEY": "s"}
    return kept | keys | {"APCA_API_BASE_URL": exchange.url}


def same_market(one: TapeDay, other: TapeDay) -> bool:
    """Whether two tapes hold the same quotes and prints, row by row."""
    first, second = open_tape(one).columns(), open_tape(other).columns()
    names = ("quote_ns", "bid_px", "bid_qty", "ask_px", "ask_qty", "print_ns", "print_px")
    return all(
        getattr(first, name).tolist() == getattr(second, name).tolist()
        for name in (*names, "print_qty")
    )
