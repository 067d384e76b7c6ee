"""The fast book and the naive one agree: random histories, synthetic days and recorded ones.

A little of each here; ``python -m tests.sim.differential 100000 --tapes`` for all of it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.fix import OrdType, Side, TimeInForce
from surefill.sim.calendar import session_on
from surefill.sim.profiles import PROFILES
from surefill.sim.synthetic import SyntheticTape
from surefill.sim.tape import open_tape
from tests.sim.book_pair import agree_on_history, agree_on_tape
from tests.sim.tapes import day
from tests.sim.venue import request

HISTORIES = 150
MINUTE_NS = 60_000_000_000


@pytest.mark.parametrize("block", range(3))
def test_both_books_agree(block: int) -> None:
    seeds = range(block * HISTORIES // 3, (block + 1) * HISTORIES // 3)
    assert sum(agree_on_history(seed) for seed in seeds) > HISTORIES


@pytest.mark.parametrize("profile", ["tight", "mid", "wide"])
def test_both_books_agree_on_a_synthetic_day(profile: str) -> None:
    date = 20260302
    thin = replace(PROFILES[profile], events=3_000)
    tape = SyntheticTape(11, "TWIN", session_on(date), profile=thin)
    events, orders, fills = agree_on_tape(tape.columns(), date)
    assert (events > 2_000, orders > 50, fills > 20) == (True, True, True)


@pytest.mark.tape
@pytest.mark.parametrize(("symbol", "date"), [("BAC", 20131008), ("IBM", 20131007)])
def test_both_books_agree_on_a_recorded_quarter_of_an_hour(symbol: str, date: int) -> None:
    open_ns = session_on(date).open_ns
    tape = open_tape(day(symbol, date), start_ns=open_ns, end_ns=open_ns + 15 * MINUTE_NS)
    events, orders, fills = agree_on_tape(tape.columns(), date)
    assert (events > 1_000, orders > 30, fills > 20) == (True, True, True)


def test_the_words_of_both_mean_the_same() -> None:
    sent = request("buy", 1, "limit", limit="100.01", tif="ioc")
    assert (sent.side, sent.ord_type, sent.tif) == (Side.BUY, OrdType.LIMIT, TimeInForce.IOC)
