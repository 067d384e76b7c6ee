"""How far the market went while shares were held: seen without a record, kept with the next one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.events import Act, MarketUpdated
from surefill.core.excursion import Excursion
from surefill.core.fix import Feed, TradingStatus
from surefill.core.market import MarketView, Nbbo
from surefill.core.units import NANO
from surefill.core.watches import GAP_NS, Watches
from tests.support.core import Bench, covered_bench
from tests.support.core_world import CALENDAR, CLOSE_NS, NEXT_DAY, OPEN_NS, SYMBOL, S

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])


def told(b: Bench) -> Excursion:
    """What the next record of the trade would keep, without a record."""
    seen = b.engine.watches.follow(b.trade, None, now=b.now, calendar=CALENDAR)
    assert seen is not None
    return seen


def kept(b: Bench) -> Excursion:
    assert b.trade.excursion is not None
    return b.trade.excursion


def closed(b: Bench) -> Excursion:
    """The excursion after the target took the position."""
    b.fills("X1", 100)
    b.run(5)
    assert b.trade.is_closed
    return kept(b)


@SIDES
def test_the_extremes_are_those_of_the_side_that_could_close_it(side: str) -> None:
    b = covered_bench(side)
    for bid, ask in ((-40, -38), (150, 153), (20, 22)):
        b.quote(bid, ask)
        b.run(1)
    found = closed(b)
    assert (found.adverse_px, found.favorable_px) == (b.at(-40), b.at(150))
    assert found.is_whole


@SIDES
def test_a_quote_that_changes_only_the_extremes_leaves_no_record(side: str) -> None:
    b = covered_bench(side)
    before = b.trade
    for cents in range(-5, -60, -1):
        step = b.engine.step(
            MarketUpdated(
                MarketView(
                    SYMBOL,
                    Feed.TEST,
                    Nbbo(b.at(cents) - 1, NANO, b.at(cents) + 1, NANO, b.now, b.now),
                    TradingStatus.TRADING,
                    b.now,
                )
            ),
            b.now,
        )
        assert step.is_empty
    assert b.trade == before
    assert told(b).adverse_px == b.at(-59) - b.trade.sign


def test_what_was_quoted_before_the_first_share_does_not_count() -> None:
    b = Bench()
    b.accepts("E1")
    b.quote(-300, -298)
    b.quote(-1, 1)
    b.fills("E1", 100)
    assert kept(b).adverse_px == b.at(-1)
    b.accepts("X1")
    b.run(1)
    assert closed(b).adverse_px == b.at(-1)


def test_what_is_quoted_after_the_last_share_does_not_count() -> None:
    b = covered_bench()
    b.fills("X1", 100)
    b.quote(-300, -298)
    b.run(5)
    assert b.trade.is_closed
    assert kept(b).adverse_px == b.at(-1)
    assert b.engine.watches.follow(b.trade, None, now=b.now, calendar=CALENDAR) == kept(b)


def test_a_trade_that_never_held_a_share_has_none() -> None:
    b = Bench()
    b.accepts("E1")
    b.quote(-300, -298)
    b.run(61)
    b.cancelled("E1")
    b.run(5)
    assert b.trade.is_closed
    assert b.trade.excursion is None


@pytest.mark.parametrize(
    "nbbo",
    [
        (0, 10_000),
        (9_000, 0),
        (9_100, 9_000),
    ],
)
def test_half_a_market_is_no_look(nbbo: tuple[int, int]) -> None:
    b = covered_bench()
    bid_px, ask_px = (cents * NANO // 100 for cents in nbbo)
    quote = Nbbo(bid_px, NANO, ask_px, NANO, b.now, b.now)
    b.feed(MarketUpdated(MarketView(SYMBOL, Feed.TEST, quote, TradingStatus.TRADING, b.now)))
    b.feed(MarketUpdated(MarketView(SYMBOL, Feed.TEST, None, TradingStatus.TRADING, b.now)))
    assert told(b).adverse_px == b.at(-1)


def test_an_old_quote_is_no_look() -> None:
    b = covered_bench()
    quote = Nbbo(b.at(-90), NANO, b.at(-88), NANO, b.now, b.now - GAP_NS - 1)
    b.feed(MarketUpdated(MarketView(SYMBOL, Feed.TEST, quote, TradingStatus.TRADING, 0)))
    assert told(b).adverse_px == b.at(-1)


def test_another_symbols_market_is_not_ours() -> None:
    b = covered_bench()
    quote = Nbbo(b.at(-90), NANO, b.at(-88), NANO, b.now, b.now)
    b.feed(MarketUpdated(MarketView("OTHER", Feed.TEST, quote, TradingStatus.TRADING, b.now)))
    assert told(b).adverse_px == b.at(-1)


def test_a_feed_that_stops_is_a_stretch_that_was_not_seen() -> None:
    b = covered_bench()
    b.quote(-2, 0)
    since_ns = b.now
    b.run(GAP_NS / S + 3)
    b.quote(-2, 0)
    assert told(b).unseen_ns == b.now - since_ns
    b.run(GAP_NS / S)
    b.quote(-2, 0)
    assert told(b).unseen_ns == GAP_NS + 3 * S  # a shorter silence is none
    assert not closed(b).is_whole


def test_a_silence_before_the_end_counts_as_well() -> None:
    b = covered_bench()
    b.run(60)
    assert not closed(b).is_whole


def test_the_night_is_not_missed_and_its_quotes_are_not_taken() -> None:
    b = covered_bench()
    b.quote(-5, -3)
    last_ns = b.now
    b.now = CLOSE_NS + 60 * S
    b.quote(-300, -298)
    b.now = OPEN_NS + NEXT_DAY
    b.quote(-7, -5)
    found = told(b)
    assert (found.adverse_px, found.seen_ns) == (b.at(-7), b.now)
    assert CLOSE_NS - last_ns > GAP_NS  # this stretch of the regular session was not seen
    assert found.unseen_ns == CLOSE_NS - last_ns


def test_a_restart_does_not_pretend_to_have_watched() -> None:
    b = covered_bench()
    b.quote(-30, -28)  # seen, but no record kept it
    b.now += 20 * S
    b.restart()
    b.quote(-10, -8)
    found = told(b)
    assert found.adverse_px == b.at(-10)
    assert found.unseen_ns > 20 * S
    assert not closed(b).is_whole


def test_a_quick_restart_loses_nothing_that_was_kept() -> None:
    b = covered_bench()
    b.quote(-30, -28)
    b.operator(Act.FLATTEN, "p1")  # a record, and with it what was seen
    assert kept(b).adverse_px == b.at(-30)
    b.restart()
    assert told(b).adverse_px == b.at(-30)


def test_a_trade_from_before_anybody_looked_is_never_whole() -> None:
    b = covered_bench()
    older = replace(b.trade, excursion=None)
    watches = Watches()
    watches.load([older])
    b.run(30)
    view = b.engine.views[SYMBOL]
    assert view.nbbo is not None
    fresh = replace(view, nbbo=replace(view.nbbo, recv_ns=b.now), alive_ns=b.now)
    watches.look(fresh, b.now, CALENDAR)
    found = watches.follow(older, None, now=b.now, calendar=CALENDAR)
    assert found == Excursion(b.now, b.at(-1), b.at(-1), b.now - older.accepted_ns)


def test_shares_that_come_back_go_on_with_what_was_seen() -> None:
    b = covered_bench()
    b.quote(-30, -28)
    b.fills("X1", 100)
    before = kept(b)
    flat, watches = b.trade, Watches()
    watches.load([flat])
    held = replace(flat, external_qty=-100 * NANO)
    b.run(30)
    found = watches.follow(held, b.engine.views[SYMBOL], now=b.now, calendar=CALENDAR)
    assert found == replace(before, seen_ns=b.now)  # that view is too old to be a look


def test_two_trades_of_one_symbol_are_watched_apart() -> None:
    b = covered_bench()
    other = replace(b.trade, plan=replace(b.trade.plan, plan_id="p2"), excursion=None)
    watches = b.engine.watches
    watches.follow(other, None, now=b.now, calendar=CALENDAR)
    b.quote(-30, -28)
    found = watches.follow(other, None, now=b.now, calendar=CALENDAR)
    assert found is not None
    assert (found.adverse_px, found.favorable_px) == (b.at(-30), b.at(-30))
    assert told(b).favorable_px == b.at(-1)
    watches.recall({"p2": Excursion(b.now, 1, 2)})
    assert told(b).favorable_px == b.at(-1)
    gone = replace(other, external_qty=100 * NANO)
    assert watches.follow(gone, None, now=b.now, calendar=CALENDAR) == Excursion(b.now, 1, 2)
    assert told(b).favorable_px == b.at(-1)


def test_a_trade_handed_over_is_watched_no_more() -> None:
    b = covered_bench()
    b.quote(-30, -28)
    b.operator(Act.HAND_OVER, "p1")
    assert b.trade.is_closed
    assert kept(b).adverse_px == b.at(-30)
    b.quote(-90, -88)
    assert told(b).adverse_px == b.at(-30)


def watching(seen_ns: int) -> tuple[Bench, Watches]:
    """A trade that holds shares, last looked at then."""
    b = covered_bench()
    watches = Watches()
    watches.load([replace(b.trade, excursion=Excursion(seen_ns))])
    return b, watches


@pytest.mark.parametrize(
    ("silent_ns", "unseen_ns"), [(GAP_NS, 0), (GAP_NS + 1, GAP_NS + 1), (GAP_NS // 2, 0)]
)
def test_a_silence_counts_when_it_is_longer_than_the_gap(silent_ns: int, unseen_ns: int) -> None:
    seen_ns = OPEN_NS + 60 * S
    b, watches = watching(seen_ns)
    now = seen_ns + silent_ns
    seen = watches.follow(b.trade, None, now=now, calendar=CALENDAR)
    assert seen == Excursion(seen_ns)
    flat = replace(b.trade, external_qty=b.trade.position_qty)
    seen = watches.follow(flat, None, now=now, calendar=CALENDAR)
    assert seen is not None
    assert (seen.seen_ns, seen.unseen_ns) == (now, unseen_ns)


def test_only_what_is_missed_of_the_session_counts_and_not_a_moment_of_it() -> None:
    b, watches = watching(OPEN_NS - 60 * S)
    flat = replace(b.trade, external_qty=b.trade.position_qty)
    now = OPEN_NS + GAP_NS
    seen = watches.follow(flat, None, now=now, calendar=CALENDAR)
    assert seen is not None
    assert (seen.seen_ns, seen.unseen_ns) == (now, 0)


@pytest.mark.parametrize(("age_ns", "is_look"), [(GAP_NS, True), (GAP_NS + 1, False)])
def test_a_quote_is_a_look_until_it_is_old(age_ns: int, is_look: bool) -> None:
    b, watches = watching(OPEN_NS)
    b.quote(7, 9)
    view, quoted_ns = b.engine.views[SYMBOL], b.now
    watches.look(view, quoted_ns + age_ns, CALENDAR)
    seen = watches.follow(b.trade, None, now=quoted_ns, calendar=CALENDAR)
    assert seen is not None
    assert (seen.favorable_px == b.at(7)) is is_look


def test_a_symbol_is_forgotten_with_its_last_trade() -> None:
    b, watches = watching(OPEN_NS)
    other = replace(b.trade, plan=replace(b.plan, plan_id="p2"))
    watches.follow(other, None, now=b.now, calendar=CALENDAR)
    for trade in (b.trade, other):
        flat = replace(trade, external_qty=trade.position_qty, excursion=None)
        watches.follow(flat, None, now=b.now, calendar=CALENDAR)
        assert watches.follow(flat, None, now=b.now, calendar=CALENDAR) is None
    b.quote(7, 9)
    watches.look(b.engine.views[SYMBOL], b.now, CALENDAR)
