"""The `slice` tactic: 1,000 shares at 100.00, worst price 100.10, 60 s, 300 displayed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from surefill.core.fix import OrdType
from surefill.core.market import MarketView
from surefill.core.plan import SECOND_NS
from surefill.core.tactic import EntryView, ProtectionStyle, WantedEntry
from surefill.core.units import NANO
from surefill.tactics.quoting import QUOTES_MAX, cross_ns
from surefill.tactics.slice import STEPS, SliceTactic
from tests.tactics.support import NOW, TERMS, VIEW, limit, quote, seen, short

SLICE = SliceTactic()
WHOLE_QTY = 1_000 * NANO
MARKET = quote("100.00", "100.01")
EARLY = VIEW.started_ns + SECOND_NS


def large(market: MarketView = MARKET, **fields: Any) -> EntryView:
    """A view of the large order."""
    terms = replace(TERMS, order_qty=WHOLE_QTY)
    known: dict[str, Any] = {"leaves_qty": WHOLE_QTY, "may_slice": True, "terms": terms}
    return seen(market, **(known | fields))


def asked(view: EntryView, now: int = NOW) -> tuple[int | None, int | None]:
    """Limit in cents and shares of what is wanted."""
    wanted = SLICE.wanted(view, now)
    assert wanted is not None
    assert wanted.limit_px is not None
    qty = wanted.order_qty
    return wanted.limit_px * 100 // NANO, None if qty is None else qty // NANO


def test_a_piece_is_as_large_as_what_is_displayed_beside_it() -> None:
    assert asked(large()) == (10_000, 300)
    small = quote("100.00", "100.01", sizes=(120, 900))
    assert asked(large(small), EARLY) == (10_000, 120)
    assert asked(large(leaves_qty=50 * NANO)) == (10_000, 50), "ahead of the clock"


def test_pieces_are_few_enough_for_the_request_budget() -> None:
    thin = quote("100.00", "100.01", sizes=(1, 1))
    assert asked(large(thin), EARLY) == (10_000, 1_000 // STEPS)
    assert asked(large(thin, quotes=STEPS - 3), EARLY) == (10_000, 334)
    assert asked(large(thin, quotes=STEPS - 1), EARLY) == (10_000, 1_000)
    assert STEPS + 2 == QUOTES_MAX


def test_no_more_than_a_fifth_of_what_trades() -> None:
    """10,000 shares in five minutes are 183 in a step of 5.5 s: 36 are fewer than a tenth."""
    busy = replace(MARKET, volume_qty=50_000 * NANO)
    assert asked(large(busy), EARLY) == (10_000, 184)
    quiet = replace(MARKET, volume_qty=10_000 * NANO)
    assert asked(large(quiet), EARLY) == (10_000, 100)


def test_behind_the_clock_a_piece_is_taken() -> None:
    """300 of 1,000 shares are due after 30 % of the 55 s."""
    due_ns = VIEW.started_ns + 16_500_000_000
    market = replace(MARKET, alive_ns=due_ns)
    before = SLICE.wanted(large(market), due_ns - 1)
    assert before == limit("100.00")
    assert before is not None
    assert before.until_ns == due_ns
    taken = SLICE.wanted(large(market), due_ns)
    assert taken == limit("100.01")
    assert taken is not None
    assert (taken.order_qty, taken.until_ns) == (300 * NANO, cross_ns(VIEW))
    working = large(market, working="100.02", quotes=1)
    assert SLICE.wanted(working, due_ns) == limit("100.02"), "it takes already"
    resting = large(market, working="100.00", quotes=1)
    assert SLICE.wanted(resting, due_ns) == limit("100.01")
    other = replace(resting, working=WantedEntry(OrdType.MARKET, None))
    assert SLICE.wanted(other, due_ns) == limit("100.01")


def test_a_far_side_beyond_the_worst_price_is_waited_for() -> None:
    market = replace(quote("100.10", "100.11"), alive_ns=NOW + 40 * SECOND_NS)
    wanted = SLICE.wanted(large(market), NOW + 40 * SECOND_NS)
    assert wanted == limit("100.10")
    assert wanted is not None
    assert wanted.until_ns == cross_ns(VIEW)
    late = VIEW.deadline_ns - SECOND_NS
    last = SLICE.wanted(large(replace(market, alive_ns=late)), late)
    assert last == limit("100.10")
    assert last is not None
    assert last.until_ns is None


def test_what_is_missing_is_taken_at_the_end() -> None:
    late = cross_ns(VIEW)
    wanted = SLICE.wanted(large(replace(MARKET, alive_ns=late), leaves_qty=7 * NANO), late)
    assert wanted == limit("100.10")
    assert wanted is not None
    assert wanted.order_qty is None


def test_a_sale_reads_the_sizes_the_other_way() -> None:
    view = replace(
        short(quote("99.99", "100.00", sizes=(900, 200))),
        terms=replace(TERMS, worst_px=99 * NANO, order_qty=WHOLE_QTY),
        leaves_qty=WHOLE_QTY,
        may_slice=True,
    )
    assert asked(view) == (10_000, 200)


def test_where_nothing_may_follow_it_is_one_order() -> None:
    assert asked(large(may_slice=False)) == (10_000, 1_000)


@pytest.mark.parametrize("now", [NOW, VIEW.deadline_ns])
def test_what_is_not_known_changes_nothing(now: int) -> None:
    wanted = SLICE.wanted(seen(None, working="99.99"), now)
    assert wanted == (limit("99.99") if now == NOW else None)


def test_how_it_is_protected_and_woken() -> None:
    assert SLICE.style is ProtectionStyle.OCO
    assert SLICE.is_reactive
