"""The shelf of closed trades: small, in order, and what comes out equals what went in."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from surefill.core import shelf
from surefill.core.shelf import WHOLE, Shelf
from surefill.core.trade import Outcome, Trade
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.play import play
from surefill.replay.simulate.seeds import play_seed
from tests.support.core import START_NS, covered_bench

COVERED = covered_bench().trade
MANY = WHOLE + 4


def closed(n: int) -> Trade:
    """The n-th trade of a day, one closed each ns."""
    plan = replace(COVERED.plan, plan_id=f"p{n}")
    ended = replace(COVERED, outcome=Outcome.CLOSED_STOP, closed_ns=START_NS + n)
    return replace(ended, plan=plan)


def filled() -> Shelf:
    """A shelf on which some trades are packed."""
    one = Shelf()
    for n in range(MANY):
        one.put(closed(n))
    return one


def test_what_comes_out_is_what_went_in() -> None:
    one = filled()
    assert len(one) == MANY
    assert list(one) == [f"p{n}" for n in range(MANY)]
    assert [one.get(f"p{n}") for n in range(MANY)] == [closed(n) for n in range(MANY)]
    assert list(one.newest_first()) == [closed(n) for n in reversed(range(MANY))]
    assert one.get("nobody") is None


def test_who_looks_for_a_symbol_unpacks_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by a benchmark: fifty entries looked for what was closed since the positions were read,
    and unpacked some hundred trades each, 17 s in one turn of the loop."""
    one = filled()
    times_ns = [closed(n).closed_ns or 0 for n in range(MANY)]
    symbol = closed(0).symbol
    for n in (0, 1, MANY // 2, MANY - 1):
        wanted = [closed(k) for k in reversed(range(n, MANY))]
        assert list(one.closed_since(times_ns[n], symbol)) == wanted
    assert list(one.closed_since(times_ns[-1] + 1, symbol)) == []
    monkeypatch.setattr(Shelf, "_unpacked", None)
    assert list(one.closed_since(0, "NOBODY")) == []


@pytest.mark.parametrize("n", [0, MANY - 1], ids=["packed", "whole"])
def test_late_news_changes_a_trade_in_its_place(n: int) -> None:
    one = filled()
    after = replace(closed(n), external_qty=5)
    one.put(after)
    assert one.get(f"p{n}") == after
    assert list(one) == [f"p{n}" for n in range(MANY)]


def test_a_trade_that_is_opened_again_leaves_and_comes_back_last() -> None:
    one = filled()
    assert one.take("p0") == closed(0)
    assert one.take(f"p{WHOLE}") == closed(WHOLE)
    assert one.take("nobody") is None
    one.put(closed(0))
    assert len(one) == MANY - 1
    assert list(one)[-1] == "p0"


def test_what_was_closed_long_ago_is_taken_away() -> None:
    one = filled()
    assert list(one.take_before(START_NS)) == []
    assert list(one.take_before(START_NS + 2)) == [closed(0), closed(1)]
    assert next(iter(one)) == "p2"
    assert len(list(one.take_before(START_NS + MANY))) == MANY - 2
    assert list(one.take_before(START_NS + MANY)) == []


def test_a_packed_trade_takes_little() -> None:
    one = filled()
    *_, packed = one._packed["p1"]
    assert sys.getsizeof(packed) < 300


def test_with_every_trade_packed_a_history_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    before = play_seed(10)
    ended = list(play(draw_scenario(10)).run.engine.book.watched.newest_first())
    monkeypatch.setattr(shelf, "WHOLE", 0)
    assert play_seed(10) == before
    one = Shelf()
    for trade in reversed(ended):
        one.put(trade)
    assert len(ended) > 1
    assert list(one.newest_first()) == ended, "orders, executions, reasons: every field of a trade"
