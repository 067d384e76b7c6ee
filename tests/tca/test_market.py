"""The market of cost analysis: which quote counts, depth, averages, extremes, a journal's views."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.fix import Feed
from surefill.core.market import MarketView, Nbbo
from surefill.core.units import NANO
from surefill.tca.market import LEVELS_MAX, VIEW_AGE_MAX_NS, Market, market_of_views
from tests.tca.parents import SECOND_NS, START_NS, market, px

TWO = market((0, "10.00", "10.02"), (5, "10.04", "10.06"))


def at(seconds: int) -> int:
    return START_NS + seconds * SECOND_NS


def test_at_and_before_differ_at_the_instant_of_a_quote() -> None:
    found, prior = TWO.at(at(5)), TWO.before(at(5))
    assert found is not None
    assert found.bid_px == px("10.04")
    assert prior is not None
    assert prior.bid_px == px("10.00")
    assert TWO.before(at(0)) is None
    assert TWO.at(at(-1)) is None


def test_a_mid_needs_a_quote_and_ends_with_the_record() -> None:
    assert TWO.mid_px(at(4)) == px("10.01")
    assert TWO.mid_px(at(-1)) is None
    assert TWO.mid_px(at(6)) is None, "the record ends at 5 s: what came after is unknown"
    assert replace(TWO, close_ns=at(9)).mid_px(at(9)) == px("10.05")
    assert market().mid_px(at(0)) is None


def test_an_old_quote_of_a_record_with_gaps_is_none() -> None:
    gaps = replace(TWO, age_max_ns=2 * SECOND_NS)
    assert gaps.at(at(2)) is not None
    assert gaps.at(at(3)) is None


@pytest.mark.parametrize(
    ("sign", "qty", "cost"),
    [
        (1, 100, 100 * 1006),  # the displayed size, in cents
        (1, 250, 100 * 1006 + 100 * 1007 + 50 * 1008),
        (-1, 250, 100 * 1004 + 100 * 1003 + 50 * 1002),
        (1, 0, 0),
    ],
)
def test_depth_walks_a_tick_for_every_displayed_size(sign: int, qty: int, cost: int) -> None:
    assert TWO.far_cost(sign, at(5), qty=qty * NANO) == cost * NANO * NANO // 100


def test_depth_ends_at_a_hundred_ticks_and_needs_a_side() -> None:
    step = NANO // 100
    cost = TWO.far_cost(1, at(5), qty=100 * NANO * (LEVELS_MAX + 50))
    levels = sum(px("10.06") + n * step for n in range(LEVELS_MAX))
    assert cost == 100 * NANO * (levels + 50 * (px("10.06") + LEVELS_MAX * step))
    assert TWO.far_cost(1, at(-1), qty=NANO) is None
    assert TWO.far_cost(1, at(6), qty=NANO) is None
    assert market((0, "10.00", "0")).far_cost(1, at(0), qty=NANO) is None
    assert market((0, "10.00", "10.01"), size=0).far_cost(-1, at(0), qty=NANO) is None


def test_traded_counts_both_ends_of_the_stretch() -> None:
    prints = replace(
        TWO,
        print_ns=[at(0), at(1), at(2), at(3)],
        print_px=[px("9"), px("10"), px("12"), px("20")],
        print_qty=[NANO, 2 * NANO, NANO, NANO],
    )
    assert prints.traded(at(1), at(2)) == (32 * NANO * NANO, 3 * NANO)
    assert TWO.traded(at(0), at(9)) == (0, 0)


def test_extremes_are_of_the_side_that_would_close() -> None:
    assert TWO.extremes(1, at(1), at(5)) == (px("10.00"), px("10.04"))
    assert TWO.extremes(-1, at(1), at(5)) == (px("10.06"), px("10.02"))
    assert TWO.extremes(-1, at(5), at(5)) == (px("10.06"), px("10.06"))
    assert market((0, "0", "10")).extremes(1, at(0), at(1)) is None
    assert replace(TWO, age_max_ns=1).extremes(1, at(0), at(9)) is None, "gaps hide extremes"


def view(symbol: str, bid: str, *, recv: int, alive: int) -> MarketView:
    nbbo = Nbbo(px(bid), NANO, px(bid) + NANO // 100, NANO, at(recv), at(recv))
    return MarketView(symbol, Feed.SIP, nbbo, alive_ns=at(alive))


def test_a_journals_views_count_from_when_they_were_current() -> None:
    views = [
        (at(9), view("ACME", "10", recv=0, alive=8)),
        (at(4), view("ACME", "11", recv=4, alive=4)),
        (at(5), view("BETA", "12", recv=5, alive=5)),
        (at(5), MarketView("ACME", Feed.SIP)),
    ]
    found = market_of_views("ACME", views)
    assert list(found.quote_ns) == [at(4), at(8)]
    assert found.mid_px(at(8) + VIEW_AGE_MAX_NS) == px("10.005")
    assert found.mid_px(at(8) + VIEW_AGE_MAX_NS + 1) is None
    empty = market_of_views("NONE", [])
    assert isinstance(empty, Market)
    assert empty.at(at(1)) is None
