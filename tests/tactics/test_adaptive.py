"""The `adaptive` tactic."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.fix import OrdType
from surefill.core.plan import SECOND_NS
from surefill.core.tactic import ProtectionStyle, WantedEntry
from surefill.core.units import NANO
from surefill.tactics.adaptive import AdaptiveTactic
from surefill.tactics.quoting import QUOTES_MAX, REST_NS
from tests.tactics.support import NOW, VIEW, limit, quote, seen, short

ADAPTIVE = AdaptiveTactic()
LARGE_QTY = 3_000 * NANO


@pytest.mark.parametrize(
    ("ask", "sizes", "price", "why"),
    [
        ("100.01", (300, 300), "100.00", "the offer costs half a tick: join"),
        ("100.01", (669, 331), "100.00", "33.1 % of a tick: join"),
        ("100.01", (670, 330), "100.01", "33 %: take it, and no more than it"),
        ("100.02", (670, 330), "100.01", "66 % of a tick; the spread has room: improve"),
        ("100.02", (840, 160), "100.02", "32 % of a tick: take it"),
        ("100.03", (300, 300), "100.01", "improve"),
        ("100.00", (100, 900), "100.00", "locked: the offer costs nothing"),
    ],
)
def test_the_far_side_is_taken_where_it_is_cheap(
    ask: str, sizes: tuple[int, int], price: str, why: str
) -> None:
    assert ADAPTIVE.wanted(seen(quote("100.00", ask, sizes=sizes)), NOW) == limit(price), why


@pytest.mark.parametrize("sizes", [(0, 0), (300, 0), (0, 300)])
def test_a_size_that_is_not_known_is_not_cheap(sizes: tuple[int, int]) -> None:
    market = quote("100.00", "100.01", sizes=sizes)
    wanted = ADAPTIVE.wanted(seen(market), NOW)
    assert wanted == limit("100.00")
    assert wanted is not None


@pytest.mark.parametrize(
    ("ask", "sizes", "price"),
    [
        ("100.09", (610, 390), "100.08"),
        ("100.10", (610, 390), "100.10"),
        ("100.10", (590, 410), "100.09"),
        ("100.11", (900, 100), "100.10"),
    ],
)
def test_more_is_paid_for_the_last_tick_inside_the_worst_price(
    ask: str, sizes: tuple[int, int], price: str
) -> None:
    bid = {"100.09": "100.08", "100.10": "100.09", "100.11": "100.10"}[ask]
    assert ADAPTIVE.wanted(seen(quote(bid, ask, sizes=sizes)), NOW) == limit(price)


def test_a_sale_reads_the_sizes_the_other_way() -> None:
    market = quote("99.99", "100.00", sizes=(330, 670))
    assert ADAPTIVE.wanted(short(market), NOW) == limit("99.99")
    even = quote("99.97", "100.00")
    assert ADAPTIVE.wanted(short(even), NOW) == limit("99.99")


def test_an_order_that_reaches_the_far_side_is_left_alone() -> None:
    market = quote("100.00", "100.01", sizes=(900, 100))
    assert ADAPTIVE.wanted(seen(market, working="100.02"), NOW) == limit("100.02")
    assert ADAPTIVE.wanted(seen(market, working="100.00"), NOW) == limit("100.01")


def test_an_order_rests_a_while_and_requests_are_not_spent_without_end() -> None:
    market = quote("100.00", "100.01")
    young = seen(market, working="99.99", working_ns=NOW - REST_NS + SECOND_NS)
    kept = ADAPTIVE.wanted(young, NOW)
    assert kept == limit("99.99")
    assert kept is not None
    assert kept.until_ns == NOW + SECOND_NS
    assert ADAPTIVE.wanted(seen(market, working="99.99"), NOW) == limit("100.00")
    spent = seen(market, working="99.99", quotes=QUOTES_MAX)
    assert ADAPTIVE.wanted(spent, NOW) == limit("99.99")


def test_what_is_missing_is_taken_at_the_end_and_not_given_up_again() -> None:
    late = VIEW.deadline_ns - 5 * SECOND_NS
    market = replace(quote("100.00", "100.01"), alive_ns=late)
    before = ADAPTIVE.wanted(seen(market), late - 1)
    assert before == limit("100.00")
    assert before is not None
    assert before.until_ns == late
    assert ADAPTIVE.wanted(seen(market), late) == limit("100.10")
    cheap = quote("100.00", "100.01", sizes=(900, 100))
    assert ADAPTIVE.wanted(seen(cheap, working="100.10"), NOW) == limit("100.10")


def test_a_large_order_begins_early() -> None:
    """3,000 shares are ten displayed sizes: 30 s before the end of 60."""
    half = VIEW.started_ns + 30 * SECOND_NS
    market = replace(quote("100.00", "100.01"), alive_ns=half)
    waiting = ADAPTIVE.wanted(seen(market, leaves_qty=LARGE_QTY), half - 1)
    assert waiting == limit("100.00")
    assert waiting is not None
    assert waiting.until_ns == half
    assert ADAPTIVE.wanted(seen(market, leaves_qty=LARGE_QTY), half) == limit("100.10")


def test_a_far_side_beyond_the_worst_price_is_waited_for() -> None:
    late = VIEW.deadline_ns - SECOND_NS
    market = replace(quote("100.10", "100.11", sizes=(300, 0)), alive_ns=late)
    wanted = ADAPTIVE.wanted(seen(market), late)
    assert wanted == limit("100.10")
    assert wanted is not None
    assert wanted.until_ns is None


def test_what_is_not_known_changes_nothing() -> None:
    assert ADAPTIVE.wanted(seen(None, working="99.99"), NOW) == limit("99.99")
    assert ADAPTIVE.wanted(seen(None), NOW) is None
    assert ADAPTIVE.wanted(seen(quote("100.00", "100.01")), VIEW.deadline_ns) is None


def test_a_market_order_is_replaced_by_a_limit() -> None:
    """A view may hold any order; one without a limit reaches nothing of ours."""
    market = quote("100.00", "100.01", sizes=(900, 100))
    view = seen(market, working="100.00")
    view = replace(view, working=WantedEntry(OrdType.MARKET, None))
    assert ADAPTIVE.wanted(view, NOW) == limit("100.01")


def test_how_it_is_protected_and_woken() -> None:
    assert ADAPTIVE.style is ProtectionStyle.OCO
    assert ADAPTIVE.is_reactive
