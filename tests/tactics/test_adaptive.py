"""The `adaptive` tactic."""

from __future__ import annotations

import pytest

from surefill.core.tactic import ProtectionStyle
from surefill.tactics.adaptive import AdaptiveTactic
from tests.tactics.support import NOW, limit, quote, seen, short


@pytest.mark.parametrize(
    ("sizes", "price", "why"),
    [
        ((300, 300), "100.00", "the book is even: join"),
        ((600, 400), "100.01", "the book is for us and the spread has room: improve"),
        ((850, 150), "100.10", "the offer is about to go: cross"),
        ((0, 0), "100.00", "no size is known: join"),
    ],
)
def test_sizes_decide(sizes: tuple[int, int], price: str, why: str) -> None:
    market = quote("100.00", "100.03", sizes=sizes)
    assert AdaptiveTactic().wanted(seen(market), NOW) == limit(price), why


def test_a_spread_of_a_tick_has_no_room() -> None:
    market = quote("100.00", "100.01", sizes=(600, 400))
    assert AdaptiveTactic().wanted(seen(market), NOW) == limit("100.00")


def test_a_sale_reads_the_sizes_the_other_way() -> None:
    market = quote("99.97", "100.00", sizes=(150, 850))
    assert AdaptiveTactic().wanted(short(market), NOW) == limit("99.90")
    improved = quote("99.97", "100.00", sizes=(400, 600))
    assert AdaptiveTactic().wanted(short(improved), NOW) == limit("99.99")


@pytest.mark.parametrize(
    ("ask", "price"), [("100.09", "100.05"), ("100.10", "100.10"), ("100.11", "100.05")]
)
def test_the_last_tick_inside_the_worst_price_is_taken(ask: str, price: str) -> None:
    market = quote("100.05", ask)
    assert AdaptiveTactic().wanted(seen(market), NOW) == limit(price)


def test_how_it_is_protected_and_woken() -> None:
    tactic = AdaptiveTactic()
    assert tactic.style is ProtectionStyle.OCO
    assert tactic.is_reactive
