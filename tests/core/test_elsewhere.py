"""Shares that the broker's position does not show: who took them, or how old is the read?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.commands import Command, QueryPositions
from surefill.core.elsewhere import (
    LAG_NS,
    SOLD_NS,
    TOLD_NS,
    _is_told_sold,
    _may_be_old,
    unread_orders,
)
from surefill.core.events import (
    Accepted,
    Act,
    Event,
    ExecutionReport,
    PositionsRead,
    ReadFailed,
    RejectKind,
    RequestAnswered,
    Verb,
)
from surefill.core.trade import Outcome
from surefill.core.units import NANO
from tests.support.core import Bench, S, covered_bench

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])


def reads(b: Bench, name: str, sent_ns: int) -> None:
    """A targeted read of an order, sent then, is answered now."""
    answer = Accepted(b.report(b.rows[name]))
    b.feed(RequestAnswered("p1", Verb.QUERY, b.key(name), answer, sent_ns, b.now))


def unseen(b: Bench, shares: int) -> None:
    """Every read from now on shows so many shares less; the stream says nothing."""
    b.foreign_qty = -shares * b.sign
    b.feed(PositionsRead((), b.now, b.now))


@SIDES
def test_reads_that_may_lag_behind_our_fill_give_no_cover_up(side: str) -> None:
    """Found by simulation, seed 2407: two reads lagged alike, and working cover was cancelled."""
    b = covered_bench(side)
    b.run(1)
    unseen(b, 100)
    b.run(27)
    assert (b.held, b.covered) == (100, 100)
    assert b.news() == []


@SIDES
def test_reads_that_cannot_be_so_old_are_believed(side: str) -> None:
    b = covered_bench(side)
    b.run(1)
    unseen(b, 100)
    b.run(LAG_NS / S + 3)
    assert b.news()[:2] == ["ALARM CLOSED_ELSEWHERE", "cancel X1"]
    b.cancelled("X1")
    b.run(1)
    assert b.trade.outcome is Outcome.CLOSED_EXTERNAL


@SIDES
def test_a_position_that_we_never_had_is_no_old_one(side: str) -> None:
    """40 of 100 were taken away: no read from before our fill could show 60."""
    b = covered_bench(side)
    b.run(1)
    unseen(b, 40)
    b.run(3)
    assert b.news()[0] == "ALARM CLOSED_ELSEWHERE"
    assert b.held == 60


@SIDES
def test_somebody_who_sells_cancels_our_cover_first(side: str) -> None:
    """Found by simulation, seed 183: the stream lost his execution, and our next stop would have
    opened a position."""
    b = covered_bench(side)
    b.run(1)
    b.cancelled("X1")
    b.refuses("X2", RejectKind.NOT_AN_EXIT)
    b.feed(PositionsRead((), b.now, b.now))
    reads(b, "E1", b.now)
    b.now += S // 2
    b.feed(PositionsRead((), b.now, b.now))
    assert "ALARM CLOSED_ELSEWHERE" in b.news()
    assert b.held == 0


@SIDES
def test_a_refusal_of_cover_alone_is_no_trace_of_somebody(side: str) -> None:
    """The broker has not booked the shares yet: its refusal and its position lag alike."""
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.refuses("X1", RejectKind.NOT_AN_EXIT)
    assert _may_be_old(b.trade, 0, b.now)
    assert not _may_be_old(b.trade, 0, b.now + LAG_NS)


@SIDES
def test_cover_that_works_again_is_no_trace_of_somebody(side: str) -> None:
    """Seed 2407: the venue itself had cancelled the first legs."""
    b = covered_bench(side)
    b.run(1)
    b.cancelled("X1")
    b.accepts("X2")
    b.news()
    unseen(b, 100)
    b.run(20)
    assert (b.held, b.covered, b.news()) == (100, 100, [])


@SIDES
def test_each_fill_has_a_position_before_it(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 30)
    b.run(0.2)
    b.fills("E1", 70)
    b.accepts("X1")
    b.run(1)
    b.news()
    unseen(b, 70)
    b.run(20)
    assert (b.held, b.news()) == (100, [])
    b.run(13)
    assert b.news()[0] == "ALARM CLOSED_ELSEWHERE"
    assert b.held == 30


def test_a_position_read_while_executions_are_missing_is_not_believed() -> None:
    b = covered_bench()
    entry = replace(b.trade.orders[0], fills=())
    b.engine.book.put(replace(b.trade, orders=(entry, *b.trade.orders[1:])))
    b.feed(PositionsRead((), b.now, b.now))
    assert b.trade.break_since_ns is None


def test_two_position_reads_too_close_together_are_one() -> None:
    b = covered_bench()
    b.feed(PositionsRead((), b.now, b.now))
    b.feed(PositionsRead((), b.now + 1, b.now))
    assert (b.trade.external_qty, b.trade.break_qty) == (0, 100 * NANO)


def test_a_second_look_at_the_position_that_came_too_soon_counts_for_nothing() -> None:
    b = covered_bench()
    b.run(LAG_NS / S + 1)
    b.feed(PositionsRead((), b.now + S, b.now))
    since_ns = b.now + S
    for name in ("E1", "X1", "X1.stop"):
        reads(b, name, since_ns)
    b.feed(PositionsRead((), since_ns + 1, b.now))
    assert (b.held, b.trade.break_since_ns) == (100, since_ns)


def test_an_order_explains_a_break_only_by_a_read_that_is_newer() -> None:
    b = covered_bench()
    trade = replace(b.trade, break_since_ns=b.now)
    asked = [order.key for order in unread_orders(trade)]
    assert asked == [b.key("E1"), b.key("X1"), trade.orders[2].key]
    for read_ns, left in ((b.now - 1, 3), (b.now, 0)):
        orders = tuple(replace(order, read_ns=read_ns) for order in trade.orders)
        assert len(unread_orders(replace(trade, orders=orders))) == left


@SIDES
def test_what_the_stream_tells_of_a_sale_counts_for_a_while(side: str) -> None:
    b = covered_bench(side)
    b.run(1)
    held_qty = 30 * NANO * b.sign
    his = replace(b.report(b.rows["E1"]), order_id="his", venue_ns=b.now, recv_ns=b.now)
    his = replace(his, position_qty=held_qty)
    bare = replace(his, position_qty=None, exec_id="1")
    told = replace(his, exec_id="2")
    early = replace(told, venue_ns=b.now - 60 * S)

    def is_sold(*strays: ExecutionReport, shares: int = 31, later_ns: int = 0) -> bool:
        trade = replace(b.trade, strays=strays)
        return _is_told_sold(trade, shares * NANO, b.now + later_ns)

    assert is_sold(told)
    assert not is_sold(told, shares=30)
    assert not is_sold(told, later_ns=TOLD_NS)
    gone = replace(told, position_qty=0)
    assert is_sold(gone, later_ns=SOLD_NS - 1)
    assert not is_sold(gone, later_ns=SOLD_NS)
    assert not is_sold(), "nobody"
    assert is_sold(his, bare, told), "his order is of the same instant as its execution"
    assert not is_sold(his), "no execution"
    assert not is_sold(bare)
    assert not is_sold(early), "before our own fill"


class Blind(Bench):
    """A bench whose broker may fail to tell the positions, and those alone."""

    is_blind = False

    def _read(self, command: Command, sent_ns: int) -> Event:
        if self.is_blind and isinstance(command, QueryPositions):
            return ReadFailed("QueryPositions", "500", self.now)
        return super()._read(command, sent_ns)


def dead_while_he_sold(side: str, *, is_blind: bool = False) -> Blind:
    """Cover was cancelled by hand and given anew, and the process died before the answer; somebody
    sold, the market went through the stop, and then the process starts again."""
    b = Blind(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.accepts("X1")
    b.run(60)
    b.news()
    b.cancelled("X1")
    assert b.news()[0] == "ALARM COVER_LOST"
    b.foreign_qty = -100 * b.sign
    b.run(60)
    b.quote(-250, -240)
    b.is_blind = is_blind
    b.restart()
    b.news()
    return b


@SIDES
def test_a_new_process_closes_nothing_that_the_positions_do_not_show(side: str) -> None:
    """Found by simulation, seed 15573: 0.1 s after its start, with the positions read once while
    the cover of the dead process was still in doubt, a plain closing order went out and opened a
    position."""
    b = dead_while_he_sold(side)
    b.operator(Act.FLATTEN)
    b.run(2)
    assert b.news() == ["ALARM CLOSED_ELSEWHERE", "CLOSED"]
    assert b.trade.outcome is Outcome.CLOSED_EXTERNAL


@SIDES
def test_a_new_process_waits_for_the_positions_before_it_closes(side: str) -> None:
    """As above, with the positions read last of all."""
    b = dead_while_he_sold(side, is_blind=True)
    b.operator(Act.FLATTEN)
    b.run(4)
    assert b.news() == []
    b.is_blind = False
    b.run(4)
    assert b.news() == ["ALARM CLOSED_ELSEWHERE", "CLOSED"]


@SIDES
def test_a_new_process_that_cannot_read_the_positions_closes_all_the_same(side: str) -> None:
    b = dead_while_he_sold(side, is_blind=True)
    b.operator(Act.FLATTEN)
    b.run(5.2)
    assert b.news()[0].startswith(f"submit F1 {b.out} 100 LIMIT"), "shares may be bare meanwhile"


@SIDES
def test_positions_that_stay_too_few_do_not_stop_a_closing_for_ever(side: str) -> None:
    """So many shares as were held before the entry filled: reads may lag, and time is no proof."""
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.run(0.6)
    b.foreign_qty = -100 * b.sign
    b.feed(PositionsRead((), b.now, b.now))
    b.quote(-250, -240)
    b.refuses("X1", RejectKind.PRICE_THROUGH)
    assert b.news()[-1] == "ALARM COVER_REFUSED"
    b.run(4.8)
    assert b.news() == []
    b.run(0.5)
    assert b.news()[0].startswith(f"submit F1 {b.out} 100 LIMIT")
