"""What the venue takes back, and whose shares are left then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.corrections import give_back, settle_disputes
from surefill.core.events import FillsRead, PositionsRead
from surefill.core.fix import ExecType
from surefill.core.trade import Outcome, Trade
from surefill.core.turn import Context, Turn
from surefill.core.units import NANO
from surefill.tactics.registry import TACTICS
from tests.support.core import Bench, S, covered_bench

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])


def sold_by_hand(side: str) -> Bench:
    """30 and 70 shares were entered and covered; somebody closed all."""
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 30)
    b.fills("E1", 70)
    b.accepts("X1")
    b.run(60)
    b.foreign_qty = -100 * b.sign
    b.feed(PositionsRead((), b.now, b.now))
    b.run(2)
    b.cancelled("X1")
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_EXTERNAL
    b.news()
    return b


def busted(b: Bench, n: int) -> None:
    """An execution of the entry is taken back, and the stream says so."""
    gone, row = b.history[n], b.rows["E1"]
    assert gone.last_qty is not None
    row.cum_qty -= gone.last_qty
    told = replace(gone, exec_type=ExecType.TRADE_CANCEL, cum_qty=row.cum_qty, venue_ns=b.now)
    b.streams(replace(told, position_qty=b.position() * NANO))


@SIDES
def test_what_somebody_closed_of_an_entry_that_never_was_is_his(side: str) -> None:
    """Found by simulation, seeds 15803 and 20089: what he bought is not ours to sell."""
    b = sold_by_hand(side)
    busted(b, 0)
    assert b.news() == ["ALARM VENUE_BUST", "SETTLED", "CLOSED"]
    assert (b.held, b.trade.external_qty) == (0, 70 * NANO)
    assert str(b.trade.outcome) == "CLOSED_EXTERNAL"
    left = [(one.symbol, one.qty) for one in b.engine.state.foreign]
    assert left == [("ACME", -30 * b.sign * NANO)], "and the gate knows at once (seed 22393)"
    busted(b, 1)
    assert (b.held, b.trade.external_qty) == (0, 0)
    assert str(b.trade.outcome) == "NOT_ENTERED", "and one outcome, true to what is left"
    busted(b, 1)
    b.run(60)
    assert [line for line in b.news() if line.startswith("submit")] == []


@SIDES
def test_the_message_of_a_bust_tells_of_another_that_was_lost(side: str) -> None:
    """Found by simulation, seed 40469 with more busts: the trade was over, the stream was down when
    the first came, and 297 shares that the account held the other way round were nobody's."""
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 30)
    b.fills("E1", 70)
    b.accepts("X1")
    b.run(1)
    b.fills("X1", 100, 395)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_TARGET
    lost = b.history[0]
    assert lost.last_qty is not None
    assert lost.last_px is not None
    b.rows["E1"].cum_qty -= lost.last_qty
    b.rows["E1"].cost -= lost.last_qty * lost.last_px
    busted(b, 1)
    del b.history[:2]
    assert b.held == -70
    b.run(4)
    assert b.held == -100
    assert b.trade.outcome is None
    assert b.news().count("ALARM VENUE_BUST") == 2, "said once of each execution"


@pytest.mark.parametrize(
    ("external", "busted_qty", "left", "outcome"),
    [
        (0, 30, 0, Outcome.CLOSED_EXTERNAL),
        (100, 30, 70, None),
        (130, 100, 30, None),
        (30, 30, 30, Outcome.CLOSED_EXTERNAL),
        (100, 0, 100, Outcome.CLOSED_EXTERNAL),
    ],
)
def test_no_more_than_was_taken_back(
    external: int, busted_qty: int, left: int, outcome: Outcome | None
) -> None:
    b = sold_by_hand("buy")
    row = b.trade.orders[0]
    fills = tuple(replace(fill, qty=0) for fill in row.fills[: 1 + (busted_qty == 100)])
    fills += row.fills[len(fills) :]
    row = replace(row, fills=fills if busted_qty else row.fills, reported_qty=0)
    trade = replace(b.trade, orders=(row,), external_qty=external * NANO)
    turn = given_back(trade, row.key, busted_qty)
    assert (turn.trade.external_qty, turn.trade.outcome) == (left * NANO, outcome)


def given_back(trade: Trade, key: str, qty: int) -> Turn:
    """The turn in which so many shares of an order are taken back."""
    turn = Turn(trade, Context(now=S, tactic=TACTICS["limit"]))
    order = trade.order(key)
    assert order is not None
    give_back(turn, order, qty * NANO)
    return turn


def test_an_exit_that_is_taken_back_gives_nobody_anything() -> None:
    b = sold_by_hand("buy")
    trade = replace(b.trade, external_qty=130 * NANO)
    assert given_back(trade, b.key("X1"), 30).trade == trade


def test_what_was_handed_over_stays_handed_over() -> None:
    b = sold_by_hand("buy")
    over = replace(b.trade, outcome=Outcome.HANDED_OVER, external_qty=130 * NANO)
    turn = given_back(over, b.key("E1"), 30)
    assert (turn.trade.outcome, turn.trade.external_qty) == (Outcome.HANDED_OVER, 100 * NANO)


def test_no_more_than_somebody_closed_is_given_back() -> None:
    """70 were sold by the exits and 30 by hand; then the whole entry never was."""
    b = sold_by_hand("buy")
    entry, *exits = b.trade.orders
    gone = replace(entry, fills=(), reported_qty=0)
    sold = replace(exits[0], fills=entry.fills[1:], reported_qty=70 * NANO)
    trade = replace(b.trade, orders=(gone, sold), external_qty=30 * NANO)
    assert trade.position_qty == -100 * NANO
    assert given_back(trade, gone.key, 100).trade.external_qty == 0
    assert given_back(trade, gone.key, -10).trade == trade, "more shares give nothing back"


@SIDES
def test_an_entry_at_its_worst_price_is_within_it(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100, 10)
    assert b.trade.terms.worst_px == b.at(10)
    assert b.alarms == []


def test_of_several_orders_the_disputed_one_is_settled() -> None:
    b = covered_bench()
    b.fills("X1", 40)
    first, second = b.trade.entries[0], b.trade.orders[1]
    disputed = replace(second, disputed_qty=0, disputed_px=None)
    trade = replace(b.trade, orders=(first, disputed, *b.trade.orders[2:]))
    trade = replace(trade, external_qty=10 * NANO)
    turn = Turn(trade, Context(now=b.now, tactic=TACTICS["limit"]))
    settle_disputes(turn, FillsRead((), 0, b.now, b.now))
    settled = turn.trade.order(second.key)
    assert settled is not None
    assert (settled.cum_qty, settled.is_disputed) == (0, False)


def test_a_dispute_that_takes_nothing_away_gives_nothing_back() -> None:
    b = sold_by_hand("buy")
    entry = replace(b.trade.orders[0], disputed_qty=70 * NANO, disputed_px=b.at(5))
    sold = replace(entry, key="X9", spec=replace(entry.spec, leg=b.trade.orders[1].spec.leg))
    trade = replace(b.trade, orders=(entry, sold), external_qty=100 * NANO)
    turn = Turn(trade, Context(now=b.now, tactic=TACTICS["limit"]))
    settle_disputes(turn, FillsRead(tuple(b.history[:2]), 0, b.now, b.now))
    assert turn.trade.external_qty == 100 * NANO
